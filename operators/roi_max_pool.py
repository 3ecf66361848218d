"""The native operator RoI max pooling (the Fast R-CNN paper, section 2.1)."""
from types import ModuleType
from typing import Optional, Tuple, Union

from .arrays import Array
from .gradients import support_grad_add


def roi_max_pool(F: ModuleType, data: Array, rois: Array, pooled_size: Union[int, Tuple[int, int]],
                 spatial_scale: float, name: Optional[str] = None) -> Array:
    """Pools each RoI into bins of whole pixels of the map, of which the largest counts.

    It equals ``ROIPooling`` of MXNet where that is defined. Corners times the scale are rounded to pixels of the map,
    halves away from 0, and both ends are part of the RoI, which is at least one pixel wide and high. A bin reaches
    from the pixel in which it begins to the pixel in which it ends; neighbouring bins may share pixels. Its value is
    the largest of its pixels that lie on the map, or 0 if none does; NaN counts as the largest.

    Args:
        F: `mx.nd` or `mx.sym`.
        data: (N, C, H, W), float32 or float64 (float16 also on a GPU).
        rois: (R, 5), type of data, or float32 if that is float16: rows (image, x1, y1, x2, y2), corners in pixels of
            the network input. A row pools zeros if its image is not one of 0 .. N - 1, or if a coordinate is NaN or
            infinite.
        pooled_size: bins along each side, or (bins along y, bins along x).
        spatial_scale: how many pixels of the map a pixel of the network input is wide: 1/16 at stride 16.
        name: of the node, for symbols.

    Returns:
        (R, C, bins along y, bins along x), type of data. The gradient of a bin flows to the first of its largest
        pixels, row by row; that of rois is 0.

    Raises:
        MXNetError: an argument is missing, out of bounds, or of the wrong shape or type; the message names it.
    """
    height, width = (pooled_size, pooled_size) if isinstance(pooled_size, int) else pooled_size
    options = {} if name is None else {"name": name}
    return F.roi_max_pool(support_grad_add(F, data), rois, pooled_height=height, pooled_width=width,
                          spatial_scale=spatial_scale, **options)
