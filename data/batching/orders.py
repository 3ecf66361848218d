"""The order of an epoch's images, in batches: drawn from all of them, or window by window as they lie on the disk."""
from typing import Sequence

import numpy as np

RUNS = 16  # in a window


def shuffled_rows(groups: Sequence[np.ndarray], batch_size: int, rng: np.random.RandomState,
                  shuffle: bool) -> np.ndarray:
    """Returns batches of images that are drawn from all of a group.

    Args:
        groups: positions of the images of each group; a batch holds images of one.
        batch_size: images in a batch. The last batch of a group is filled up with its first images.
        rng: draws the order.
        shuffle: False keeps the order of the images, and the groups one after the other.

    Returns:
        int (n, batch_size).
    """
    rows = []
    for group in groups:
        order = rng.permutation(group) if shuffle else group
        full = -(-len(order) // batch_size) * batch_size
        rows.append(np.resize(order, full).reshape(-1, batch_size))
    joined = np.concatenate(rows)
    return joined[rng.permutation(len(joined))] if shuffle else joined


def windowed_rows(storage: np.ndarray, tall: np.ndarray, batch_size: int, window: int,
                  rng: np.random.RandomState) -> np.ndarray:
    """Returns batches of images that are drawn from windows, each made of `RUNS` runs of images that lie together.

    The images in the order in which they lie are divided into runs of `window` / `RUNS`. The runs are shuffled, and the
    images of 16 of them, read one after the other, are what batches are drawn from: at any moment those lie in few
    places. Images that fill no batch of their group in a window are drawn in the next one.

    Args:
        storage: positions of all images in the order in which they lie on the disk.
        tall: bool, by position, the group of each image.
        batch_size: images in a batch. The last batch of a group is filled up with the first images of the group.
        window: number of images.
        rng: draws the order.

    Returns:
        int (n, batch_size), as many batches as without a window.
    """
    run = max(window // RUNS, 1)
    starts = np.arange(0, len(storage), run)
    order = np.concatenate([storage[start:start + run] for start in starts[rng.permutation(len(starts))].tolist()])
    left = [order[:0], order[:0]]
    windows = []
    for start in range(0, len(order), window):
        part = order[start:start + window]
        rows = []
        for group, chosen in enumerate((~tall[part], tall[part])):
            images = np.concatenate([left[group], rng.permutation(part[chosen])])
            full = len(images) // batch_size * batch_size
            rows.append(images[:full].reshape(-1, batch_size))
            left[group] = images[full:]
        if start + window >= len(order):
            for images, of_group in zip(left, (order[~tall[order]], order[tall[order]])):
                if len(images):
                    rows.append(np.resize(np.concatenate([images, of_group]), (1, batch_size)))
        joined = np.concatenate(rows)
        windows.append(joined[rng.permutation(len(joined))])
    return np.concatenate(windows)
