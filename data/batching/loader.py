"""Batches for training and for testing, made in this process or in worker processes."""
from typing import Any, Dict, Iterator, List, Optional, Sequence, Set, Tuple

import numpy as np

from ...errors import TrainingError
from ..assembling.faults import FaultLog
from ..record import Record
from .augmentation import Augmentation
from .batch_makers import (
    TargetFunction, TestBatch, TestBatchMaker, TrainBatchMaker, TrainTask, UnreadImage, whole_size)
from .epoch_batches import Batch, EpochBatches
from .read_ahead import ReadAhead
from .sampler import TrainSampler
from .shard import ONE_PROCESS, Shard
from .workers import WorkerPool

UNREADABLE_IN_A_ROW = 10  # so many images that cannot be read, with none between that can, end a training


class TrainLoader:
    """Makes training batches in the order that a sampler draws.

    An image that cannot be read, or whose size is no longer that of its record, is an error without `faults`, and
    where their policy makes it one. Otherwise another image takes its place in the batch: the next one in the order of
    the epoch that is of the same group and can be read, mirrored, scaled and seeded as the other would have been. So
    the batches depend on the seed, the epoch and the files alone.

    Where several processes share each batch (`sampler.shard`), a loader makes its process's part, padded to the size
    that the whole batch has in one process. Only the records of that part are taken from the list, beside their sizes.
    A process knows of the images that it could not read itself: with such images, two processes may take the same
    image in their place.

    Args:
        records: the list that the sampler draws from.
        sampler: `TrainSampler`.
        target_function: see `TargetFunction`; None for batches without targets.
        mean, std: three numbers each, RGB, see `preprocess`.
        stride: the padded height and width are multiples of it.
        num_workers: number of processes that make batches; 0 makes them in this process. The batches are the same.
        timeout: seconds after which a worker that gives no batch is replaced, see `WorkerPool`.
        ignore_crowd_and_difficult: whether the boxes of crowds and of difficult objects are ignored regions; otherwise
            they are background.
        faults: takes note of each image that cannot be read; its policy says what is done about them.
        photometric, random_crop: probabilities that an image gets other colours and that it is cropped, see
            `Augmentation`.

    Attributes:
        sampler: as given.
        unreadable: what is wrong with each image that could not be read, by its path, in the order in which they were
            met.
        replaced: how often an image was replaced by another one.
    """

    def __init__(self, records: Sequence[Record], sampler: TrainSampler, target_function: Optional[TargetFunction],
                 mean: Sequence[float], std: Sequence[float] = (1.0, 1.0, 1.0), stride: int = 32, num_workers: int = 0,
                 timeout: float = 300, ignore_crowd_and_difficult: bool = True, faults: Optional[FaultLog] = None,
                 photometric: float = 0.0, random_crop: float = 0.0):
        self.sampler, self._records, self._faults = sampler, records, faults
        self.unreadable: Dict[str, str] = {}
        self.replaced = 0
        self._bad: Set[int] = set()  # positions in the list of records
        self._bad_in_a_row = 0
        self._images = sampler.batch_size // sampler.shard.size  # in this process's part of a batch
        self._make_batch = TrainBatchMaker(mean, std, stride, target_function, ignore_crowd_and_difficult,
                                           Augmentation(photometric, random_crop))
        self._workers = WorkerPool(self._make_batch, num_workers, timeout, lambda task: _paths(task.images))

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return len(self.sampler)

    def images_of(self, epoch: int, number: int) -> List[str]:
        """Returns the paths of the images in this process's part of a batch; they are worked out when asked for.

        Args:
            epoch: counted from 0.
            number: of a batch that `epoch` has yielded, counted from 0.
        """
        batch = self._without_bad(self.sampler.global_batches(epoch), number)
        return [self._records[sampled.index].path for sampled in batch]

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Tuple[np.ndarray, ...]]:
        """Yields the batches of an epoch.

        Args:
            epoch: counted from 0.
            start: number of the first batch; those before it are not made.

        Returns:
            Iterator of tuples of NumPy arrays:

            - data float32 (N, 3, H, W), RGB;
            - im_info float32 (N, 3): height, width, scale;
            - gt_boxes float32 (N, M, 5): boxes in the frame of `data`, then the class, 1..C, or `IGNORED_REGION` for
              a region that nothing is drawn from; rows of -1 are padding;
            - the arrays of `target_function`, stacked along a new first axis.

        Raises:
            DataError: an image cannot be read, and that is an error, see above.
            TrainingError: workers were lost again and again, see `WorkerPool`, or no image could be read of the last
                `UNREADABLE_IN_A_ROW`.
        """
        batches = self.sampler.global_batches(epoch)
        numbers = range(start, len(batches))
        ahead = ReadAhead(self.sampler.places, batches.images(self.sampler.shard), self.sampler.shuffle_window, start)
        tasks = (self._task(batches, number) for number in ahead.follow(numbers))
        for number, made in zip(numbers, self._workers.run(tasks)):
            while isinstance(made, list):
                self._take_note(made)
                # Faults are few: the batch is made anew here, while the workers go on with the next ones.
                made = self._make_batch(self._task(batches, number))
            self._bad_in_a_row = 0
            self.replaced += sum(sampled.index in self._bad for sampled in self.sampler.shard.of(batches[number]))
            yield made

    def _task(self, batches: EpochBatches, number: int) -> TrainTask:
        part = self._without_bad(batches, number)
        least = (0, 0)
        if self.sampler.shard.size > 1:
            sizes = [whole_size(sampled, self._records[sampled.index]) for sampled in batches[number]]
            least = tuple(max(sides) for sides in zip(*sizes))
        return TrainTask([(sampled, self._records[sampled.index]) for sampled in part], least)

    def _without_bad(self, batches: EpochBatches, number: int) -> Batch:
        """Returns this process's part of a batch, with other images in place of those that are known to be bad."""
        batch = self.sampler.shard.of(batches[number])
        if not any(sampled.index in self._bad for sampled in batch):
            return batch
        others = (index for index in self.sampler.others(batches, number) if index not in self._bad)
        try:
            return [sampled._replace(index=next(others)) if sampled.index in self._bad else sampled
                    for sampled in batch]
        except StopIteration:
            raise self._none_left() from None

    def _take_note(self, unread: List[UnreadImage]) -> None:
        for index, error in unread:
            path = self._records[index].path
            if path not in self.unreadable:
                if self._faults is None:
                    raise error
                self._faults.report_once(error.kind, str(error))
                self.unreadable[path] = str(error)
            self._bad.add(index)
        self._bad_in_a_row = self._bad_in_a_row + len(unread) if len(unread) == self._images else 0
        if self._bad_in_a_row >= UNREADABLE_IN_A_ROW:
            raise self._none_left()

    def _none_left(self) -> TrainingError:
        return TrainingError(f"{len(self.unreadable)} images cannot be read, and none was found in their place. The "
                             f"last one: {list(self.unreadable.values())[-1]}. Is the folder of the images still there?"
                             )


