"""Images from which the ranges of an int8 model are taken."""
import logging
import os
from typing import Dict, Iterator, List, Sequence, TypeVar, Union

import numpy as np
from tqdm import tqdm

from ....errors import DataError
from ...files import PathLike
from ...inference.detector import Detector, ImageLike
from ...inference.image_files import find_images
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


def calibration_inputs(detector: Detector, images: Sequence[ImageLike]) -> Iterator[Dict[str, np.ndarray]]:
    """Prepares images as in tests, for the model of `detector_model`.

    Images that cannot be read are named in the log, left out and counted.

    Args:
        detector: the one that is exported; its first scale is taken.
        images: see `Detector`.

    Yields:
        {"images": float32 (1, 3, H, W), RGB from 0 to 255, "im_info": float32 (1, 3)}, see `detector_model`.

    Raises:
        DataError: none of the images can be read.
    """
    how = detector.preparation
    # The model normalises pixels itself.
    reader = Detector(detector.net, detector.classes, how._replace(scales=how.scales[:1], stds=None),
                      max_megapixels=detector.max_megapixels)
    unreadable = 0
    for image in tqdm(images, disable=None, unit="image", desc="calibrating", leave=False):
        try:
            x, im_info = reader.prepare(image)
        except DataError as error:
            _LOGGER.warning("left out of the calibration: %s", error)
            unreadable += 1
            continue
        yield {"images": x.asnumpy(), "im_info": im_info.asnumpy()}
    if unreadable == len(images):
        raise DataError(f"none of the {unreadable} images for the calibration can be read")
    if unreadable:
        _LOGGER.warning("the calibration did without %d of %d images, which cannot be read", unreadable, len(images))
