"""The batches of one epoch, each of which is made when it is asked for: a million images need some megabytes."""
from collections.abc import Sequence as SequenceABC
from typing import Iterator, List, NamedTuple, Sequence, Tuple, Union, overload

import numpy as np

from .shard import ONE_PROCESS, Shard


class SampledImage(NamedTuple):
    """One image of a batch, and how it is changed.

    Attributes:
        index: position in the list of records.
        flip: mirror it left to right.
        short_edge, long_edge: size to resize to in pixels, see `resize_scale`.
        seed: below 2**32, for whatever is random in the image's other changes and in its targets.
    """

    index: int
    flip: bool
    short_edge: int
    long_edge: int
    seed: int


Batch = List[SampledImage]


class EpochBatches(SequenceABC):
    """A sequence of batches, lists of `SampledImage`; slices of it are lists of batches.

    What is random in a batch is drawn when the batch, or one behind it, is asked for first.

    Args:
        rows: int (n, batch size), the images of each batch.
        rng: draws, batch after batch, the sizes, the flips and the seeds.
        sizes: for each scale, the pairs (shorter edge, bound on the longer edge) that stand for it.
        steps: int (n,), which of the pairs a batch takes.
        scale_per_image: draw a scale for each image in place of each batch.
        flip: mirror images with probability one half.
    """

    def __init__(self, rows: np.ndarray, rng: np.random.RandomState, sizes: Sequence[Sequence[Tuple[int, int]]],
                 steps: np.ndarray, scale_per_image: bool, flip: bool):
        self._rows, self._rng, self._sizes, self._steps = rows, rng, sizes, steps
        self._per_image, self._flip = scale_per_image, flip
        self._drawn = 0  # number of batches
        self._scales = np.zeros(rows.shape, np.uint16)
        self._flips = np.zeros(rows.shape, bool)
        self._seeds = np.zeros(rows.shape, np.uint32)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, number: int) -> Batch: ...

    @overload
    def __getitem__(self, number: slice) -> List[Batch]: ...

    def __getitem__(self, number: Union[int, slice]) -> Union[Batch, List[Batch]]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(f"batch {number} of {len(self)}")
        number %= len(self)
        self._draw(number + 1)
        step, sizes = self._steps[number], self._sizes
        scales = self._scales[number].tolist()
        return [SampledImage(index, flip, *sizes[scale][step % len(sizes[scale])], seed) for index, flip, scale, seed in
                zip(self._rows[number].tolist(), self._flips[number].tolist(), scales, self._seeds[number].tolist())]

    def __eq__(self, other: object) -> bool:
        """Two sequences are equal whose batches are."""
        return isinstance(other, SequenceABC) and list(self) == list(other)

    __hash__ = None

    def images(self, shard: Shard = ONE_PROCESS) -> np.ndarray:
        """Returns int (n, m), the positions of the images in each batch, or in the part of it that a process makes."""
        return shard.of(self._rows.T).T

    def others(self, number: int) -> Iterator[int]:
        """Yields the images of the batches behind one, then of those before it, then its own."""
        for rows in (self._rows[number + 1:], self._rows[:number + 1]):
            for row in rows:
                yield from row.tolist()

    def _draw(self, count: int) -> None:
        """Draws what is random in the first `count` batches, in their order."""
        size = self._rows.shape[1]
        for number in range(self._drawn, count):
            self._scales[number] = np.resize(
                self._rng.randint(len(self._sizes), size=size if self._per_image else 1), size)
            flips = self._rng.rand(size) < 0.5
            if self._flip:
                self._flips[number] = flips
            self._seeds[number] = self._rng.randint(0, 2 ** 32, size, dtype=np.uint32)
        self._drawn = max(self._drawn, count)


class BatchParts(SequenceABC):
    """The part of each batch that one process makes; slices are lists.

    Args:
        batches: of all processes together.
        shard: the process.
    """

    def __init__(self, batches: EpochBatches, shard: Shard):
        self._batches, self._shard = batches, shard

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: Union[int, slice]) -> Union[Batch, List[Batch]]:
        if isinstance(number, slice):
            return [self._shard.of(batch) for batch in self._batches[number]]
        return self._shard.of(self._batches[number])

    def __eq__(self, other: object) -> bool:
        """Two sequences are equal whose batches are."""
        return isinstance(other, SequenceABC) and list(self) == list(other)

    __hash__ = None
