"""The order and the random changes of an epoch's training images, drawn ahead so that workers draw nothing."""
from typing import Iterator, List, Sequence, Tuple

import numpy as np

from ...errors import UsageError
from ..flat_records import FlatRecords
from ..record import Record
from ..record_columns import image_field, storage_order
from .epoch_batches import Batch, BatchParts, EpochBatches
from .orders import shuffled_rows, windowed_rows
from .shard import ONE_PROCESS, Shard

# MXNet allocates memory anew for each shape of a batch: a few sizes keep the memory flat.
JITTER_STEPS = 8
_JITTER_STREAM = 1


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
        shuffle_window: number of images among which batches are drawn, in runs of images that lie together on the disk,
            see `windowed_rows`; 0 draws from all of them.

    Attributes:
        batch_size, shard: as given.
        shuffle_window: as given; 0 where nothing is shuffled.
        places: where the images of a packed set lie that are drawn from windows; None otherwise.

    Raises:
        UsageError: an argument cannot be used.
    """

    def __init__(self, records: Sequence[Record], batch_size: int, scales: Sequence[Tuple[int, int]],
                 flip: bool = True, shuffle: bool = True, group_by_aspect: bool = True, seed: int = 0,
                 scale_jitter: Tuple[float, float] = (1.0, 1.0), scale_per_image: bool = False,
                 shard: Shard = ONE_PROCESS, shuffle_window: int = 0):
        if not len(records):
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
        if shuffle_window < 0:
            raise UsageError(f"shuffle_window is {shuffle_window}; it must be 0 or a number of images")
        self.shuffle_window = shuffle_window if shuffle else 0
        self._tall = (image_field(records, "height") > image_field(records, "width")) & bool(group_by_aspect)
        self._storage = storage_order(records) if self.shuffle_window else None
        self.places = records.chosen_places() if self.shuffle_window and isinstance(records, FlatRecords) else None
        self._groups = [group for group in (np.flatnonzero(~self._tall), np.flatnonzero(self._tall)) if len(group)]

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return sum(-(-len(group) // self.batch_size) for group in self._groups)

    def batches(self, epoch: int) -> Sequence[Batch]:
        """Returns this process's part of all batches of an epoch, counted from 0.

        A slice resumes in the middle of the epoch. The parts of all ranks, one after the other, are the batches of
        `global_batches`.
        """
        return BatchParts(self.global_batches(epoch), self.shard)

    def global_batches(self, epoch: int) -> EpochBatches:
        """Returns all batches of an epoch, counted from 0, as one process alone has them."""
        # NumPy promises that RandomState gives the same numbers in all of its versions.
        rng = np.random.RandomState([self.seed, epoch])
        if self.shuffle_window:
            rows = windowed_rows(self._storage, self._tall, self.batch_size, self.shuffle_window, rng)
        else:
            rows = shuffled_rows(self._groups, self.batch_size, rng, self.shuffle)
        # A stream of its own: whether sizes vary changes nothing else.
        steps = np.random.RandomState([self.seed, epoch, _JITTER_STREAM]).randint(JITTER_STEPS, size=len(rows))
        sizes = [self._sizes[scale] for scale in self.scales]
        return EpochBatches(rows, rng, sizes, steps, self.scale_per_image, self.flip)

    def others(self, batches: EpochBatches, number: int) -> Iterator[int]:
        """Yields images that can take the place of one in a batch: those of its group, as they follow in the epoch.

        Args:
            batches: of an epoch, as `global_batches` returns them.
            number: of the batch.

        Yields:
            Positions in the list of records: those of the batches after this one, then those of the batches before it,
            then its own. Each comes once.
        """
        tall, seen = self._tall[batches[number][0].index], set()
        for index in batches.others(number):
            if self._tall[index] == tall and index not in seen:
                seen.add(index)
                yield index
