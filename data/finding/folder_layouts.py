"""Finds sets whose annotations lie in one file an image: XML files, YOLO's label files, labelme's JSON files."""
import os
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from .found import FoundSet
from .image_folders import image_folders_of, with_counted_folders
from .set_names import canonical_of_path, choose_names
from .tree import Folder, Tree, common_folder


def sets_of_folders(tree: Tree, layout: str, files: Mapping[str, Sequence[str]],
                    image_root: Optional[Tree] = None) -> List[FoundSet]:
    """Returns one set for each part of the data set that the folders are named after, or one of all files.

    Args:
        tree: the data set's folder.
        layout: of the files.
        files: the annotation files by their folder, a key of `tree.folders`.
        image_root: see `image_folders_of`.
    """
    groups: Dict[Tuple[str, Optional[str]], List[Folder]] = {}
    for path in files:
        folder = tree.folders[path]
        canonical, position = canonical_of_path(folder.parts)
        original = folder.parts[position] if canonical else ""
        groups.setdefault((original, canonical), []).append(folder)
    groups = _joined_by_canonical_name(groups)
    pairs = [(original or ("" if len(groups) == 1 else "rest"), canonical) for original, canonical in groups]
    sets = []
    for (original, canonical), name, folders in zip(pairs, choose_names(pairs), groups.values()):
        paths = [folder.path for folder in folders]
        annotations = tuple(file for path in paths for file in files[path])
        images = image_folders_of(tree, paths, original, canonical, image_root)
        sets.append(FoundSet(name, original, layout, annotations, images, annotation_root=common_folder(paths)))
    return with_counted_folders(sets)


def _joined_by_canonical_name(groups: Dict[Tuple[str, Optional[str]], List[Folder]]
                              ) -> Dict[Tuple[str, Optional[str]], List[Folder]]:
    """Joins groups such as `train` and `training` that one folder holds: parts of one set under two words."""
    joined: Dict[Tuple[str, Optional[str]], List[Folder]] = {}
    words: Dict[Optional[str], str] = {}
    for (original, canonical), folders in groups.items():
        key = (words.setdefault(canonical, original), canonical)
        joined.setdefault(key, []).extend(folders)
    return joined


def by_folder(files: Sequence[str]) -> Dict[str, List[str]]:
    """Returns files by the folders that they lie in."""
    found: Dict[str, List[str]] = {}
    for file in files:
        found.setdefault(os.path.dirname(file), []).append(file)
    return found
