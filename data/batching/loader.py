"""Batches for training and for testing, made in this process or in worker processes."""
from typing import Iterator, List, Optional, Protocol, Sequence, Tuple

import numpy as np

from ..images import read_image
from ..record import Record
from .ground_truth import batch_boxes
from .padding import pad_boxes, pad_images
from .sampler import SampledImage, TrainSampler
from .transforms import preprocess
from .workers import WorkerPool


class TargetFunction(Protocol):
    """What `TrainLoader` accepts as `target_function`: any callable of this signature, such as `AnchorTargets`.

    It runs in worker processes, which were forked: it must use NumPy only, and draw random numbers from `rng` alone.
    """

    def __call__(self, im_info: np.ndarray, gt_boxes: np.ndarray, padded_height: int, padded_width: int,
                 rng: np.random.RandomState, /) -> Tuple[np.ndarray, ...]:
        """Makes the targets of one image.

        Args:
            im_info: float32 (3,): height, width and scale of the network's input, without padding.
            gt_boxes: float32 (m, 5), boxes in the frame of the network's input, then the class, 1..C, or
                `IGNORED_REGION`; m may be 0.
            padded_height, padded_width: of the batch, in pixels.
            rng: a source of random numbers of this image's own.

        Returns:
            Arrays whose shapes depend on the padded size alone, so that those of a batch can be stacked.
        """


class _BatchMaker:
    """Function that makes a batch, a tuple of arrays, of a list of `SampledImage`."""

    def __init__(self, records: Sequence[Record], mean: Sequence[float], std: Sequence[float], stride: int,
                 target_function: Optional[TargetFunction] = None, ignore_crowd_and_difficult: bool = True):
        self._records, self._mean, self._std, self._stride = records, mean, std, stride
        self._target_function = target_function
        self._ignore_crowd_and_difficult = ignore_crowd_and_difficult

    def __call__(self, batch: List[SampledImage]) -> Tuple[np.ndarray, ...]:
        images, infos, boxes = zip(*(self._preprocess(sampled) for sampled in batch))
        data = pad_images(images, self._stride)
        targets = []
        if self._target_function is not None:
            targets = [self._target_function(im_info, gt_boxes, *data.shape[2:], np.random.RandomState(sampled.seed))
                       for sampled, im_info, gt_boxes in zip(batch, infos, boxes)]
        return (data, np.stack(infos), pad_boxes(boxes), *(np.stack(arrays) for arrays in zip(*targets)))

    def _preprocess(self, sampled: SampledImage) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        record = self._records[sampled.index]
        boxes, classes = batch_boxes(record, self._ignore_crowd_and_difficult)
        return preprocess(read_image(record), sampled.short_edge, sampled.long_edge, self._mean, self._std, boxes,
                          classes, sampled.flip)


class TrainLoader:
    """Makes training batches in the order that a sampler draws.

    The worker processes start in the constructor: create the loader before a network runs.

    Args:
        records: the list that the sampler draws from.
        sampler: `TrainSampler`.
        target_function: see `TargetFunction`; None for batches without targets.
        mean, std: three numbers each, RGB, see `preprocess`.
        stride: the padded height and width are multiples of it.
        num_workers: number of processes that make batches; 0 makes them in this process. The batches are the same.
        timeout: seconds to wait for a batch from a worker.
        ignore_crowd_and_difficult: whether the boxes of crowds and of difficult objects are ignored regions; otherwise
            they are background.

    Attributes:
        sampler: as given.
    """

    def __init__(self, records: Sequence[Record], sampler: TrainSampler, target_function: Optional[TargetFunction],
                 mean: Sequence[float], std: Sequence[float] = (1.0, 1.0, 1.0), stride: int = 32, num_workers: int = 0,
                 timeout: float = 300, ignore_crowd_and_difficult: bool = True):
        self.sampler = sampler
        make_batch = _BatchMaker(records, mean, std, stride, target_function, ignore_crowd_and_difficult)
        self._workers = WorkerPool(make_batch, num_workers, timeout)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return len(self.sampler)

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
            DataError: an image cannot be read.
            TrainingError: a worker process was lost.
        """
        return self._workers.run(self.sampler.batches(epoch)[start:])


class TestLoader:
    """Makes test batches in the order of the records; the last batch may be smaller.

    Args:
        records: list of `Record`.
        batch_size: images in a batch.
        short_edge, long_edge: size to resize to in pixels, see `resize_scale`.
        mean, std, stride, num_workers, timeout: as for `TrainLoader`.
    """

    def __init__(self, records: Sequence[Record], batch_size: int, short_edge: int, long_edge: int,
                 mean: Sequence[float], std: Sequence[float] = (1.0, 1.0, 1.0), stride: int = 32, num_workers: int = 0,
                 timeout: float = 300):
        images = [SampledImage(i, False, short_edge, long_edge, 0) for i in range(len(records))]
        self._batches = [images[i:i + batch_size] for i in range(0, len(images), batch_size)]
        self._workers = WorkerPool(_BatchMaker(records, mean, std, stride), num_workers, timeout)

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._batches)

    def __iter__(self) -> Iterator[Tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yields (indices int64 (N,), data float32 (N, 3, H, W), im_info float32 (N, 3)); see `TrainLoader.epoch`.

        `indices` are the positions of the images in the list of records.
        """
        for batch, (data, im_info, _) in zip(self._batches, self._workers.run(self._batches)):
            yield np.array([sampled.index for sampled in batch]), data, im_info
