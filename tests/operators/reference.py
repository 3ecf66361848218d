"""Slow, obvious NumPy versions of the native operators, in float64."""
import math

import numpy as np


def bilinear(plane, y, x, border):
    """Weights ``{(row, column): weight}`` of the pixels that a sample at (y, x) of ``plane`` is made of."""
    height, width = plane.shape
    if border == "clamp":
        if y < -1 or y > height or x < -1 or x > width:
            return {}
        y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    weights = {}
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            weight = (1 - abs(y - row)) * (1 - abs(x - column))
            if weight and 0 <= row < height and 0 <= column < width:
                weights[row, column] = weight
    return weights


def ps_roi_align(data, rois, output_dim, pooled_size, spatial_scale, sampling_ratio=2, aligned=False, border="clamp",
                 output_grad=None):
    """Average PS-RoIAlign; with ``output_grad`` the gradient of data in its place.

    data (N, output_dim * pooled_size**2, H, W) and rois (R, 5) as in the operator; returns
    (R, output_dim, pooled_size, pooled_size), or the shape of data.
    """
    data = np.asarray(data, np.float64)
    output = np.zeros((len(rois), output_dim, pooled_size, pooled_size))
    data_grad = np.zeros_like(data)
    for r, (image, *corners) in enumerate(np.asarray(rois, np.float64)):
        if not (0 <= image < len(data) and np.isfinite(corners).all()):
            continue
        x1, y1, x2, y2 = (corner * spatial_scale - (0.5 if aligned else 0) for corner in corners)
        width, height = x2 - x1, y2 - y1
        if not aligned:
            least = 1 if border == "clamp" else 0
            width, height = max(width, least), max(height, least)
        for c in range(output_dim):
            for i in range(pooled_size):
                for j in range(pooled_size):
                    channel = (c * pooled_size + i) * pooled_size + j
                    plane = data[int(image), channel]
                    for a in range(sampling_ratio):
                        for b in range(sampling_ratio):
                            y = y1 + (i + (a + 0.5) / sampling_ratio) * height / pooled_size
                            x = x1 + (j + (b + 0.5) / sampling_ratio) * width / pooled_size
                            for pixel, weight in bilinear(plane, y, x, border).items():
                                share = weight / sampling_ratio ** 2
                                output[r, c, i, j] += share * plane[pixel]
                                if output_grad is not None:
                                    data_grad[(int(image), channel) + pixel] += share * output_grad[r, c, i, j]
    return output if output_grad is None else data_grad
