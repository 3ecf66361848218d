"""Stacks images of different sizes and lists of boxes of different lengths into one array each."""
from typing import Sequence, Tuple

import numpy as np

# MXNet on the CPU keeps its oneDNN primitives of every shape that it has met: few shapes keep the memory flat.
_LEAST_BOXES = 8
# The shortest side of a network's input, in pixels: that of a cell of the map for the RPN. An image with a shorter side
# would have no cell, so no anchors, so no detections.
LEAST_SIDE = 16


def pad_strip(image: np.ndarray, color: Sequence[float] = (0, 0, 0)) -> np.ndarray:
    """Returns an image, with one colour below or to the right where a side is shorter than `LEAST_SIDE`.

    Args:
        image: float32 or uint8 (3, h, w).
        color: three numbers.

    Returns:
        (3, max(h, LEAST_SIDE), max(w, LEAST_SIDE)), float32 where the image is shorter.
    """
    height, width = image.shape[1:]
    if height >= LEAST_SIDE and width >= LEAST_SIDE:
        return image
    padded = np.empty((3, max(height, LEAST_SIDE), max(width, LEAST_SIDE)), np.float32)
    padded[:] = np.float32(color)[:, None, None]
    padded[:, :height, :width] = image
    return padded


def pad_images(images: Sequence[np.ndarray], stride: int = 32, least: Tuple[int, int] = (0, 0)) -> np.ndarray:
    """Stacks images, with zeros below and to the right of each.

    Args:
        images: float32 or uint8 (3, h, w), of any sizes.
        stride: the height and width of the result are multiples of it.
        least: height and width that the result has at least, before they are rounded up.

    Returns:
        float32 (N, 3, H, W); H and W are the largest of the images' and of `least`, rounded up to multiples
            of `stride`.
    """
    height, width = (-(-max(side, *(image.shape[axis] for image in images)) // stride) * stride
                     for axis, side in zip((1, 2), least))
    batch = np.empty((len(images), 3, height, width), np.float32)
    for slot, image in zip(batch, images):
        rows, columns = image.shape[1:]
        slot[:, :rows, :columns], slot[:, :rows, columns:], slot[:, rows:] = image, 0, 0
    return batch


def padded_box_count(count: int) -> int:
    """Returns the number of rows that `count` boxes are padded to: the first of 8, 16, 32, 64, ... that holds them."""
    rows = _LEAST_BOXES
    while rows < count:
        rows *= 2
    return rows


def pad_boxes(boxes: Sequence[np.ndarray]) -> np.ndarray:
    """Stacks the boxes of several images, with rows of -1 below them.

    The target operators ignore rows whose class is 0 or less.

    Args:
        boxes: float32 (m, 5), one array an image; m may be 0.

    Returns:
        float32 (N, M, 5); M is the `padded_box_count` of the largest m.
    """
    batch = np.full((len(boxes), padded_box_count(max(len(rows) for rows in boxes)), 5), -1, np.float32)
    for slot, rows in zip(batch, boxes):
        slot[:len(rows)] = rows
    return batch
