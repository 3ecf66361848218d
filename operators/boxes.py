"""Box geometry, once for the host (NumPy) and the device (`mx.nd`, `mx.sym`).

Every function takes `F`, the namespace of array functions: `mx.nd`, `mx.sym`, or by default `NUMPY`, which gives
NumPy the few MXNet names used here. Boxes are `(x1, y1, x2, y2)` in pixels with inclusive ends: width is
`x2 - x1 + 1`. The box code is that of R-CNN: centre offsets over the size of the source box, log of the size ratios.
"""
import numpy as np


class NUMPY:
    """The MXNet function names used in this file, for NumPy arrays."""

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
    def concat(*arrays, dim):
        return np.concatenate(arrays, axis=dim)

    @staticmethod
    def split(data, num_outputs, axis):
        return np.split(data, num_outputs, axis=axis)

    @staticmethod
    def swapaxes(data, dim1, dim2):
        return np.swapaxes(data, dim1, dim2)


def _centre_form(boxes, F):
    x1, y1, x2, y2 = F.split(boxes, num_outputs=4, axis=-1)
    width, height = x2 - x1 + 1, y2 - y1 + 1
    return x1 + 0.5 * (width - 1), y1 + 0.5 * (height - 1), width, height


def iou(boxes, others, F=NUMPY):
    """Intersection over union of every box with every other box of the same image.

    Args:
        boxes: float (N, A, 4), any one frame.
        others: float (N, M, 4), the same frame.

    Returns:
        float (N, A, M) in [0, 1].
    """
    ax1, ay1, ax2, ay2 = F.split(boxes, num_outputs=4, axis=-1)
    bx1, by1, bx2, by2 = (F.swapaxes(part, dim1=1, dim2=2) for part in F.split(others, num_outputs=4, axis=-1))
    width = F.broadcast_minimum(ax2, bx2) - F.broadcast_maximum(ax1, bx1) + 1
    height = F.broadcast_minimum(ay2, by2) - F.broadcast_maximum(ay1, by1) + 1
    shared = F.maximum(width, 0) * F.maximum(height, 0)
    area_a = (ax2 - ax1 + 1) * (ay2 - ay1 + 1)
    area_b = (bx2 - bx1 + 1) * (by2 - by1 + 1)
    return shared / (F.broadcast_add(area_a, area_b) - shared)


def encode(sources, targets, F=NUMPY):
    """Deltas (dx, dy, dw, dh) that take each source box to its target (Fast R-CNN; the port's `nonlinear_transform`).

    Args:
        sources, targets: float (..., 4), paired, one frame. Targets must be at least one pixel large.

    Returns:
        float (..., 4), not yet divided by any standard deviation.
    """
    sx, sy, sw, sh = _centre_form(sources, F)
    tx, ty, tw, th = _centre_form(targets, F)
    # The port adds the term; it shows in the last bit, and in float64 only.
    return F.concat((tx - sx) / (sw + 1e-14), (ty - sy) / (sh + 1e-14), F.log(tw / sw), F.log(th / sh), dim=-1)


def decode(sources, deltas, F=NUMPY):
    """Boxes that the deltas make of the source boxes; the inverse of `encode` (the port's `nonlinear_pred`).

    Args:
        sources: float (..., 4).
        deltas: float (..., 4), broadcast against the sources, multiplied by their standard deviations already.

    Returns:
        float (..., 4) in the frame of the sources.
    """
    sx, sy, sw, sh = _centre_form(sources, F)
    dx, dy, dw, dh = F.split(deltas, num_outputs=4, axis=-1)
    x, y = F.broadcast_add(F.broadcast_mul(dx, sw), sx), F.broadcast_add(F.broadcast_mul(dy, sh), sy)
    half_w = 0.5 * (F.broadcast_mul(F.exp(dw), sw) - 1)
    half_h = 0.5 * (F.broadcast_mul(F.exp(dh), sh) - 1)
    return F.concat(x - half_w, y - half_h, x + half_w, y + half_h, dim=-1)


def clip(boxes, height, width, F=NUMPY):
    """Boxes moved into an image, to 0 .. width - 1 and 0 .. height - 1.

    Args:
        boxes: float (..., 4).
        height, width: float arrays in pixels that broadcast against (..., 1).
    """
    x1, y1, x2, y2 = F.split(boxes, num_outputs=4, axis=-1)
    return F.concat(
        *(F.broadcast_minimum(F.maximum(part, 0), size - 1)
          for part, size in ((x1, width), (y1, height), (x2, width), (y2, height))), dim=-1)


def mirror(boxes, width, F=NUMPY):
    """Boxes in the mirror image of their image, left to right: x becomes width - 1 - x.

    Args:
        boxes: float (..., 4).
        width: of the image in pixels, float array that broadcasts against (..., 1).
    """
    x1, y1, x2, y2 = F.split(boxes, num_outputs=4, axis=-1)
    return F.concat(F.broadcast_sub(width - 1, x2), y1, F.broadcast_sub(width - 1, x1), y2, dim=-1)
