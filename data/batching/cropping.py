"""Random crops of training images that respect their boxes, after SSD (Liu et al., ECCV 2016, section 2.2).

GluonCV's `random_crop_with_constraints` is not used. It draws from Python's and NumPy's global generators, makes crops
without any pixel of images that are a few pixels high, wants all objects of an image to overlap with the crop where SSD
wants one, knows no ignored regions, and takes tens of times as long.
"""
from typing import NamedTuple, Optional, Tuple

import numpy as np

from ..pictures.resizing import Size, resize_scale, resized_size
from .ground_truth import IGNORED_REGION

# Of SSD: the sides of a crop are at least this share of those of the image, and some object has at least one of these
# IoUs with the crop.
LEAST_SIDE_SHARE = 0.3
_LEAST_IOUS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
_TRIALS = 50
_PARTS = (1, 2, 4, 8)  # see `read_image`


class Crop(NamedTuple):
    """A part of an image, in whole pixels of the original image."""

    left: int
    top: int
    width: int
    height: int


def draw_crop(rng: np.random.RandomState, boxes: np.ndarray, classes: np.ndarray, height: int, width: int,
              step: int = 1) -> Optional[Crop]:
    """Draws a part of an image.

    The least IoU that some object must have with the crop is drawn first, one of 0, 0.1, 0.3, 0.5, 0.7 and 0.9; where
    no crop of 50 has it, another one is drawn. The centre of some object lies in the crop. In an image without objects
    any crop is taken.

    A crop has the shape of its image, where SSD draws ratios of sides from 1/2 to 2: SSD stretches each crop to a
    square, which changes the shapes of objects, while here nothing is stretched, so that other ratios would bring
    nothing but padding.

    Args:
        rng: is drawn from.
        boxes, classes: of the image, as `crop_boxes` takes them.
        height, width: of the image in pixels.
        step: the crop's corner and sides are multiples of it, in pixels.

    Returns:
        The crop; None where no crop was found.
    """
    wanted = boxes[classes >= 0]
    if not len(wanted):
        wanted = boxes[_is_learned(classes)]
    for least_iou in rng.permutation(_LEAST_IOUS):
        crops = _draw(rng, height, width, step)
        if len(wanted):
            crops = crops[_inside(wanted, crops).any(axis=1) & (_ious(wanted, crops).max(axis=1) >= least_iou)]
        if len(crops):
            return Crop(*crops[0].tolist())
    return None


def crop_boxes(boxes: np.ndarray, classes: np.ndarray, crop: Crop) -> Tuple[np.ndarray, np.ndarray]:
    """Brings the boxes of an image to the frame of a part of it.

    An object stays, clipped, where its centre lies in the crop. Another object of which a part is to be seen is no
    object to learn any more, nor is it background: that part becomes an ignored region. Regions are clipped. What lies
    outside goes.

    Args:
        boxes: (m, 4), in the frame of the original image, inclusive ends.
        classes: int (m,), counted from 0; regions have `IGNORED_REGION` - 1.
        crop: the part.

    Returns:
        boxes: (k, 4), in the frame of the crop, inclusive ends, objects before regions.
        classes: int (k,).
    """
    crops = np.array([crop])
    learned = _is_learned(classes)
    stays = learned & _inside(boxes, crops)[0]
    region = ~stays & _is_seen(boxes, crops)[0] & ((classes >= 0) | ~learned)
    rows = np.concatenate([np.flatnonzero(stays), np.flatnonzero(region)])
    corner = np.array([crop.left, crop.top] * 2, boxes.dtype)
    end = np.array([crop.width - 1, crop.height - 1] * 2, boxes.dtype)
    return np.clip(boxes[rows] - corner, 0, end), np.where(region, IGNORED_REGION - 1, classes)[rows]


def crop_pixels(image: np.ndarray, crop: Crop, original_size: Tuple[int, int]) -> np.ndarray:
    """Returns the pixels of a part of an image.

    Args:
        image: uint8 (H, W, 3), which may be decoded at a part of its size, see `read_image`.
        crop: its corner and its sides are multiples of what the sides of the original image were divided by.
        original_size: (height, width) of the original image in pixels.
    """
    part = next(part for part in _PARTS if image.shape[:2] == tuple(-(-side // part) for side in original_size))
    return image[crop.top // part:-(-(crop.top + crop.height) // part),
                 crop.left // part:-(-(crop.left + crop.width) // part)]


def crop_scale(crop: Crop, height: int, width: int, size: Size) -> float:
    """Returns the factor by which a crop is resized: it fills the place in the batch that the whole image would have.

    Args:
        crop: the part of the image.
        height, width: of the original image in pixels.
        size: short_edge and long_edge in pixels of the whole image, see `resize_scale`.
    """
    frame_height, frame_width = resized_size(height, width, resize_scale(height, width, *size))
    return min(frame_height / crop.height, frame_width / crop.width)


def _draw(rng: np.random.RandomState, height: int, width: int, step: int) -> np.ndarray:
    """Draws crops, int (_TRIALS, 4): left, top, width, height."""
    shares = rng.uniform(LEAST_SIDE_SHARE, 1, _TRIALS)
    places = rng.random_sample((2, _TRIALS))
    corners, sides = [], []
    for side, place in zip((width, height), places):
        steps = max(side // step, 1)
        length = np.clip(np.round(side * shares / step), 1, steps).astype(int)
        corners.append((place * (steps - length + 1)).astype(int) * step)
        sides.append(np.minimum(length * step, side))
    return np.stack(corners + sides, axis=1)


def _is_learned(classes: np.ndarray) -> np.ndarray:
    """Returns which rows are no regions: objects, and RoIs to sample from, which have the class -1."""
    return classes != IGNORED_REGION - 1


def _inside(boxes: np.ndarray, crops: np.ndarray) -> np.ndarray:
    """Returns bool (crops, boxes): whether the centre of a box lies in a crop."""
    centers = (boxes[:, :2] + boxes[:, 2:] + 1) / 2
    starts, sides = crops[:, None, :2], crops[:, None, 2:]
    return ((starts <= centers) & (centers < starts + sides)).all(axis=2)


def _overlaps(boxes: np.ndarray, crops: np.ndarray) -> np.ndarray:
    """Returns (crops, boxes, 2): width and height in pixels of what a crop and a box share, 0 for nothing."""
    starts = np.maximum(boxes[:, :2], crops[:, None, :2])
    ends = np.minimum(boxes[:, 2:] + 1, crops[:, None, :2] + crops[:, None, 2:])
    return np.maximum(ends - starts, 0)


def _is_seen(boxes: np.ndarray, crops: np.ndarray) -> np.ndarray:
    """Returns bool (crops, boxes): whether a crop and a box share anything."""
    return (_overlaps(boxes, crops) > 0).all(axis=2)


def _ious(boxes: np.ndarray, crops: np.ndarray) -> np.ndarray:
    """Returns the IoU of crops and boxes, (crops, boxes)."""
    shared = _overlaps(boxes, crops).prod(axis=2)
    return shared / (crops[:, 2:].prod(axis=1)[:, None] + (boxes[:, 2:] - boxes[:, :2] + 1).prod(axis=1) - shared)
