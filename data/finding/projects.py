"""Tells data sets that lie side by side in one folder from parts of one data set."""
from typing import Dict, List, Optional, Sequence, Set, Tuple

from .tree import Tree


def places_of(tree: Tree, folders: Sequence[Sequence[str]]) -> List[str]:
    """Returns the innermost folder around each of some folders that holds images, too; "" for the data set's folder.

    Args:
        tree: the data set's folder.
        folders: each as the folders on the way to it.
    """
    with_images: Set[Tuple[str, ...]] = {folder.parts[:count] for folder in tree.with_images()
                                         for count in range(len(folder.parts) + 1)}
    places = []
    for folder in folders:
        parts = tuple(folder)
        while parts and parts not in with_images:
            parts = parts[:-1]
        places.append("/".join(parts))
    return places


def projects_of(places: Sequence[str], canonicals: Sequence[Optional[str]]) -> List[str]:
    """Returns the folder of each set, if several folders have a set of the same name: they are projects side by side.

    Args:
        places: the folder around each set, relative to the data set's folder; "" for that one itself.
        canonicals: train, val, test or None of each.

    Returns:
        `places`, "." for "", or all "" if no two folders have the same.
    """
    folders: Dict[Optional[str], Set[str]] = {}
    for place, canonical in zip(places, canonicals):
        folders.setdefault(canonical, set()).add(place)
    several = any(canonical and len(found) > 1 for canonical, found in folders.items())
    return [place or "." for place in places] if several else [""] * len(places)
