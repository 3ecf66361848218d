"""RoI max pooling, as `operators.roi_max_pool` and MXNet's `ROIPooling`."""
from ..builder import GraphBuilder
from .arithmetic import columns, number, reshape, to_float, whole_numbers


def roi_pooling(g: GraphBuilder, data: str, rois: str, height: int, width: int, spatial_scale: float) -> str:
    """Adds MXNet's `ROIPooling`: the largest cell of each bin.

    Args:
        g: builder of the graph.
        data: float32 (N, C, H, W).
        rois: float32 (R, 5), rows (image, x1, y1, x2, y2) whose image is one of the batch.
        height, width: bins along each side.
        spatial_scale: cells of the map a pixel.

    Returns:
        float32 (R, C, height, width).
    """
    # OpenVINO wants to know the number of columns.
    return g.add("MaxRoiPool", [data, reshape(g, rois, -1, 5)], pooled_shape=[height, width],
                 spatial_scale=float(spatial_scale))


def roi_max_pool(g: GraphBuilder, data: str, rois: str, pooled_height: int, pooled_width: int,
                 spatial_scale: float) -> str:
    """Adds `operators.roi_max_pool`: the same, and zeros for rows with a negative image.

    Args:
        g: builder of the graph.
        data: float32 (N, C, H, W).
        rois: float32 (R, 5), finite; the image of a row is one of the batch, or negative.
        pooled_height, pooled_width, spatial_scale: as there.

    Returns:
        float32 (R, C, pooled_height, pooled_width).
    """
    rois = reshape(g, rois, -1, 5)
    images = columns(g, rois, 0, 1)
    of_batch = g.add("Concat", [g.add("Max", [images, number(g, 0)]), columns(g, rois, 1, 5)], axis=1)
    pooled = roi_pooling(g, data, of_batch, pooled_height, pooled_width, spatial_scale)
    is_real = to_float(g, g.add("GreaterOrEqual", [images, number(g, 0)]))
    return g.add("Mul", [pooled, g.add("Unsqueeze", [is_real, whole_numbers(g, 2, 3)])])
