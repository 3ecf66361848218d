"""Geometry of boxes, for NumPy arrays, NDArrays and symbols alike.

Every function takes `F`, the namespace of array functions: `mx.nd`, `mx.sym`, or by default `NUMPY`, which provides the
few MXNet functions used here for NumPy arrays. Boxes are (x1, y1, x2, y2) in pixels with inclusive ends, so that a box
is x2 - x1 + 1 wide. Functions on boxes of one image return boxes in the frame in which they got them.
"""
from typing import Any, Tuple

import numpy as np

from .arrays import AnyArray

# The class of a row of ground truths that is a region which neither anchors nor RoIs are drawn from as background,
# because nothing is known about it. Objects have the classes from 1, and rows of padding -1. `data.batching` has the
# same number.
IGNORED_REGION = -2


class NUMPY:
    """The functions of `mx.nd` that this file uses, for NumPy arrays."""

    broadcast_add = staticmethod(np.add)
    broadcast_sub = staticmethod(np.subtract)
    broadcast_mul = staticmethod(np.multiply)
    broadcast_div = staticmethod(np.divide)
    broadcast_maximum = staticmethod(np.maximum)
    broadcast_minimum = staticmethod(np.minimum)
    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    maximum = staticmethod(np.maximum)

    @staticmethod
    def concat(*arrays: np.ndarray, dim: int) -> np.ndarray:
        """As `mx.nd.concat`."""
        return np.concatenate(arrays, axis=dim)

    @staticmethod
    def split(data: np.ndarray, num_outputs: int, axis: int) -> list:
        """As `mx.nd.split`."""
        return np.split(data, num_outputs, axis=axis)

    @staticmethod
    def swapaxes(data: np.ndarray, dim1: int, dim2: int) -> np.ndarray:
        """As `mx.nd.swapaxes`."""
        return np.swapaxes(data, dim1, dim2)


def _centres_and_sizes(boxes: AnyArray, F: Any) -> Tuple[AnyArray, AnyArray, AnyArray, AnyArray]:
    x1, y1, x2, y2 = F.split(boxes, num_outputs=4, axis=-1)
    width, height = x2 - x1 + 1, y2 - y1 + 1
    return x1 + 0.5 * (width - 1), y1 + 0.5 * (height - 1), width, height


def iou(boxes: AnyArray, others: AnyArray, F: Any = NUMPY) -> AnyArray:
    """Computes the intersection over union (IoU) of every box with every other box of the same image.

    Args:
        boxes: float (N, A, 4), in any frame.
        others: float (N, M, 4), in the same frame.
        F: namespace of array functions.

    Returns:
        float (N, A, M) in [0, 1].
    """
    intersection, area_a, area_b = _intersections(boxes, others, F)
    return intersection / (F.broadcast_add(area_a, area_b) - intersection)


def share_inside(boxes: AnyArray, others: AnyArray, F: Any = NUMPY) -> AnyArray:
    """Computes which share of the area of every box lies inside every other box of the same image.

    Args:
        boxes: float (N, A, 4), in any frame.
        others: float (N, M, 4), in the same frame.
        F: namespace of array functions.

    Returns:
        float (N, A, M) in [0, 1]; 0 for a box without area.
    """
    intersection, area, _ = _intersections(boxes, others, F)
    return F.broadcast_div(intersection, F.maximum(area, 1e-12))


def _intersections(boxes: AnyArray, others: AnyArray, F: Any) -> Tuple[AnyArray, AnyArray, AnyArray]:
    """Areas of the intersections (N, A, M), of the boxes (N, A, 1) and of the others (N, 1, M)."""
    ax1, ay1, ax2, ay2 = F.split(boxes, num_outputs=4, axis=-1)
    bx1, by1, bx2, by2 = (F.swapaxes(part, dim1=1, dim2=2) for part in F.split(others, num_outputs=4, axis=-1))
    width = F.broadcast_minimum(ax2, bx2) - F.broadcast_maximum(ax1, bx1) + 1
    height = F.broadcast_minimum(ay2, by2) - F.broadcast_maximum(ay1, by1) + 1
    intersection = F.maximum(width, 0) * F.maximum(height, 0)
    area_a = (ax2 - ax1 + 1) * (ay2 - ay1 + 1)
    area_b = (bx2 - bx1 + 1) * (by2 - by1 + 1)
    return intersection, area_a, area_b


