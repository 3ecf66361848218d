"""Finds sets whose annotations lie in one file for many images: COCO, VIA, and tables of boxes."""
import os
import re
from typing import List, Optional, Sequence, Tuple

from .found import FoundSet
from .image_folders import image_folders_of, with_counted_folders
from .set_names import canonical_name, canonical_of_path, choose_names
from .tree import Tree

_OFFICIAL = re.compile(r"(instances|image_info)_(.+)\.json$")
# What annotation files are called that are not named after a set.
_NO_NAMES = re.compile(r"_?annotations?(\.coco|_coco)?|instances_default|instances|labels?|coco|data|result|default|"
                       r"via_region_data|via_project.*|via_export.*|dataset|bbox|boxes|_annotations", re.IGNORECASE)


def sets_of_files(tree: Tree, layout: str, files: Sequence[str], image_root: Optional[Tree] = None) -> List[FoundSet]:
    """Returns one set for each annotation file.

    Args:
        tree: the data set's folder.
        layout: of the files: "coco", "via" or "csv".
        files: the annotation files.
        image_root: see `image_folders_of`.
    """
    files = _without_other_tasks(files) if layout == "coco" else list(files)
    pairs = [_names_of(tree, file) for file in files]
    if sum(not original for original, _ in pairs) > 1:
        pairs = [(original or os.path.relpath(file, tree.root), canonical)
                 for file, (original, canonical) in zip(files, pairs)]
    sets = []
    for file, (original, canonical), name in zip(files, pairs, choose_names(pairs)):
        folders = image_folders_of(tree, [os.path.dirname(file)], original, canonical, image_root)
        sets.append(FoundSet(name, original, layout, (file,), folders))
    return with_counted_folders(sets)


def _without_other_tasks(files: Sequence[str]) -> List[str]:
    """Returns COCO's files of boxes: where a folder has `instances_...`, those, and `image_info_...` of other sets."""
    chosen = []
    for file in files:
        folder, name = os.path.split(file)
        others = [os.path.basename(other) for other in files if os.path.dirname(other) == folder]
        official = _OFFICIAL.match(name)
        if any(other.startswith("instances_") for other in others):
            if not official or official[1] == "image_info" and f"instances_{official[2]}.json" in others:
                continue
        chosen.append(file)
    return chosen


def _names_of(tree: Tree, file: str) -> Tuple[str, Optional[str]]:
    """Returns the folder's own word for the set of a file, empty where there is none, and the canonical name or None.
    """
    stem = os.path.splitext(os.path.basename(file))[0]
    official = _OFFICIAL.match(os.path.basename(file))
    if official:
        stem = official[2]
    canonical = canonical_name(stem)
    if canonical:
        return stem, canonical
    parts = os.path.relpath(os.path.dirname(file), tree.root).split(os.sep)
    canonical, position = canonical_of_path(parts)
    if canonical:
        return parts[position], canonical
    return "" if _NO_NAMES.fullmatch(stem) else stem, None


