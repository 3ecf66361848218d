"""The order and the random changes of an epoch's training images, drawn ahead so that workers draw nothing."""
from typing import Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

from ...errors import UsageError
from ..record import Record
from .shard import ONE_PROCESS, Shard


# MXNet allocates memory anew for each shape of a batch: a few sizes keep the memory flat.
JITTER_STEPS = 8
_JITTER_STREAM = 1


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


def jittered_sizes(size: Tuple[int, int], jitter: Tuple[float, float]) -> List[Tuple[int, int]]:
    """Returns the sizes that `TrainSampler` draws from in place of one of its scales.

    Args:
        size: shorter edge, and bound on the longer edge, in pixels.
        jitter: lowest and highest factor of both. There are `JITTER_STEPS` factors, evenly spaced on a logarithmic
            scale, or one where the two are equal.
    """
    factors = np.geomspace(*jitter, JITTER_STEPS) if jitter[0] < jitter[1] else jitter[:1]
    return [tuple(max(round(edge * factor), 1) for edge in size) for factor in factors]


class TrainSampler:
    """Draws the batches of training epochs; those of an epoch depend on the seed and the epoch alone.

    Args:
        records: list of `Record`; only their sizes are used.
        batch_size: images in a batch, all processes together. Every batch is full: the last one of a group repeats
            images of that group.
        scales: pairs (shorter edge, bound on the longer edge) in pixels; one is drawn for each batch, see also
            `scale_per_image`.
        flip: mirror each image with probability one half, drawn anew every epoch.
        shuffle: False keeps the order of the records within each group, and the groups one after the other.
        group_by_aspect: put only images of one group into a batch, so that little is padded. One group holds the images
            that are at least as wide as high, square ones among them, the other those that are higher than wide, as in
            the MXNet original.
        seed: whole number, at least 0.
        scale_jitter: lowest and highest factor of the size of a batch; one of the `jittered_sizes` is drawn for each.
        scale_per_image: draw one of the scales for each image in place of each batch.
        shard: this process among those that share each batch in equal parts. The batches are those of one process.

    Attributes:
        batch_size, shard: as given.

    Raises:
        UsageError: an argument cannot be used.
    """

    def __init__(self, records: Sequence[Record], batch_size: int, scales: Sequence[Tuple[int, int]],
                 flip: bool = True, shuffle: bool = True, group_by_aspect: bool = True, seed: int = 0,
                 scale_jitter: Tuple[float, float] = (1.0, 1.0), scale_per_image: bool = False,
                 shard: Shard = ONE_PROCESS):
        if not records:
            raise UsageError("records: a sampler needs at least one record")
        if batch_size < 1:
            raise UsageError(f"batch_size is {batch_size}; it must be at least 1")
        if batch_size % shard.checked().size:
            raise UsageError(f"batch_size is {batch_size}; it must be a multiple of the {shard.size} processes that "
                             "share a batch")
        self.scales = [(int(short), int(long)) for short, long in scales]
        if not self.scales or not all(0 < short <= long for short, long in self.scales):
            raise UsageError(f"scales is {scales}; it must hold pairs of shorter edge <= longer edge, in pixels")
        if not 0 < scale_jitter[0] <= scale_jitter[1]:
            raise UsageError(f"scale_jitter is {scale_jitter}; it must be two factors above 0, the lower one first")
        self._sizes = {size: jittered_sizes(size, scale_jitter) for size in self.scales}
        self.batch_size, self.flip, self.shuffle, self.seed = batch_size, flip, shuffle, seed
        self.scale_per_image, self.shard = scale_per_image, shard
        self._tall = np.array([group_by_aspect and record.height > record.width for record in records])
        self._groups = [group for group in (np.flatnonzero(~self._tall), np.flatnonzero(self._tall)) if len(group)]

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return sum(-(-len(group) // self.batch_size) for group in self._groups)

    def batches(self, epoch: int) -> List[List[SampledImage]]:
        """Returns this process's part of all batches of an epoch, counted from 0.

        A slice of the list resumes in the middle of the epoch. The parts of all ranks, one after the other, are the
        batches of `global_batches`.
        """
        return [self.shard.of(batch) for batch in self.global_batches(epoch)]

    def global_batches(self, epoch: int) -> List[List[SampledImage]]:
        """Returns all batches of an epoch, counted from 0, as one process alone has them."""
        # NumPy promises that RandomState gives the same numbers in all of its versions.
        rng = np.random.RandomState([self.seed, epoch])
        rows = []
        for group in self._groups:
            order = rng.permutation(group) if self.shuffle else group
            full = -(-len(order) // self.batch_size) * self.batch_size
            rows.extend(np.resize(order, full).reshape(-1, self.batch_size))
        if self.shuffle:
            rows = [rows[i] for i in rng.permutation(len(rows))]
        # A stream of its own: whether sizes vary changes nothing else.
        steps = np.random.RandomState([self.seed, epoch, _JITTER_STREAM]).randint(JITTER_STEPS, size=len(rows))
        batches = []
        for row, step in zip(rows, steps):
            drawn = rng.randint(len(self.scales), size=self.batch_size if self.scale_per_image else 1)
            sizes = [self._sizes[self.scales[place]] for place in np.resize(drawn, self.batch_size)]
            sides = [sizes_of_one[step % len(sizes_of_one)] for sizes_of_one in sizes]
            flips = rng.rand(self.batch_size) < 0.5
            seeds = rng.randint(0, 2 ** 32, self.batch_size, dtype=np.uint32)
            batches.append([SampledImage(int(i), bool(self.flip and f), short, long, int(s))
                            for i, f, (short, long), s in zip(row, flips, sides, seeds)])
        return batches

    def others(self, batches: List[List[SampledImage]], number: int) -> Iterator[int]:
        """Yields images that can take the place of one in a batch: those of its group, as they follow in the epoch.

        Args:
            batches: of an epoch, as `global_batches` returns them.
            number: of the batch.

        Yields:
            Positions in the list of records: those of the batches after this one, then those of the batches before it,
            then its own. Each comes once.
        """
        tall, seen = self._tall[batches[number][0].index], set()
        for batch in batches[number + 1:] + batches[:number + 1]:
            for sampled in batch:
                if self._tall[sampled.index] == tall and sampled.index not in seen:
                    seen.add(sampled.index)
                    yield sampled.index
