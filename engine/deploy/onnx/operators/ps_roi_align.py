"""Position-sensitive RoIAlign, as `operators.ps_roi_align`, by GridSample.

The map counts as one image for each bin, and GridSample reads all samples of that bin of all RoIs.

Milliseconds of processor time in one thread, on a map 50x76 of 490 channels, for 300 and for 1000 RoIs, by ONNX Runtime
1.32 and OpenVINO 2026.4: GridSample 6.5, 16 and 5.1, 10, averages and maxima alike (with `padding_mode="border"` ONNX
Runtime takes twice as long); RoiAlign of one box a bin, averages alone, 9.5, 23 and 12, 32; RoiAlign of one value a
sample, which a maximum needs, since RoiAlign's own is one of weighted cells, 14, 41 and 31, 90; gathers of the four
neighbours of each sample 12, 34 and 21, 59. Our own kernel takes 0.9 and 2.3.
"""
import numpy as np

from .....errors import ModelError
from ..builder import GraphBuilder
from .arithmetic import chain, columns, number, reshape, size, to_float, unsqueeze

# A position far outside of any map.
_NOWHERE = -10


def ps_roi_align(g: GraphBuilder, data: str, rois: str, output_dim: int, pooled_size: int, spatial_scale: float,
                 sampling_ratio: int = 2, mode: str = "avg", aligned: bool = False, border: str = "clamp") -> str:
    """Adds `operators.ps_roi_align`, whose arguments these are.

    Args:
        g: builder of the graph.
        data: float32 (N, output_dim * pooled_size**2, H, W).
        rois: float32 (N * R, 5), finite, R rows of one image after those of another; rows with a negative image pool
            zeros.
        output_dim, pooled_size, spatial_scale, mode, aligned, border: as there.
        sampling_ratio: at least 1.

    Returns:
        float32 (N * R, output_dim, pooled_size, pooled_size).

    Raises:
        ModelError: another `sampling_ratio`.
    """
    if sampling_ratio < 1:
        raise ModelError(f"sampling_ratio={sampling_ratio} of ps_roi_align cannot be written in ONNX: a RoI would take "
                         "as many samples as it is large; from 1 on it can")
    bins, samples = pooled_size ** 2, sampling_ratio ** 2
    by_image = reshape(g, rois, size(g, data, 0), -1, 5)
    count = size(g, by_image, 1)
    shape = np.array([1, 1, pooled_size, pooled_size, sampling_ratio, sampling_ratio])
    axes = []
    for column, along, length in ((1, (2, 4), size(g, data, 3)), (2, (3, 5), size(g, data, 2))):
        places = _positions(g, by_image, column, length, pooled_size, spatial_scale, sampling_ratio, mode, aligned,
                            border)
        # GridSample has the map's edges at -1 and 1, half a cell beyond the centres of its first and last cell.
        cells = to_float(g, length)
        places = chain(g, "Sub", g.add("Div", [g.add("Add", [g.add("Mul", [places, number(g, 2)]), number(g, 1)]),
                                               cells]), number(g, 1))
        axes.append(unsqueeze(g, g.add("Expand", [unsqueeze(g, places, *along), g.constant(shape)]), 6))
    grid = g.add("Transpose", [g.add("Concat", axes, axis=6)], perm=[0, 2, 3, 1, 4, 5, 6])
    grid = reshape(g, grid, -1, count, samples, 2)  # (N * bins, R, samples, 2)
    maps = g.add("Transpose", [reshape(g, data, 0, output_dim, bins, -1)], perm=[0, 2, 1, 3])
    maps = reshape(g, maps, -1, output_dim, size(g, data, 2), size(g, data, 3))
    values = g.add("GridSample", [maps, grid], mode="bilinear", padding_mode="zeros", align_corners=0)
    values = g.add("ReduceMean" if mode == "avg" else "ReduceMax", [values], axes=[3], keepdims=0)
    values = g.add("Transpose", [reshape(g, values, size(g, data, 0), bins, output_dim, -1)], perm=[0, 3, 2, 1])
    return reshape(g, values, -1, output_dim, pooled_size, pooled_size)


def _positions(g: GraphBuilder, rois: str, column: int, length: str, pooled_size: int, scale: float, samples: int,
               mode: str, aligned: bool, border: str) -> str:
    """Where the samples of each bin lie along an axis, in cells: float32 (N, R, pooled_size, samples).

    Those that must count as 0 lie outside of the map.
    """
    near, far = (g.add("Mul", [columns(g, rois, at, at + 1), number(g, scale)]) for at in (column, column + 2))
    if aligned:
        near, far = (g.add("Sub", [end, number(g, 0.5)]) for end in (near, far))
    span = g.add("Sub", [far, near])
    if not aligned:
        # The smallest RoI, in cells; see `roi_align_grid` of the native kernels.
        least = 0.0 if border == "zero" else 1.0 if mode == "avg" else 0.1
        span = g.add("Max", [span, number(g, least)])
    fractions = (np.arange(pooled_size)[:, None] + (np.arange(samples) + 0.5) / samples) / pooled_size
    steps = g.add("Mul", [unsqueeze(g, span, 3), g.constant(fractions[None, None].astype(np.float32))])
    places = g.add("Add", [unsqueeze(g, near, 3), steps])
    is_read = unsqueeze(g, g.add("GreaterOrEqual", [columns(g, rois, 0, 1), number(g, 0)]), 3)
    if border == "zero":
        return g.add("Where", [is_read, places, number(g, _NOWHERE)])
    # Samples up to a cell outside of the map have the value at its border.
    end = to_float(g, length)
    is_read = chain(g, "And", is_read, g.add("GreaterOrEqual", [places, number(g, -1)]),
                    g.add("LessOrEqual", [places, end]))
    last = g.add("Sub", [end, number(g, 1)])
    places = g.add("Where", [is_read, g.add("Max", [g.add("Min", [places, last]), number(g, 0)]),
                             number(g, _NOWHERE)])
    if mode == "avg":
        return places
    # A maximum leaves out those further outside: another sample of the bin stands in for them, if there is one.
    return g.add("Where", [is_read, places, g.add("ReduceMax", [places], axes=[3], keepdims=1)])
