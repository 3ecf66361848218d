"""RoI max pooling, as MXNet's `ROIPooling`."""
from ..builder import GraphBuilder
from .arithmetic import reshape


def roi_pooling(g: GraphBuilder, data: str, rois: str, pooled_size: int, spatial_scale: float) -> str:
    """Adds MXNet's `ROIPooling`: the largest cell of each bin.

    Args:
        g: builder of the graph.
        data: float32 (N, C, H, W).
        rois: float32 (R, 5), rows (image, x1, y1, x2, y2) whose image is one of the batch.
        pooled_size: bins along each side.
        spatial_scale: cells of the map a pixel.

    Returns:
        float32 (R, C, pooled_size, pooled_size).
    """
    # OpenVINO wants to know the number of columns.
    return g.add("MaxRoiPool", [data, reshape(g, rois, -1, 5)], pooled_shape=[pooled_size, pooled_size],
                 spatial_scale=float(spatial_scale))
