"""The boxes of a whole image set at once: from what annotation files state to corners in pixels."""
from itertools import chain
from typing import Any, Optional, Sequence, Tuple

import numpy as np

from ...errors import DataError, UsageError
from .meaning import as_number
from .raw import BOX_FORMATS, FRACTIONS

# From how many boxes on, and from which share of those over the edge on, a set is said to be in another format.
_ENOUGH_TO_TELL = 8
_SHARE_OVER_EDGE = 0.2


def four_numbers(box: Any) -> Optional[Tuple[float, ...]]:
    """Returns the four finite numbers of a stated box, or None if it is anything else."""
    if not isinstance(box, (list, tuple)) or len(box) != 4:
        return None
    try:
        return tuple(as_number(value) for value in box)
    except DataError:
        return None


def stated_numbers(boxes: Sequence[Any]) -> np.ndarray:
    """Returns the numbers of boxes as they are stated, float64 (n, 4); a box that is not four finite numbers is NaN."""
    # Nearly all files have numbers alone: those are converted in one call.
    if {type(box) for box in boxes} <= {list, tuple} and {len(box) for box in boxes} <= {4} \
            and set(map(type, chain.from_iterable(boxes))) <= {int, float}:
        try:
            numbers = np.fromiter(chain.from_iterable(boxes), np.float64, 4 * len(boxes)).reshape(-1, 4)
            numbers[~np.isfinite(numbers).all(axis=1)] = np.nan
            return numbers
        except OverflowError:  # a whole number beyond the range of float64
            pass
    nothing = (np.nan,) * 4
    return np.array([four_numbers(box) or nothing for box in boxes], np.float64).reshape(-1, 4)


def as_coco_boxes(numbers: np.ndarray, box_format: str, sizes: np.ndarray) -> np.ndarray:
    """Turns boxes into x, y, width, height in pixels, where x and y are the distances from the left and upper edge.

    Args:
        numbers: float64 (n, 4), in `box_format`.
        box_format: one of `BOX_FORMATS`.
        sizes: (n, 2), width and height in pixels of the image of each box.

    Returns:
        float64 (n, 4); a width or height below 0 if a box ends before it begins.
    """
    if box_format == "xywh":
        return numbers
    first, second = numbers[:, :2], numbers[:, 2:]
    if box_format == "corners":
        return np.concatenate([first, second - first + 1], axis=1)
    if box_format == "corners_from_1":
        return np.concatenate([first - 1, second - first + 1], axis=1)
    if box_format == "edges":
        return np.concatenate([first, second - first], axis=1)
    if box_format == "centre":
        return np.concatenate([first - second / 2, second], axis=1)
    if box_format == "centre_fractions":
        return np.concatenate([(first - second / 2) * sizes, second * sizes], axis=1)
    if box_format == "edge_fractions":
        return np.concatenate([first * sizes, (second - first) * sizes], axis=1)
    raise UsageError(f"unknown format of boxes {box_format!r}; known: {', '.join(BOX_FORMATS)}")


def another_format(stated: np.ndarray, box_format: str, sizes: np.ndarray) -> Optional[str]:
    """Says what the boxes of a set are, as far as one can tell, if they are not what their layout says.

    Args:
        stated: float64 (n, 4), in `box_format`; NaN in each row that is no box.
        box_format, sizes: see `as_coco_boxes`.

    Returns:
        A sentence; None for boxes that may well be what they should be, or are too few to tell.
    """
    known = np.isfinite(stated).all(axis=1)
    if box_format in FRACTIONS or known.sum() < _ENOUGH_TO_TELL:
        return None
    numbers, sizes = stated[known], sizes[known]
    if (np.abs(numbers) <= 1).all() and (numbers % 1 != 0).any():
        return f"all {len(numbers)} boxes lie between 0 and 1, as fractions of the image do; this layout has pixels"
    # The right and lower ends of the boxes: as corners would have them, and as the layout has them.
    ends, ends_of_layout = numbers[:, 2:], numbers[:, 2:] + numbers[:, :2]
    if box_format == "xywh" and (ends > numbers[:, :2]).all() and (ends <= sizes + 1).all():
        over = int((ends_of_layout > sizes + 1).any(axis=1).sum())
        if over >= _SHARE_OVER_EDGE * len(numbers):
            return (f"the boxes read like corners x1, y1, x2, y2: as such all {len(numbers)} lie in their images, but "
                    f"as x, y, width, height, which this layout has, {over} reach over the edge")
    return None


class FittedBoxes:
    """Boxes laid on their images: what is left of each, and what is wrong with it.

    Args:
        boxes: float64 (n, 4), x, y, width, height in pixels; NaN in each row that is no box.
        sizes: (n, 2), width and height in pixels of the image of each box.

    Attributes:
        boxes: float64 (n, 4), rows x1, y1, x2, y2: 0-based pixels, inclusive ends. They are clipped to the image, and
            each side is at least one pixel long. A box that ends before it begins has its ends exchanged, and one
            that is no numbers is the whole image.
        not_numbers, inverted, outside, over_edge: bool (n,), at most one of them is True for a box. A box may pass the
            edge by one pixel, as rounded annotations do, and COCO's sides of length 0 are sound.
        nothing_left: bool (n,), True for boxes of which no part lies in the image.
    """

    def __init__(self, boxes: np.ndarray, sizes: np.ndarray):
        width, height = sizes[:, 0], sizes[:, 1]
        self.not_numbers = ~np.isfinite(boxes).all(axis=1)
        whole = np.stack([np.zeros_like(width), np.zeros_like(height), width, height], axis=1)
        x1, y1, w, h = np.where(self.not_numbers[:, None], whole, boxes).T
        self.inverted = (w < 0) | (h < 0)
        # The ends are inclusive: the last column is width - 1, and a side of length 0 ends before it begins.
        x2, y2 = x1 + w - 1, y1 + h - 1
        x1, x2 = np.where(w < 0, (x2, x1), (x1, x2))
        y1, y2 = np.where(h < 0, (y2, y1), (y1, y2))
        near = (x1 >= -1) & (y1 >= -1) & (x2 <= width) & (y2 <= height)
        beside = (x2 + 1 <= 0) | (y2 + 1 <= 0) | (x1 >= width) | (y1 >= height)
        self.outside = ~near & beside & ~self.inverted
        self.over_edge = ~near & ~beside & ~self.inverted
        self.nothing_left = ~near & beside
        x1, y1 = np.clip(x1, 0, width - 1), np.clip(y1, 0, height - 1)
        self.boxes = np.stack([x1, y1, np.minimum(np.maximum(x2, x1), width - 1),
                               np.minimum(np.maximum(y2, y1), height - 1)], axis=1)
