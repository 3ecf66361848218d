"""Anchors of the region proposal network (Faster R-CNN, section 3.1.1), in NumPy."""
import numpy as np


def base_anchors(ratios=(0.5, 1, 2), scales=(4, 8, 16, 32), base_size=16, dtype=np.float32):
    """Anchors around the base window (0, 0, base_size - 1, base_size - 1).

    Sizes are rounded to whole pixels at scale 1, as Faster R-CNN and MXNet's Proposal operators do.

    Args:
        ratios: height over width, outermost in the order of the anchors.
        scales: multiples of the base window's side.
        base_size: side of the base window in pixels.
        dtype: float32 or float64, of the arithmetic too.

    Returns:
        dtype (len(ratios) * len(scales), 4), inclusive boxes in pixels.
    """
    centre = 0.5 * (base_size - 1)
    ratios = np.asarray(ratios, dtype=np.float64)
    widths = np.round(np.sqrt(base_size * base_size / ratios))
    heights = np.round(widths * ratios)
    scales = np.asarray(scales, dtype=dtype)
    half_w = 0.5 * (np.outer(widths.astype(dtype), scales).ravel() - 1)
    half_h = 0.5 * (np.outer(heights.astype(dtype), scales).ravel() - 1)
    return np.stack([centre - half_w, centre - half_h, centre + half_w, centre + half_h], axis=1)


def anchor_grid(height, width, stride, anchors):
    """The base anchors at every cell of a feature map.

    Args:
        height, width: cells of the map.
        stride: pixels of the network input a cell.
        anchors: (A, 4) from `base_anchors`.

    Returns:
        (height * width * A, 4), type of the anchors: rows first, then columns, then anchors; network-input frame.
    """
    y, x = np.meshgrid(np.arange(height) * stride, np.arange(width) * stride, indexing="ij")
    shifts = np.stack([x, y, x, y], axis=-1).reshape(-1, 1, 4).astype(anchors.dtype)
    return (shifts + anchors).reshape(-1, 4)
