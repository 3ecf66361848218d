"""Finds sets whose annotations lie in one file an image, such as XML files and YOLO's label files."""
import os
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .found import FoundSet
from .image_folders import image_folders_of, with_counted_folders
from .projects import places_of, projects_of
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
    groups: Dict[Tuple[str, Optional[str]], _Group] = {}
    named = [(tree.folders[path], *canonical_of_path(tree.folders[path].parts)) for path in files]
    places = places_of(tree, [folder.parts[:position] if canonical else () for folder, canonical, position in named])
    for place, (folder, canonical, position) in zip(places, named):
        # Folders such as `train` and `training` beside each other are parts of one set under two words.
        group = groups.setdefault((place, canonical), _Group(folder.parts[position] if canonical else "", []))
        group.folders.append(folder)
    pairs = [(group.original or ("" if len(groups) == 1 else "rest"), canonical)
             for (_, canonical), group in groups.items()]
    projects = projects_of([place for place, _ in groups], [canonical for _, canonical in groups])
    sets = []
    for (original, canonical), name, project, (_, folders) in zip(pairs, choose_names(pairs, projects), projects,
                                                                  groups.values()):
        paths = [folder.path for folder in folders]
        annotations = tuple(file for path in paths for file in files[path])
        images = image_folders_of(tree, paths, original, canonical, image_root)
        sets.append(FoundSet(name, original, layout, annotations, images, annotation_root=common_folder(paths),
                             project=project))
    return with_counted_folders(sets)


class _Group(NamedTuple):
    """The folders of one set, and the first folder's own word for it."""

    original: str
    folders: List[Folder]


def by_folder(files: Sequence[str]) -> Dict[str, List[str]]:
    """Returns files by the folders that they lie in."""
    found: Dict[str, List[str]] = {}
    for file in files:
        found.setdefault(os.path.dirname(file), []).append(file)
    return found
