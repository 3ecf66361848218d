"""Reads image files for a detector and for pictures of what it finds, while it runs."""
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from ... import data
from ...data.batching import WorkerPool
from ...errors import DataError
from ..building.loaders import useful_workers
from .input_preparation import InputPreparation
from .reading_ahead import read_ahead

# Pixels of larger images, in millions, are not kept, nor sent from one process to another: several wait at a time.
_LARGE_IMAGE = 25
_WAITING = 4  # images that wait where threads read them
_TIMEOUT = 300  # seconds that reading one image may take before its worker is replaced


class ReadFile(NamedTuple):
    """An image that was read for a detector.

    Attributes:
        pixels: uint8 (H, W, 3), RGB; None where they are not kept, as where nothing is drawn, or of a large image.
        inputs: x (1, 3, h, w) and im_info (1, 3) for each view, see `InputPreparation.network_input`; none for an image
            that the detector does not look at.
        size: (height, width) of the image in pixels.
    """

    pixels: Optional[np.ndarray]
    inputs: List[Tuple[np.ndarray, np.ndarray]]
    size: Tuple[int, int]


class _Reader:
    """Function from the path of an image file to a `ReadFile`, or to the DataError that says why it cannot be read."""

    def __init__(self, preparation: InputPreparation, max_megapixels: float, most_pixels: float):
        self._preparation, self._max_megapixels, self._most_pixels = preparation, max_megapixels, most_pixels

    def __call__(self, path: Path) -> Union[ReadFile, DataError]:
        try:
            width, height = data.image_size(path, self._max_megapixels)
            is_kept = width * height <= self._most_pixels
            # A file of which the network alone needs the pixels need not be decoded whole.
            pixels = data.read_image(path, () if is_kept else self._preparation.scales, self._max_megapixels)
        except DataError as error:
            return error
        inputs = [self._preparation.network_input(pixels, view, (height, width))
                  for view in range(len(self._preparation.scales))]
        return ReadFile(pixels if is_kept else None, inputs, (height, width))


def read_files(preparation: InputPreparation, paths: Sequence[Path], num_workers: int,
               keep_pixels: bool = True,
               max_megapixels: float = data.MAX_MEGAPIXELS) -> Iterator[Union[ReadFile, DataError]]:
    """Reads image files ahead of the detector that needs them.

    Args:
        preparation: how the detector's inputs are made.
        paths: the files.
        num_workers: processes that read them; few files are read in threads of this process, and so are all where it
            is 0.
        keep_pixels: whether pictures are going to be drawn. Without them, a JPEG much larger than the detector's inputs
            is decoded at a part of its size, see `data.read_image`.
        max_megapixels: limit for the number of pixels of an image file, in millions.

    Returns:
        Iterator of a `ReadFile` for each path, in order, or of the DataError that says why it cannot be read. Closing
        it ends what reads.
    """
    workers = useful_workers(num_workers, len(paths))
    reader = _Reader(preparation, max_megapixels, _LARGE_IMAGE * 1e6 if keep_pixels else 0)
    if workers:
        return WorkerPool(reader, workers, _TIMEOUT, lambda path: [str(path)]).run(paths)
    return read_ahead(reader, paths, preparation.scales, _WAITING)
