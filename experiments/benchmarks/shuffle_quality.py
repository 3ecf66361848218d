"""How random the order of an epoch is that is drawn from windows, beside one that is drawn from all images.

    python -m light_head_rcnn.experiments.benchmarks.shuffle_quality

The set is sorted by class, the worst case. Two figures, each over many stretches of images that come one after the
other: how evenly they hold the classes (the chi-square statistic by its degrees of freedom, 1 where images are drawn at
random), and how many pairs of them come as near to one another again in the next epoch.
"""
import argparse
import json
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...data.batching.orders import shuffled_rows, windowed_rows

IMAGES, CLASSES, STRETCH, BATCH = 1_000_000, 100, 1000, 2


def measure(images: int = IMAGES, stretches: int = 200) -> List[Dict[str, object]]:
    """Returns a row for each order.

    Args:
        images: of the set.
        stretches: so many are looked at.

    Returns:
        "order", "chi_square", "near_again" (a share of pairs) and "expected" (that of random orders).
    """
    sorted_order, packed = np.arange(images), np.random.RandomState(7).permutation(images)
    orders = {"all images": None, **{f"windows of {window}, {name}": (storage, window) for window in (20_000, 5_000)
                                     for name, storage in (("packed in a random order", packed),
                                                           ("packed in the order of the classes", sorted_order))}}
    rows = []
    for name, how in orders.items():
        first, second = (_epoch(images, how, seed) for seed in (1, 2))
        chi, near = _figures(first, second, images, stretches)
        rows.append({"order": name, "chi_square": chi, "near_again": near, "expected": 2 * STRETCH / images})
    return rows


def _epoch(images: int, how: object, seed: int) -> np.ndarray:
    rng, tall = np.random.RandomState(seed), np.zeros(images, bool)
    if how is None:
        return shuffled_rows([np.arange(images)], BATCH, rng, True).ravel()
    storage, window = how
    return windowed_rows(storage, tall, BATCH, window, rng).ravel()


def _figures(first: np.ndarray, second: np.ndarray, images: int, stretches: int) -> Tuple[float, float]:
    place = np.empty(images, np.int64)
    place[second] = np.arange(len(second))
    chi, near = [], []
    expected = STRETCH / CLASSES
    for start in np.linspace(0, images - STRETCH, stretches).astype(int):
        chosen = first[start:start + STRETCH]
        counts = np.bincount(chosen * CLASSES // images, minlength=CLASSES)
        chi.append(((counts - expected) ** 2 / expected).sum() / (CLASSES - 1))
        again = np.sort(place[chosen])
        pairs = np.searchsorted(again, again + STRETCH) - np.arange(1, STRETCH + 1)
        near.append(pairs.sum() / (STRETCH * (STRETCH - 1) / 2))
    return float(np.mean(chi)), float(np.mean(near))


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Prints a table, and the numbers as JSON; `argv` are the words of the command line, which has --help alone."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args(argv)
    rows = measure()
    print(f"{'drawn from':<60} {'chi-square':>10} {'near again':>10}  (random: {rows[0]['expected']:.2%})")
    for row in rows:
        print(f"{row['order']:<60} {row['chi_square']:>10.2f} {row['near_again']:>10.2%}")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
