"""The native operator position-sensitive RoIAlign (Light-Head R-CNN, section 3; R-FCN's pooling without rounding)."""
from types import ModuleType
from typing import Optional

from .arrays import Array
from .gradients import support_grad_add


def ps_roi_align(F: ModuleType, data: Array, rois: Array, output_dim: int, pooled_size: int, spatial_scale: float,
                 sampling_ratio: int = 2, mode: str = "avg", aligned: bool = False, border: str = "clamp",
                 name: Optional[str] = None) -> Array:
    """Pools each RoI from a position-sensitive feature map into ``pooled_size x pooled_size`` bins.

    Output channel c of bin (i, j) reads input channel ``(c * pooled_size + i) * pooled_size + j`` only. A bin is the
    average or the maximum of bilinear samples at equal distances.

    Implementations from which trained weights come correspond to these arguments:

    - the TensorFlow original of Light-Head R-CNN: ``mode="max", border="zero"``, and ``mode="avg", border="zero"`` for
      the average that it has too;
    - ChainerCV: ``mode="max"``;
    - MXNet's ``contrib.ROIAlign(position_sensitive=True)``: the defaults, or ``aligned=True``;
    - torchvision's ``ps_roi_align``: ``aligned=True``.

    Args:
        F: `mx.nd` or `mx.sym`.
        data: (N, output_dim * pooled_size**2, H, W), float32 or float64 (float16 also on a GPU).
        rois: (R, 5), type of data, or float32 if that is float16: rows (image, x1, y1, x2, y2), corners in pixels of
            the network input. A row pools zeros if its image is not one of 0 .. N - 1, or if a coordinate is NaN or
            infinite.
        output_dim: channels of the output, 10 in Light-Head R-CNN.
        pooled_size: bins along each side, 7 in Light-Head R-CNN.
        spatial_scale: how many pixels of the map a pixel of the network input is wide: 1/16 at stride 16.
        sampling_ratio: samples along each side of a bin. With 0 a bin takes as many as it is pixels of the map long,
            rounded up.
        mode: "avg" or "max". The gradient of a maximum goes to the first of its largest samples.
        aligned: shift RoIs by half a pixel of the map, so that the centres of its pixels have whole coordinates. RoIs
            may then be of any size. Otherwise a RoI is at least so many pixels of the map wide and high: 1 with
            mode "avg" and border "clamp", 0.1 with mode "max" and border "clamp", 0 with border "zero".
        border: "clamp" gives samples up to one pixel outside the map the value at its border. Samples further out are
            0 in an average; a maximum leaves them out, and is 0 if no sample is left. "zero" takes all pixels outside
            the map as 0.
        name: of the node, for symbols.

    Returns:
        (R, output_dim, pooled_size, pooled_size), type of data. The gradient flows to data; the one of rois is 0.

    Raises:
        MXNetError: an argument is missing, out of bounds, or of the wrong shape or type; the message names it.
    """
    options = {} if name is None else {"name": name}
    return F.ps_roi_align(support_grad_add(F, data), rois, output_dim=output_dim, pooled_size=pooled_size,
                          spatial_scale=spatial_scale, sampling_ratio=sampling_ratio, mode=mode, aligned=aligned,
                          border=border, **options)
