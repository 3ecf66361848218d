"""Divides images into sets to train on and to test on, so that each has its share of every class."""
import math
from typing import Dict, List, Mapping, Sequence

import numpy as np

from ...errors import UsageError
from ..files.equal_files import groups_of_equal_files, real_paths
from ..record import Record


def split_records(records: Sequence[Record], shares: Mapping[str, float], seed: int = 0,
                  progress: bool = False) -> Dict[str, List[Record]]:
    """Divides images into sets that have their share of the images and, as nearly as that allows, of every class.

    The images with the rarest class are dealt out first, those with most boxes of it before the others, and each goes
    to the set whose boxes it brings closest to their shares. Images whose files have the same bytes stay together, so
    that no picture is in two sets. The same records and seed give the same sets.

    Args:
        records: the images.
        shares: the share of the images of each set by its name, each more than 0; together they are 1.
        seed: decides between images that would do equally well.
        progress: show bars on a terminal.

    Returns:
        The records of each set, in the order of `records`.

    Raises:
        UsageError: the shares are not such, or there are too few images for one in each set.
    """
    if any(not 0 < share < 1 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise UsageError("the shares of the sets must each be between 0 and 1, and 1 together; they are "
                         + ", ".join(f"{name} {share:g}" for name, share in shares.items()))
    groups = _groups_of_equal_images(records, progress)
    if len(groups) < len(shares):
        raise UsageError(f"{len(groups)} different images cannot be divided into {len(shares)} sets")
    counts = _boxes_of_classes(records)
    group_counts = np.stack([counts[group].sum(axis=0) for group in groups])
    group_sizes = np.array([len(group) for group in groups])
    chosen = _stratify(group_counts, group_sizes, np.array(list(shares.values())), seed)
    _fill_empty_sets(chosen, len(shares))
    set_of_record = np.zeros(len(records), int)
    for group, index in zip(groups, chosen):
        set_of_record[group] = index
    return {name: [record for record, which in zip(records, set_of_record) if which == index]
            for index, name in enumerate(shares)}


def _groups_of_equal_images(records: Sequence[Record], progress: bool) -> List[List[int]]:
    """Returns the positions of the records in groups of which each has one picture, by their first positions."""
    paths = real_paths(record.path for record in records)
    first_of = {path: group[0] for group in groups_of_equal_files(paths, progress) for path in group}
    groups: Dict[str, List[int]] = {}
    for position, path in enumerate(paths):
        groups.setdefault(first_of.get(path, path), []).append(position)
    return list(groups.values())


def _boxes_of_classes(records: Sequence[Record]) -> np.ndarray:
    """Returns int (images, C + 1): boxes of each class, and in the last column 1 for images without boxes."""
    number = 1 + max((int(record.classes.max()) for record in records if len(record.classes)), default=-1)
    counts = np.array([np.bincount(record.classes, minlength=number) for record in records])
    return np.concatenate([counts, counts.sum(axis=1, keepdims=True) == 0], axis=1).astype(int)


def _stratify(counts: np.ndarray, sizes: np.ndarray, shares: np.ndarray, seed: int) -> np.ndarray:
    """Deals groups of images out to sets.

    Args:
        counts: int (groups, kinds), boxes of each kind.
        sizes: int (groups,), images.
        shares: float (sets,), of the images.
        seed: for the order of groups that are alike.

    Returns:
        int (groups,), the set of each.
    """
    order = np.random.RandomState(seed).permutation(len(counts))
    room = _whole_shares(int(sizes.sum()), shares)
    totals = np.maximum(counts.sum(axis=0), 1)
    lacking = shares[:, None] * totals
    chosen = np.full(len(counts), -1)
    for kind in np.argsort(np.count_nonzero(counts, axis=0), kind="stable"):
        having = order[(counts[order, kind] > 0) & (chosen[order] < 0)]
        # The images with most boxes first: those with few make up for what is left over.
        for group in having[np.argsort(-counts[having, kind], kind="stable")]:
            # By how much the chi-square distance of each set from its share of all kinds falls.
            falls = ((lacking ** 2 - (lacking - counts[group]) ** 2) / totals).sum(axis=1) / shares
            # A set that is full takes no more images, as long as another one is not.
            index = max(range(len(shares)), key=lambda i: (room[i] > 0, falls[i], room[i]))
            chosen[group] = index
            lacking[index] -= counts[group]
            room[index] -= sizes[group]
    return chosen


def _whole_shares(total: int, shares: np.ndarray) -> np.ndarray:
    """Returns whole numbers of the sum `total` near their shares of it."""
    ends = [math.floor(total * end + 0.5) for end in np.cumsum(shares)]
    return np.diff([0, *ends[:-1], total])


def _fill_empty_sets(chosen: np.ndarray, number: int) -> None:
    """Moves one group from the largest set to each set that has none."""
    for index in range(number):
        if not (chosen == index).any():
            chosen[np.flatnonzero(chosen == np.bincount(chosen).argmax())[0]] = index
