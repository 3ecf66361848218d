"""What worker processes do with images: they read, resize and stack them to batches."""
from typing import List, NamedTuple, Optional, Protocol, Sequence, Tuple, Union

import numpy as np

from ...errors import DataError
from ..pictures.images import read_image
from ..pictures.resizing import resize_scale, resized_size
from ..record import Record
from .augmentation import Augmentation
from .cropping import crop_scale
from .epoch_batches import SampledImage
from .ground_truth import batch_boxes
from .padding import pad_boxes, pad_images
from .transforms import preprocess


class TargetFunction(Protocol):
    """What `TrainLoader` accepts as `target_function`: any callable of this signature, such as `AnchorTargets`.

    It runs in worker processes: it must use NumPy only, and draw random numbers from `rng` alone. Where it can be
    pickled, the workers can be started at any time, see `WorkerPool`.
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


class UnreadImage(NamedTuple):
    """An image that could not be read.

    Attributes:
        index: position in the list of records.
        error: names the file and says what is wrong with it.
    """

    index: int
    error: DataError


class TestBatch(NamedTuple):
    """One batch of images to test.

    Attributes:
        indices: int64 (N,), the positions of the images in the list of records, without those that cannot be read.
        views: (data float32 (N, 3, H, W), im_info float32 (N, 3)) for each scale; empty where N is 0.
        unread: the images that cannot be read.
    """

    indices: np.ndarray
    views: List[Tuple[np.ndarray, np.ndarray]]
    unread: List[UnreadImage]


class TrainTask(NamedTuple):
    """A training batch, or this process's part of one, that is to be made.

    Attributes:
        images: how each image is changed, and its record.
        least: height and width in pixels that the batch has at least: those of the images of the other processes.
    """

    images: List[Tuple[SampledImage, Record]]
    least: Tuple[int, int] = (0, 0)


class TrainBatchMaker:
    """Function that makes the training batch of a `TrainTask`; see `TrainLoader` for its arrays.

    Where images cannot be read, it returns a list of these, as `UnreadImage`, in place of a batch.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], stride: int,
                 target_function: Optional[TargetFunction], ignore_crowd_and_difficult: bool,
                 augmentation: Augmentation):
        self._mean, self._std, self._stride = mean, std, stride
        self._target_function, self._augmentation = target_function, augmentation
        self._ignore_crowd_and_difficult = ignore_crowd_and_difficult

    def __call__(self, task: TrainTask) -> Union[Tuple[np.ndarray, ...], List[UnreadImage]]:
        batch, prepared, unread = task.images, [], []
        for sampled, record in batch:
            try:
                prepared.append(self._preprocess(sampled, record))
            except DataError as error:
                unread.append(UnreadImage(sampled.index, error))
        if unread:
            return unread
        images, infos, boxes = zip(*prepared)
        # With crops, a batch has the size that it would have without, for shapes not to be ever new ones.
        frames = [task.least]
        if self._augmentation.random_crop:
            frames += [whole_size(*one) for one in batch]
        data = pad_images(images, self._stride, tuple(max(sides) for sides in zip(*frames)))
        targets = []
        if self._target_function is not None:
            targets = [self._target_function(im_info, gt_boxes, *data.shape[2:], np.random.RandomState(sampled.seed))
                       for (sampled, _), im_info, gt_boxes in zip(batch, infos, boxes)]
        return (data, np.stack(infos), pad_boxes(boxes), *(np.stack(arrays) for arrays in zip(*targets)))

    def _preprocess(self, sampled: SampledImage, record: Record) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        boxes, classes = batch_boxes(record, self._ignore_crowd_and_difficult)
        size, original_size = (sampled.short_edge, sampled.long_edge), (record.height, record.width)
        change = self._augmentation.draw(sampled.seed, boxes, classes, *original_size, size)
        sizes = [size]
        if change.crop is not None:
            scale = crop_scale(change.crop, *original_size, size)
            sizes.append((scale * min(original_size), scale * max(original_size)))
        return preprocess(read_image(record, sizes), *size, self._mean, self._std, boxes, classes, sampled.flip,
                          original_size, change)


def whole_size(sampled: SampledImage, record: Record) -> Tuple[int, int]:
    """Returns (height, width) in pixels that an image has in the network's input where it is not cropped."""
    scale = resize_scale(record.height, record.width, sampled.short_edge, sampled.long_edge)
    return resized_size(record.height, record.width, scale)


class TestBatchMaker:
    """Function that makes a `TestBatch` of the positions and records of images; it decodes each image once."""

    def __init__(self, scales: Sequence[Tuple[int, int]], mean: Sequence[float], std: Optional[Sequence[float]],
                 stride: int):
        self._scales, self._mean, self._std, self._stride = scales, mean, std, stride

    def __call__(self, batch: List[Tuple[int, Record]]) -> TestBatch:
        indices, prepared, unread = [], [], []
        for index, record in batch:
            try:
                prepared.append(self._preprocess(record))
                indices.append(index)
            except DataError as error:
                unread.append(UnreadImage(index, error))
        views = [(pad_images([data for data, _ in view], self._stride), np.stack([im_info for _, im_info in view]))
                 for view in zip(*prepared)]
        return TestBatch(np.array(indices, np.int64), views, unread)

    def _preprocess(self, record: Record) -> List[Tuple[np.ndarray, np.ndarray]]:
        """Returns (data, im_info) of an image at each scale."""
        pixels, original_size = read_image(record, self._scales), (record.height, record.width)
        return [preprocess(pixels, *scale, self._mean, self._std, original_size=original_size)[:2]
                for scale in self._scales]


# pytest must not take the classes for tests where they are imported.
TestBatch.__test__ = TestBatchMaker.__test__ = False