class TestLoader:
    """Makes test batches in the order of the records; the last batch may be smaller. Each image is decoded once.

    Args:
        records: list of `Record`.
        batch_size: images in a batch.
        scales: pairs (shorter edge, bound on the longer edge) in pixels; a batch holds its images at each of them.
        mean, std, stride, num_workers, timeout: as for `TrainLoader`; without `std`, pixels are not normalised, see
            `preprocess`.
        shard: this process among those that share the batches; each makes consecutive ones. They are those of one
            process alone.
    """

    __test__ = False  # pytest must not take the class for a test

    def __init__(self, records: Sequence[Record], batch_size: int, scales: Sequence[Tuple[int, int]],
                 mean: Sequence[float], std: Optional[Sequence[float]] = (1.0, 1.0, 1.0), stride: int = 32,
                 num_workers: int = 0, timeout: float = 300, shard: Shard = ONE_PROCESS):
        self._records, self._batch_size = records, batch_size
        self._starts = shard.checked().of(range(0, len(records), batch_size))
        self._workers = WorkerPool(TestBatchMaker(scales, mean, std, stride), num_workers, timeout, _paths)

    def __len__(self) -> int:
        """Number of batches that this process makes."""
        return len(self._starts)

    def __iter__(self) -> Iterator[TestBatch]:
        """Yields the batches; an image that cannot be read is named in its batch, and the others go on."""
        return self._workers.run([(number, self._records[number]) for number in range(
            start, min(start + self._batch_size, len(self._records)))] for start in self._starts)


def _paths(images: Sequence[Tuple[Any, Record]]) -> List[str]:
    """The images that a worker makes a batch of."""
    return [record.path for _, record in images]
