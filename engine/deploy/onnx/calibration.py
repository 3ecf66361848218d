"""Images from which the ranges of an int8 model are taken."""
import logging
import os
from typing import Dict, Iterator, List, Sequence, TypeVar, Union

import numpy as np

from ....errors import DataError
from ....progress import ProgressBar
from ...files import PathLike
from ...inference.detector import Detector, ImageLike
from ...inference.image_files import find_images
from ..sample_proposals import sample_proposals
from . import detect as script
from .quantization import DEFAULT_IMAGES

_LOGGER = logging.getLogger("light_head_rcnn")
_T = TypeVar("_T")


def spread(items: Sequence[_T], most: int) -> List[_T]:
    """At most `most` of some items, at even distances, in their order."""
    count = min(most, len(items))
    return [items[place * len(items) // count] for place in range(count)]


def calibration_images(named: Union[PathLike, Sequence[ImageLike]]) -> List[ImageLike]:
    """The images to calibrate on: those that are given, or `DEFAULT_IMAGES` of a folder, at even distances.

    Raises:
        UsageError: there is no such folder, or no image in it.
    """
    if isinstance(named, (str, os.PathLike)):
        return spread([file for file, _ in find_images([named])], DEFAULT_IMAGES)
    return list(named)


class CalibrationInputs:
    """Images prepared as in tests, for the model of `detector_model`; they can be gone through several times.

    Images that cannot be read are named in the log, left out and counted.

    Args:
        detector: the one that is exported; its first scale is taken.
        images: see `Detector`.
    """

    def __init__(self, detector: Detector, images: Sequence[ImageLike]):
        how = detector.preparation
        # The model normalises pixels itself.
        self._reader = Detector(detector.net, detector.classes, how._replace(scales=how.scales[:1], stds=None),
                                max_megapixels=detector.max_megapixels, rois=detector.rois)
        self._images, self._count = list(images), len(images)

    def __iter__(self) -> Iterator[Dict[str, np.ndarray]]:
        """Yields {"images": float32 (1, 3, H, W), RGB from 0 to 255, "im_info": float32 (1, 3)} of each image.

        Where the detector needs proposals, those of `sample_proposals` are there, too, as "proposals".

        Raises:
            DataError: none of the images can be read.
        """
        readable = []
        for image in ProgressBar(self._images, disable=None, unit="image", desc="calibrating", leave=False):
            try:
                arrays = self._reader.prepare(image, sample_proposals(self._reader, image))
            except DataError as error:
                _LOGGER.warning("left out of the calibration: %s", error)
                continue
            readable.append(image)
            yield {name: array.asnumpy() for name, array in zip(script.INPUTS, arrays)}
        if not readable:
            raise DataError(f"none of the {self._count} images for the calibration can be read")
        if len(readable) < len(self._images):
            _LOGGER.warning("the calibration did without %d of %d images, which cannot be read",
                            self._count - len(readable), self._count)
        self._images = readable
