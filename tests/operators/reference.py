"""Slow, obvious NumPy versions of ps_roi_align, ps_roi_pool and roi_max_pool, in float64."""
import math

import numpy as np


def bilinear(height, width, y, x, border):
    """The weight of each pixel, by (row, column), in a sample at (y, x); None if border clamp leaves the sample out."""
    if border == "clamp":
        if y < -1 or y > height or x < -1 or x > width:
            return None
        y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    weights = {}
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            weight = (1 - abs(y - row)) * (1 - abs(x - column))
            if weight and 0 <= row < height and 0 <= column < width:
                weights[row, column] = weight
    return weights


def ps_roi_align(data, rois, output_dim, pooled_size, spatial_scale, sampling_ratio=2, mode="avg", aligned=False,
                 border="clamp", output_grad=None):
    """PS-RoIAlign, or with `output_grad` the gradient of data.

    Args:
        data: (N, output_dim * pooled_size**2, H, W).
        rois: (R, 5), rows (image, x1, y1, x2, y2).
        output_grad: (R, output_dim, pooled_size, pooled_size).
        output_dim, pooled_size, spatial_scale, sampling_ratio, mode, aligned, border: as in the operator.

    Returns:
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
            least = 0 if border == "zero" else 1 if mode == "avg" else 0.1
            width, height = max(width, least), max(height, least)
        rows = sampling_ratio or max(1, math.ceil(height / pooled_size))
        columns = sampling_ratio or max(1, math.ceil(width / pooled_size))
        for i in range(pooled_size):
            for j in range(pooled_size):
                samples = [bilinear(*data.shape[2:], y1 + (i + (a + 0.5) / rows) * height / pooled_size,
                                    x1 + (j + (b + 0.5) / columns) * width / pooled_size, border)
                           for a in range(rows) for b in range(columns)]
                for c in range(output_dim):
                    channel = (c * pooled_size + i) * pooled_size + j
                    plane, plane_grad = data[int(image), channel], data_grad[int(image), channel]
                    if mode == "avg":
                        shares = [(weights, 1 / len(samples)) for weights in samples if weights]
                    else:
                        there = [weights for weights in samples if weights is not None]
                        values = [sum(weight * plane[pixel] for pixel, weight in weights.items()) for weights in there]
                        shares = [(there[int(np.argmax(values))], 1)] if there else []
                    for weights, share in shares:
                        for pixel, weight in weights.items():
                            output[r, c, i, j] += share * weight * plane[pixel]
                            if output_grad is not None:
                                plane_grad[pixel] += share * weight * output_grad[r, c, i, j]
    return output if output_grad is None else data_grad


def ps_roi_pool(data, rois, output_dim, pooled_size, spatial_scale, output_grad=None):
    """PS-RoI pooling, or with `output_grad` the gradient of data. Shapes are those of `ps_roi_align`."""
    data = np.asarray(data, np.float64)
    output = np.zeros((len(rois), output_dim, pooled_size, pooled_size))
    data_grad = np.zeros_like(data)
    size = dict(y=data.shape[2], x=data.shape[3])
    for r, (image, *corners) in enumerate(np.asarray(rois, np.float64)):
        if not (0 <= image < len(data) and np.isfinite(corners).all()):
            continue
        x1, y1, x2, y2 = (math.copysign(math.floor(abs(corner) + 0.5), corner) for corner in corners)
        start, length = {}, {}
        for axis, begin, end in (("y", y1, y2), ("x", x1, x2)):
            start[axis] = begin * spatial_scale
            length[axis] = max((end + 1) * spatial_scale - start[axis], 0.1) / pooled_size

        def pixels(axis, bin, start=start, length=length):
            first = math.floor(start[axis] + bin * length[axis])
            beyond = math.ceil(start[axis] + (bin + 1) * length[axis])
            return slice(min(max(first, 0), size[axis]), min(max(beyond, 0), size[axis]))

        for i in range(pooled_size):
            for j in range(pooled_size):
                here = pixels("y", i), pixels("x", j)
                for c in range(output_dim):
                    channel = (c * pooled_size + i) * pooled_size + j
                    values = data[int(image), channel][here]
                    if values.size:
                        output[r, c, i, j] = values.mean()
                        if output_grad is not None:
                            data_grad[int(image), channel][here] += output_grad[r, c, i, j] / values.size
    return output if output_grad is None else data_grad


def roi_max_pool(data, rois, pooled_size, spatial_scale, output_grad=None):
    """RoI max pooling, or with `output_grad` the gradient of data.

    Args:
        data: (N, C, H, W).
        rois: (R, 5), rows (image, x1, y1, x2, y2). The bins are cut in the type of the RoIs.
        pooled_size: (bins along y, bins along x).
        spatial_scale: as in the operator.
        output_grad: (R, C, bins along y, bins along x).

    Returns:
        (R, C, bins along y, bins along x), or the shape of data.
    """
    rois = np.asarray(rois)
    kind = rois.dtype.type
    data = np.asarray(data, np.float64)
    output = np.zeros((len(rois), data.shape[1], *pooled_size))
    data_grad = np.zeros_like(data)
    for r, (image, *corners) in enumerate(rois):
        if not (0 <= image < len(data) and np.isfinite(corners).all()):
            continue
        scaled = [float(corner * kind(spatial_scale)) for corner in corners]
        x1, y1, x2, y2 = (int(math.copysign(math.floor(abs(corner) + 0.5), corner)) for corner in scaled)
        bins = []  # the slices of rows, then those of columns
        for begin, end, count, size in ((y1, y2, pooled_size[0], data.shape[2]), (x1, x2, pooled_size[1],
                                                                                 data.shape[3])):
            length = kind(max(end - begin + 1, 1)) / kind(count)
            edges = [(begin + math.floor(kind(i) * length), begin + math.ceil(kind(i + 1) * length))
                     for i in range(count)]
            bins.append([slice(*(min(max(edge, 0), size) for edge in pair)) for pair in edges])
        for i, rows in enumerate(bins[0]):
            for j, columns in enumerate(bins[1]):
                for c in range(data.shape[1]):
                    values = data[int(image), c, rows, columns]
                    if values.size:
                        output[r, c, i, j] = values.max()
                        if output_grad is not None:
                            place = np.unravel_index(np.argmax(values), values.shape)
                            data_grad[int(image), c, rows, columns][place] += output_grad[r, c, i, j]
    return output if output_grad is None else data_grad
