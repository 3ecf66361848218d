"""RoIAlign of all channels, as MXNet's `contrib.ROIAlign` with `aligned`."""
from .....errors import ModelError
from ..builder import INT64, GraphBuilder
from .arithmetic import columns, number, reshape, whole_numbers


def roi_align(g: GraphBuilder, data: str, rois: str, pooled_size: int, spatial_scale: float, sample_ratio: int,
              aligned: bool) -> str:
    """Adds MXNet's `contrib.ROIAlign`, the average of samples.

    Args:
        g: builder of the graph.
        data: float32 (N, C, H, W).
        rois: float32 (R, 5), rows (image, x1, y1, x2, y2) whose image is one of the batch.
        pooled_size: bins along each side.
        spatial_scale: cells of the map a pixel.
        sample_ratio: samples along each side of a bin, at least 1.
        aligned: true.

    Returns:
        float32 (R, C, pooled_size, pooled_size).

    Raises:
        ModelError: another `aligned` or `sample_ratio`.
    """
    if not aligned or sample_ratio < 1:
        raise ModelError(f"ROIAlign with aligned={aligned}, sample_ratio={sample_ratio} cannot be written in ONNX; "
                         "with aligned=True and a sample_ratio from 1 on it can")
    rois = reshape(g, rois, -1, 5)  # OpenVINO wants to know the number of columns
    images = g.add("Squeeze", [columns(g, rois, 0, 1), whole_numbers(g, 1)])
    images = g.add("Cast", [g.add("Max", [images, number(g, 0)])], to=INT64)
    return g.add("RoiAlign", [data, columns(g, rois, 1, 5), images], coordinate_transformation_mode="half_pixel",
                 mode="avg", output_height=pooled_size, output_width=pooled_size, sampling_ratio=sample_ratio,
                 spatial_scale=float(spatial_scale))
