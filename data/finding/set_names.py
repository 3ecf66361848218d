"""The names of image sets: train, val and test, whatever the files call them."""
import re
from collections import Counter
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

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
    for position in range(len(parts) - 1, -1, -1):
        name = canonical_name(parts[position])
        if name:
            return name, position
    return None, -1


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
