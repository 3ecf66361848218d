"""Sets that are chosen out of all images of a data set: by lists (train.txt beside it, or in its folder `splits`), or
by the folders that the images lie in.
"""
import os
from typing import Dict, List, Optional, Sequence, Set, Tuple

from ..files.text_lists import read_image_list, readable_name
from .found import FoundSet
from .image_folders import without_masks
from .set_names import canonical_name, canonical_of_paths, choose_names
from .tree import Tree

SPLITS_FOLDER = "splits"
# Where other lists are looked for, below the data set's folder or one of its folders.
LIST_FOLDERS = ((), ("ImageSets", "Main"), ("ImageSets",), ("lists",))
_LINES_LOOKED_AT = 20


def lists_of_images(tree: Tree, folder: str, images: Optional[Tree] = None, any_name: bool = False) -> List[str]:
    """Returns the text files in a folder whose lines name images of the data set.

    Args:
        tree: the data set's folder.
        folder: one in it.
        images: the folder of the images, where it is another one.
        any_name: also those that are not named after a set.
    """
    if folder not in tree.folders:
        return []
    stems = set(map(readable_name, (images or tree).image_stems()))
    return [file for file in tree.folders[folder].paths(".txt")
            if (any_name or _is_named_after_a_set(file)) and _names_images(file, stems)]


def sets_of_lists(lists: Sequence[str], sets: Sequence[FoundSet]) -> Dict[str, FoundSet]:
    """Returns by name the sets that lists choose out of all images of some sets."""
    pairs = [(stem, canonical_name(stem)) for stem in (os.path.splitext(os.path.basename(file))[0] for file in lists)]
    return {name: chosen_by_list(file, original, name, sets)
            for file, (original, _), name in zip(lists, pairs, choose_names(pairs))}


def sets_of_image_folders(tree: Tree, sets: Sequence[FoundSet]) -> Dict[str, FoundSet]:
    """Returns by name the sets that the images make which lie in folders called train, val or test.

    Args:
        tree: the folder of the images.
        sets: the sets out of which they are chosen, whose annotations lie together.

    Returns:
        Two sets or three; empty where the folders of the images tell no such sets.
    """
    folders: Dict[Tuple[str, str], List[str]] = {}
    holders = without_masks(tree.with_images())
    for folder, (canonical, position) in zip(holders, canonical_of_paths([folder.parts for folder in holders])):
        if canonical:
            path = os.path.join(tree.root, *folder.parts[:position + 1])
            folders.setdefault((folder.parts[position], canonical), []).append(path)
    names = choose_names(list(folders))
    if len(folders) < 2:
        return {}
    return {name: FoundSet(name, original, sets[0].layout, (), tuple(dict.fromkeys(paths)), parts=tuple(sets))
            for name, ((original, _), paths) in zip(names, folders.items())}


def chosen_by_list(file: str, original: str, name: str, sets: Sequence[FoundSet]) -> FoundSet:
    """Returns the set that a list chooses out of all images of some sets, which have one layout."""
    return FoundSet(name, original, sets[0].layout, (), (), list_file=file, parts=tuple(sets))


def _is_named_after_a_set(file: str) -> bool:
    stem = os.path.splitext(os.path.basename(file))[0]
    return stem.casefold() == "trainval" or canonical_name(stem) is not None


def _names_images(file: str, stems: Set[str]) -> bool:
    """Returns whether at least half of the first lines name images of the data set."""
    lines = [line for _, line in read_image_list(file)[:_LINES_LOOKED_AT]]
    names = [readable_name(os.path.basename(line.replace("\\", "/"))) for line in lines]
    known = sum(name in stems or os.path.splitext(name)[0] in stems for name in names)
    return bool(lines) and known * 2 >= len(lines)
