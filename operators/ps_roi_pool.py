"""Position-sensitive RoI pooling, native (R-FCN, section 3)."""
from .adding import with_added_gradient


def ps_roi_pool(F, data, rois, output_dim, pooled_size, spatial_scale, name=None):
    """Pools each RoI from a position-sensitive feature map into ``pooled_size x pooled_size`` bins of whole pixels.

    Equals ``contrib.PSROIPooling`` of MXNet. Corners are rounded to pixels of the input and both ends are part of the
    RoI; a bin goes from the pixel of the map in which it begins to the one in which it ends, and is the average of
    those on the map, or 0. Output channel ``c``, bin ``(i, j)`` reads input channel
    ``(c * pooled_size + i) * pooled_size + j`` only.

    Parameters
    ----------
    F : ``mx.nd`` or ``mx.sym``
    data : (N, output_dim * pooled_size**2, H, W), float32 or float64
    rois : (R, 5), type of data
        Rows ``(image, x1, y1, x2, y2)``, corners in pixels of the network input. A row whose image is not in 0..N-1,
        or with a coordinate that is NaN or infinite, pools zeros.
    output_dim : int
        Channels of the output: 10 in Light-Head R-CNN; classes, or numbers of the box regression, in R-FCN.
    pooled_size : int
        Bins along each side, 7 in both.
    spatial_scale : float
        Pixels of the map for one pixel of the input: 1/16 at stride 16.
    name : str, optional
        Name of the node, for symbols.

    Returns
    -------
    (R, output_dim, pooled_size, pooled_size), type of data. The gradient goes to data; that of rois is zero.

    Raises MXNetError naming the argument where one is missing, out of range, of another shape or type.
    """
    options = {} if name is None else {"name": name}
    return F.ps_roi_pool(with_added_gradient(F, data), rois, output_dim=output_dim, pooled_size=pooled_size,
                         spatial_scale=spatial_scale, **options)
