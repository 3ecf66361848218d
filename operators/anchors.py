"""Anchors of the region proposal network (Faster R-CNN, section 3.1.1), in NumPy."""
from typing import Sequence, Type

import numpy as np


def base_anchors(ratios: Sequence[float] = (0.5, 1, 2), scales: Sequence[float] = (4, 8, 16, 32), base_size: int = 16,
                 dtype: Type[np.floating] = np.float32) -> np.ndarray:
    """Makes the anchors of the cell (0, 0), around the window (0, 0, base_size - 1, base_size - 1).

    Sides are rounded to whole pixels before they are multiplied by a scale, as in Faster R-CNN and in MXNet's Proposal
    operators.

    Args:
        ratios: height over width. Anchors of one ratio stand together.
        scales: sides in multiples of the window's side.
        base_size: side of the window in pixels.
        dtype: type of the result and of the arithmetic, float32 or float64.

    Returns:
        dtype (len(ratios) * len(scales), 4), boxes (x1, y1, x2, y2) with inclusive ends, in pixels of the network
        input.
    """
    centre = 0.5 * (base_size - 1)
    ratios = np.asarray(ratios, dtype=np.float64)
    widths = np.round(np.sqrt(base_size * base_size / ratios))
    heights = np.round(widths * ratios)
    scales = np.asarray(scales, dtype=dtype)
    half_w = 0.5 * (np.outer(widths.astype(dtype), scales).ravel() - 1)
    half_h = 0.5 * (np.outer(heights.astype(dtype), scales).ravel() - 1)
    return np.stack([centre - half_w, centre - half_h, centre + half_w, centre + half_h], axis=1)


def anchor_grid(height: int, width: int, stride: int, anchors: np.ndarray) -> np.ndarray:
    """Moves the base anchors to every cell of a feature map.

    Args:
        height, width: of the map in cells.
        stride: how many pixels of the network input a cell is wide and high.
        anchors: (A, 4) from `base_anchors`.

    Returns:
        (height * width * A, 4), type of `anchors`, in pixels of the network input: row by row, in a row cell by cell,
        and the A anchors of a cell together.
    """
    y, x = np.meshgrid(np.arange(height) * stride, np.arange(width) * stride, indexing="ij")
    shifts = np.stack([x, y, x, y], axis=-1).reshape(-1, 1, 4).astype(anchors.dtype)
    return (shifts + anchors).reshape(-1, 4)