def encode(sources: AnyArray, targets: AnyArray, F: Any = NUMPY) -> AnyArray:
    """Computes the deltas (dx, dy, dw, dh) that take each source box to its target box.

    dx and dy are the way from centre to centre in widths and heights of the source box; dw and dh are the logarithms of
    the ratios of the sizes (R-CNN, appendix C; `nonlinear_transform` of the MXNet original).

    Args:
        sources: float (..., 4).
        targets: float (..., 4), one for each source, in the same frame, with sides of at least one pixel.
        F: namespace of array functions.

    Returns:
        float (..., 4), not divided by standard deviations.
    """
    sx, sy, sw, sh = _centres_and_sizes(sources, F)
    tx, ty, tw, th = _centres_and_sizes(targets, F)
    # The MXNet original adds 1e-14 too. It shows in the last bit, and in float64 only.
    return F.concat((tx - sx) / (sw + 1e-14), (ty - sy) / (sh + 1e-14), F.log(tw / sw), F.log(th / sh), dim=-1)


def decode(sources: AnyArray, deltas: AnyArray, F: Any = NUMPY) -> AnyArray:
    """Computes the boxes to which deltas take the source boxes; the inverse of `encode`.

    It is `nonlinear_pred` of the MXNet original.

    Args:
        sources: float (..., 4).
        deltas: float (..., 4) that broadcast against the sources, already multiplied by their standard deviations.
        F: namespace of array functions.

    Returns:
        float (..., 4) in the frame of the sources, not clipped.
    """
    sx, sy, sw, sh = _centres_and_sizes(sources, F)
    dx, dy, dw, dh = F.split(deltas, num_outputs=4, axis=-1)
    x, y = F.broadcast_add(F.broadcast_mul(dx, sw), sx), F.broadcast_add(F.broadcast_mul(dy, sh), sy)
    half_w = 0.5 * (F.broadcast_mul(F.exp(dw), sw) - 1)
    half_h = 0.5 * (F.broadcast_mul(F.exp(dh), sh) - 1)
    return F.concat(x - half_w, y - half_h, x + half_w, y + half_h, dim=-1)


def clip(boxes: AnyArray, height: AnyArray, width: AnyArray, F: Any = NUMPY) -> AnyArray:
    """Clips boxes to their image: x to 0 .. width - 1, y to 0 .. height - 1.

    Args:
        boxes: float (..., 4).
        height, width: of the image in pixels, numbers or float arrays that broadcast against (..., 1).
        F: namespace of array functions.

    Returns:
        float (..., 4).
    """
    x1, y1, x2, y2 = F.split(boxes, num_outputs=4, axis=-1)
    return F.concat(
        *(F.broadcast_minimum(F.maximum(part, 0), size - 1)
          for part, size in ((x1, width), (y1, height), (x2, width), (y2, height))), dim=-1)


def mirror(boxes: AnyArray, width: AnyArray, F: Any = NUMPY) -> AnyArray:
    """Returns the boxes as they are in the image mirrored left to right, where x becomes width - 1 - x.

    Args:
        boxes: float (..., 4).
        width: of the image in pixels, a number or a float array that broadcasts against (..., 1).
        F: namespace of array functions.

    Returns:
        float (..., 4), in the frame of the mirrored image.
    """
    x1, y1, x2, y2 = F.split(boxes, num_outputs=4, axis=-1)
    return F.concat(F.broadcast_sub(width - 1, x2), y1, F.broadcast_sub(width - 1, x1), y2, dim=-1)
