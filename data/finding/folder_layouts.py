"""Finds sets whose annotations lie in one file an image, such as XML files and YOLO's label files."""
import os
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from .found import FoundSet
from .image_folders import image_folders_of, with_counted_folders
from .projects import places_of, projects_of
from .set_names import canonical_of_paths, choose_names
from .tree import Folder, Tree, common_folder


def sets_of_folders(tree: Tree, layout: str, files: Mapping[str, Sequence[str]],
                    image_root: Optional[Tree] = None, by_images: bool = False) -> List[FoundSet]:
    """Returns one set for each part of the data set that the folders are named after, or one of all files.

    Args:
        tree: the data set's folder.
        layout: of the files.
        files: the annotation files by their folder, a key of `tree.folders`.
        image_root: see `image_folders_of`.
        by_images: whether the images in its folders make a set, whatever the annotation files are: then the folder
            around several parts, in which other sets may lie, is never taken for them.
    """
    # The folders of each set, by the folder that is named after it: several such as `train_1` and `train_2` beside each
    # other are parts of one set.
    groups: Dict[Tuple[str, Optional[str]], Dict[Tuple[str, ...], List[Folder]]] = {}
    of_files = [tree.folders[path] for path in files]
    named = [(folder, *found) for folder, found in zip(of_files, canonical_of_paths([one.parts for one in of_files]))]
    places = places_of(tree, [folder.parts[:position] if canonical else () for folder, canonical, position in named])
    for place, (folder, canonical, position) in zip(places, named):
        outer = folder.parts[:position + 1] if canonical else ()
        groups.setdefault((place, canonical), {}).setdefault(outer, []).append(folder)
    words = [next(outer[-1] if outer else "" for outer in group) for group in groups.values()]
    pairs = [(word or ("" if len(groups) == 1 else "rest"), canonical) for word, (_, canonical) in zip(words, groups)]
    projects = projects_of([place for place, _ in groups], [canonical for _, canonical in groups])
    sets = []
    for (original, canonical), name, project, group in zip(pairs, choose_names(pairs, projects), projects,
                                                           groups.values()):
        whole = _set_in(tree, layout, files, original, canonical, image_root,
                        [folder for folders in group.values() for folder in folders])
        parts = tuple(_set_in(tree, layout, files, outer[-1], canonical, image_root, folders)._replace(project=project)
                      for outer, folders in group.items()) if len(group) > 1 else ()
        sets.append(whole._replace(name=name, project=project,
                                   parts=parts if parts and (by_images or _lie_apart(whole, parts)) else ()))
    return with_counted_folders(sets)


def _set_in(tree: Tree, layout: str, files: Mapping[str, Sequence[str]], word: str, canonical: Optional[str],
            image_root: Optional[Tree], folders: Sequence[Folder]) -> FoundSet:
    """Returns the set of the annotation files in some folders, called by their own word for it."""
    paths = [folder.path for folder in folders]
    annotations = tuple(file for path in paths for file in files[path])
    stems = {os.path.splitext(os.path.basename(file))[0] for file in annotations}
    images = image_folders_of(tree, paths, word, canonical, image_root, stems)
    return FoundSet(word, word, layout, annotations, images, annotation_root=common_folder(paths))


def _lie_apart(whole: FoundSet, parts: Sequence[FoundSet]) -> bool:
    """Returns whether the images of some parts of a set lie in other folders than those of the whole set."""
    inside = tuple(os.path.join(folder, "") for folder in whole.image_folders)
    return not all(os.path.join(folder, "").startswith(inside) for part in parts for folder in part.image_folders)


def by_folder(files: Sequence[str]) -> Dict[str, List[str]]:
    """Returns files by the folders that they lie in."""
    found: Dict[str, List[str]] = {}
    for file in files:
        found.setdefault(os.path.dirname(file), []).append(file)
    return found
