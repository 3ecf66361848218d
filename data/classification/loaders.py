"""Batches of classified images: worker processes read, cut and stack them."""
from typing import Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

from ...errors import DataError, TrainingError, UsageError
from ..batching.workers import WorkerPool
from ..pictures.images import read_image
from .image_sets import ClassifiedImage
from .record_files import RecordReader
from .views import TestView, TrainView

_View = Callable[[np.ndarray, int], np.ndarray]


class MadeBatch(NamedTuple):
    """What a worker makes of the images of a batch.

    Attributes:
        pixels: uint8 (N, side, side, 3), RGB, without the images that cannot be read.
        labels: float32 (N,), their classes.
        unread: what is wrong with each image that cannot be read, by its name.
    """

    pixels: np.ndarray
    labels: np.ndarray
    unread: Dict[str, str]


class BatchMaker:
    """Function that makes a batch of pairs of an image and a seed."""

    def __init__(self, view: _View):
        self._view, self._records = view, RecordReader()

    def __call__(self, batch: Sequence[Tuple[ClassifiedImage, int]]) -> MadeBatch:
        views, labels, unread = [], [], {}
        for image, seed in batch:
            try:
                pixels = read_image(image.path) if image.key < 0 else self._records.read(image.path, image.key)
                views.append(self._view(pixels, seed))
                labels.append(image.label)
            except DataError as error:
                unread[image.name] = str(error)
        return MadeBatch(np.stack(views) if views else np.zeros((0, 0, 0, 3), np.uint8),
                         np.array(labels, np.float32), unread)


class ClassifierTrainLoader:
    """Makes training batches; those of an epoch depend on the seed and the epoch alone.

    An image that cannot be read is replaced by another one of its batch. The images that do not fill a last batch are
    left out of an epoch; each epoch has another order.

    Args:
        images: of the set.
        batch_size: images in a batch.
        view: makes the network's square of an image.
        seed: whole number, at least 0.
        num_workers: processes that make batches; 0 makes them in this process. The batches are the same.
        timeout: seconds after which a worker that gives no batch is replaced, see `WorkerPool`.

    Attributes:
        unreadable: what is wrong with each image that could not be read, by its name.
        replaced: how often an image was replaced by another one.

    Raises:
        UsageError: there are fewer images than a batch has.
    """

    def __init__(self, images: Sequence[ClassifiedImage], batch_size: int, view: TrainView, seed: int = 0,
                 num_workers: int = 0, timeout: float = 300):
        if batch_size > len(images):
            raise UsageError(f"a batch of {batch_size} images cannot be made of a set of {len(images)}: choose a "
                             "smaller batch size")
        self._images, self._batch_size, self._seed = images, batch_size, seed
        self.unreadable: Dict[str, str] = {}
        self.replaced = 0
        self._workers = WorkerPool(BatchMaker(view), num_workers, timeout, _names)

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return len(self._images) // self._batch_size

    def images_of(self, epoch: int, number: int) -> List[str]:
        """Returns the names of the images in a batch, those among them that cannot be read.

        Args:
            epoch: counted from 0.
            number: of the batch, counted from 0.
        """
        return _names(next(self._tasks(epoch, number)))

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Tuple[np.ndarray, np.ndarray]]:
        """Yields the batches of an epoch.

        Args:
            epoch: counted from 0.
            start: number of the first batch; those before it are not made.

        Yields:
            uint8 (N, side, side, 3), RGB, and the classes, float32 (N,).

        Raises:
            TrainingError: workers were lost again and again, see `WorkerPool`, or no image of a batch can be read.
        """
        for made in self._workers.run(self._tasks(epoch, start)):
            self.unreadable.update(made.unread)
            missing = self._batch_size - len(made.labels)
            if missing == self._batch_size:
                raise TrainingError(f"none of the {self._batch_size} images of a batch can be read. One of them: "
                                    f"{next(iter(made.unread.values()))}. Are the images still there?")
            self.replaced += missing
            rows = np.arange(self._batch_size) % len(made.labels)  # the first images stand in for missing ones
            yield (made.pixels[rows], made.labels[rows]) if missing else (made.pixels, made.labels)

    def _tasks(self, epoch: int, start: int) -> Iterator[List[Tuple[ClassifiedImage, int]]]:
        rng = np.random.RandomState([self._seed, epoch])
        count = len(self) * self._batch_size
        order = rng.permutation(len(self._images))[:count].reshape(-1, self._batch_size)
        seeds = rng.randint(0, 2 ** 32, order.shape, dtype=np.uint32)
        for row, row_seeds in zip(order[start:], seeds[start:]):
            yield [(self._images[i], int(seed)) for i, seed in zip(row, row_seeds)]


class ClassifierTestLoader:
    """Makes test batches in the order of the images, without those that cannot be read.

    Args:
        images, batch_size, view, num_workers, timeout: as for `ClassifierTrainLoader`.
    """

    def __init__(self, images: Sequence[ClassifiedImage], batch_size: int, view: TestView, num_workers: int = 0,
                 timeout: float = 300):
        self._images, self._batch_size = images, batch_size
        self._workers = WorkerPool(BatchMaker(view), num_workers, timeout, _names)

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self._images) // self._batch_size)

    def __iter__(self) -> Iterator[MadeBatch]:
        """Yields the batches; the last one may be smaller, and one of which no image can be read is empty."""
        return self._workers.run([(image, 0) for image in self._images[start:start + self._batch_size]]
                                 for start in range(0, len(self._images), self._batch_size))


def _names(task: Sequence[Tuple[ClassifiedImage, int]]) -> List[str]:
    """The images that a worker makes a batch of."""
    return [image.name for image, _ in task]
