"""Asks the system to read the images of a packed set in the order of the disk, a window before they are wanted.

Workers read the images of a window in a random order. Without this, a disk with a moving head would go to and fro for
each of them; so it reads the window's runs from their beginnings to their ends, into the memory that the system has to
spare, a little with each batch.
"""
from typing import Iterable, Iterator, Optional

import numpy as np

from ..files.packed_images import read_shard_ahead
from ..flat_records import PackedPlaces

_GAP = 1 << 17  # bytes between two images over which reading on is faster than a new start
_PARTS = 64  # of a window, each of which is asked for at once


class ReadAhead:
    """Follows the batches of an epoch.

    Args:
        places: where the images of the set lie; None for sets that are not packed or drawn from no windows.
        images: int (n, m), positions of the images of each batch that this process reads.
        window: number of images, see `windowed_rows`.
        start: number of the batch with which the epoch begins.
    """

    def __init__(self, places: Optional[PackedPlaces], images: np.ndarray, window: int, start: int = 0):
        self._places, self._images = places, images
        self._step = max(window // max(images.shape[1], 1), 1)  # batches of a window
        self._start = start

    def follow(self, numbers: Iterable[int]) -> Iterator[int]:
        """Yields the numbers of batches, and before each asks for a part of what batches a window later need."""
        if self._places is None:
            yield from numbers
            return
        block = self._start // self._step
        self._ask(self._sorted(block), 0, _PARTS)
        coming, asked = self._sorted(block + 1), 0
        for number in numbers:
            if number // self._step != block:
                block = number // self._step
                coming, asked = self._sorted(block + 1), 0
            part = (number % self._step + 1) * _PARTS // self._step
            if part > asked:
                self._ask(coming, asked, part)
                asked = part
            yield number

    def _sorted(self, block: int) -> np.ndarray:
        """Returns the images of a window's batches in the order of the disk."""
        images = np.unique(self._images[block * self._step:(block + 1) * self._step])
        places = self._places
        return images[np.lexsort((places.offset[images], places.shard[images]))]

    def _ask(self, images: np.ndarray, begin: int, end: int) -> None:
        """Asks for some of the parts of a window's images."""
        images = images[begin * len(images) // _PARTS:end * len(images) // _PARTS]
        if not len(images):
            return
        shards, shard, offset, length = self._places
        starts, ends, shard = offset[images], offset[images] + length[images], shard[images]
        apart = (starts[1:] - ends[:-1] > _GAP) | (shard[1:] != shard[:-1])
        firsts = np.concatenate([[0], np.flatnonzero(apart) + 1])
        lasts = np.concatenate([firsts[1:] - 1, [len(images) - 1]])
        for first, last in zip(firsts.tolist(), lasts.tolist()):
            read_shard_ahead(shards[shard[first]], int(starts[first]), int(ends[last] - starts[first]))
