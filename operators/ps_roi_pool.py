"""The native operator position-sensitive RoI pooling (R-FCN, section 3)."""
from types import ModuleType
from typing import Optional

from .arrays import Array
from .gradients import support_grad_add


def ps_roi_pool(F: ModuleType, data: Array, rois: Array, output_dim: int, pooled_size: int, spatial_scale: float,
                name: Optional[str] = None) -> Array:
    """Pools each RoI from a position-sensitive feature map into ``pooled_size x pooled_size`` bins of whole pixels.

    It equals ``contrib.PSROIPooling`` of MXNet. Corners are rounded to pixels of the network input, and both ends are
    part of the RoI. A bin reaches from the pixel of the map in which it begins to the pixel in which it ends, and is
    the average of those that lie on the map, or 0 if none does. Output channel c of bin (i, j) reads input channel
    ``(c * pooled_size + i) * pooled_size + j`` only.

    Args:
        F: `mx.nd` or `mx.sym`.
        data: (N, output_dim * pooled_size**2, H, W), float32 or float64 (float16 also on a GPU).
        rois: (R, 5), type of data, or float32 if that is float16: rows (image, x1, y1, x2, y2), corners in pixels of
            the network input. A row pools zeros if its image is not one of 0 .. N - 1, or if a coordinate is NaN or
            infinite.
        output_dim: channels of the output: 10 in Light-Head R-CNN; in R-FCN the number of classes, or of the numbers
            of the box regression.
        pooled_size: bins along each side, 7 in both.
        spatial_scale: how many pixels of the map a pixel of the network input is wide: 1/16 at stride 16.
        name: of the node, for symbols.

    Returns:
        (R, output_dim, pooled_size, pooled_size), type of data. The gradient flows to data; the one of rois is 0.

    Raises:
        MXNetError: an argument is missing, out of bounds, or of the wrong shape or type; the message names it.
    """
    options = {} if name is None else {"name": name}
    return F.ps_roi_pool(support_grad_add(F, data), rois, output_dim=output_dim, pooled_size=pooled_size,
                         spatial_scale=spatial_scale, **options)
