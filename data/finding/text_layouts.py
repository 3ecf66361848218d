"""Finds annotations in text files of other formats than YOLO's: KITTI's, VisDrone's and WIDER FACE's."""
import os
from itertools import islice
from typing import Dict, List, Optional, Sequence

from ..files.opening import size_of
from ..files.text_lists import read_text
from ..readers.text_files import image_folder_beside
from ..readers.yolo_files import NO_LABELS
from .folder_layouts import by_folder
from .found import FoundSet
from .sniffing import text_kind
from .tree import Tree

_LOOKED_INTO = 20  # text files of a folder, to tell what they are
_LONGEST_BLANK = 1000  # bytes; a file of more is not read to tell whether it is blank
_OF_WIDERFACE = "_bbx_"  # in the names of its own lists


def find_text_files(tree: Tree, images: Optional[Tree] = None) -> Dict[str, List[str]]:
    """Returns the text files of each of these layouts that a folder has.

    Args:
        tree: the data set's folder.
        images: that of its images, where they do not lie with the annotations.
    """
    stems = (images or tree).image_stems()
    found: Dict[str, List[str]] = {}
    for files in by_folder(tree.paths(".txt")).values():
        labels = files_that_may_be_labels(files)
        filled = first_with_content(labels)
        kinds = {file: text_kind(file) for file in (*filled, *(one for one in labels if _OF_WIDERFACE in one))}
        of_images = not stems or any(os.path.splitext(os.path.basename(file))[0] in stems for file in labels)
        for layout in ("kitti", "visdrone"):
            if filled and of_images and [kinds[file] for file in filled].count(layout) * 2 >= len(filled):
                found.setdefault(layout, []).extend(labels)
        found.setdefault("widerface", []).extend(file for file, kind in kinds.items() if kind == "widerface")
    return found


def first_with_content(files: Sequence[str]) -> List[str]:
    """Returns the first of some files that are not blank, as many as are looked into to tell what they are."""
    return list(islice((file for file in files if size_of(file) > _LONGEST_BLANK or read_text(file).strip()),
                       _LOOKED_INTO))


def files_that_may_be_labels(files: Sequence[str]) -> List[str]:
    """Returns text files without those whose names say that they are lists or notes."""
    return [file for file in files if os.path.basename(file).lower() not in NO_LABELS]


def with_images_beside(one: FoundSet, tree: Tree) -> FoundSet:
    """Returns a set with the images from the folder that is called as that of its labels is, if there is one.

    A folder of KITTI's has images of several cameras, under the same names.

    Args:
        one: the set.
        tree: the data set's folder, which may itself be that of the labels.
    """
    outside = os.path.dirname(tree.root)
    folder = image_folder_beside(one.annotation_root or os.path.dirname(one.annotations[0]), outside)
    if folder is None:
        # Several folders of labels, each with its own images: the reader finds those, and the rest is not counted.
        apart = any(image_folder_beside(os.path.dirname(file), outside) for file in one.annotations)
        return one._replace(counted_folder=None) if apart else one
    return one._replace(image_folders=(folder,), counted_folder=folder if one.counted_folder else None,
                        parts=tuple(with_images_beside(part, tree) for part in one.parts))
