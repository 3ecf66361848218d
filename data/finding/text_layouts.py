"""Finds annotations in text files of other formats than YOLO's: KITTI's, VisDrone's and WIDER FACE's."""
import os
import re
from typing import Dict, List, Optional, Sequence

from ..files.opening import size_of
from ..readers.yolo_files import NO_LABELS
from .folder_layouts import by_folder
from .found import FoundSet
from .sniffing import text_kind
from .tree import Tree

_LOOKED_INTO = 20  # text files of a folder, to tell what they are
_OF_LABELS = re.compile(r"label(s?)((?:_\d+)?)")  # KITTI's label_2 lies beside image_2


def find_text_files(tree: Tree) -> Dict[str, List[str]]:
    """Returns the text files of each of these layouts that a folder has."""
    found: Dict[str, List[str]] = {}
    for files in by_folder(tree.paths(".txt")).values():
        labels = files_that_may_be_labels(files)
        kinds = {file: text_kind(file) for file in labels[:_LOOKED_INTO] if size_of(file)}
        for layout in ("kitti", "visdrone"):
            if kinds and list(kinds.values()).count(layout) * 2 >= len(kinds):
                found.setdefault(layout, []).extend(labels)
        found.setdefault("widerface", []).extend(file for file, kind in kinds.items() if kind == "widerface")
    return found


def files_that_may_be_labels(files: Sequence[str]) -> List[str]:
    """Returns text files without those whose names say that they are lists or notes."""
    return [file for file in files if os.path.basename(file).lower() not in NO_LABELS]


def with_images_of_kitti(one: FoundSet) -> FoundSet:
    """Returns a set of KITTI's with the images from the folder that is called as that of its labels is.

    A folder of KITTI's has images of several cameras, under the same names.
    """
    folder = image_folder_beside(one.annotation_root or os.path.dirname(one.annotations[0]))
    if folder is None:
        return one
    return one._replace(image_folders=(folder,), counted_folder=folder if one.counted_folder else None,
                        parts=tuple(map(with_images_of_kitti, one.parts)))


def image_folder_beside(labels: str) -> Optional[str]:
    """Returns the folder `image_2` for the labels in `label_2`, or `images` for those in `labels`, if it is there."""
    parts = labels.split(os.sep)
    for position in reversed(range(len(parts))):
        match = _OF_LABELS.fullmatch(parts[position])
        if match:
            folder = os.sep.join([*parts[:position], f"image{match[1]}{match[2]}", *parts[position + 1:]])
            return folder if os.path.isdir(folder) else None
    return None
