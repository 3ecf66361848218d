"""The names of image sets: train, val and test, whatever the files call them."""
import re
from collections import Counter
from typing import Dict, Iterable, List, Optional, Sequence, Set, Tuple

CANONICAL = ("train", "val", "test")
_WORDS = {"train": "train", "training": "train", "trainset": "train", "trainingset": "train",
          "val": "val", "valid": "val", "validation": "val", "validate": "val", "valset": "val", "dev": "val",
          "eval": "val", "evaluation": "val",
          "test": "test", "testing": "test", "testset": "test"}


def canonical_name(text: str) -> Optional[str]:
    """Returns train, val or test if a name of a set, file or folder has one such word and no other; else None.

    Example:
        >>> canonical_name("instances_train2017"), canonical_name("Validation"), canonical_name("trainval")
        ('train', 'val', None)
    """
    words = re.findall("[a-z]+", text.casefold())
    if "test" in words and "dev" in words:  # COCO's test-dev
        return "test"
    named = {_WORDS[word] for word in words if word in _WORDS}
    return named.pop() if len(named) == 1 else None


def canonical_of_path(parts: Sequence[str]) -> Tuple[Optional[str], int]:
    """Returns the canonical name in a path of folders, the last that has one, and its position; (None, -1) if none."""
    return canonical_of_paths([parts])[0]


def canonical_of_paths(paths: Sequence[Sequence[str]]) -> List[Tuple[Optional[str], int]]:
    """Returns for each path of folders the canonical name in it, and its position; (None, -1) if there is none.

    Of several names in a path, the last counts beside which there are folders of another canonical name: a class or a
    place may be called "train" in the folders of each set. Where there are no such folders, the last name counts.
    """
    beside: Dict[Tuple[str, ...], Set[str]] = {}
    of_paths = [[(canonical_name(part), position) for position, part in enumerate(parts)] for parts in paths]
    for parts, of_path in zip(paths, of_paths):
        for name, position in of_path:
            if name:
                beside.setdefault(tuple(parts[:position]), set()).add(name)
    found = []
    for parts, of_path in zip(paths, of_paths):
        named = [(name, position) for name, position in of_path if name]
        divided = [(name, position) for name, position in named if len(beside[tuple(parts[:position])]) > 1]
        found.append((divided or named or [(None, -1)])[-1])
    return found


def choose_names(originals: Iterable[Tuple[str, Optional[str]]], projects: Sequence[str] = ()) -> List[str]:
    """Names sets so that no two have one name.

    Args:
        originals: the folder's own word and the canonical name of each, which is None where it has none.
        projects: what `projects_of` returns for them; names begin with it.

    Returns:
        The canonical name of each set that has one to itself, "all" for a set that is the only one or has no word of
        its own, and the folder's own word otherwise, with a number where it is taken.
    """
    pairs = list(originals)
    projects = projects or [""] * len(pairs)
    counts = Counter((project, canonical) for project, (_, canonical) in zip(projects, pairs))
    taken: Dict[str, int] = {}
    names = []
    for project, (original, canonical) in zip(projects, pairs):
        if canonical and counts[project, canonical] == 1:
            name = canonical
        else:
            name = "all" if len(pairs) == 1 else original or "all"
        name = f"{project}/{name}" if project else name
        taken[name] = taken.get(name, 0) + 1
        names.append(name if taken[name] == 1 else f"{name}-{taken[name]}")
    return names


def in_order(names: Iterable[str]) -> List[str]:
    """Returns names of sets with train, val and test first, the others in the order of the alphabet."""
    return sorted(names, key=lambda name: (CANONICAL.index(name) if name in CANONICAL else len(CANONICAL), name))
