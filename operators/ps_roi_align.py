"""Position-sensitive RoIAlign, native (Light-Head R-CNN, section 3; R-FCN's pooling without rounding)."""
from .adding import with_added_gradient


def ps_roi_align(F, data, rois, output_dim, pooled_size, spatial_scale, sampling_ratio=2, mode="avg", aligned=False,
                 border="clamp", name=None):
    """Pools each RoI from a position-sensitive feature map into ``pooled_size x pooled_size`` bins.

    Output channel ``c``, bin ``(i, j)`` reads input channel ``(c * pooled_size + i) * pooled_size + j`` only. A bin is
    the average or the maximum of bilinear samples at equal distances.

    Parameters
    ----------
    F : ``mx.nd`` or ``mx.sym``
    data : (N, output_dim * pooled_size**2, H, W), float32 or float64
    rois : (R, 5), type of data
        Rows ``(image, x1, y1, x2, y2)``, corners in pixels of the network input. A row whose image is not in 0..N-1,
        or with a coordinate that is NaN or infinite, pools zeros.
    output_dim : int
        Channels of the output, 10 in Light-Head R-CNN.
    pooled_size : int
        Bins along each side, 7 in Light-Head R-CNN.
    spatial_scale : float
        Pixels of the map for one pixel of the input: 1/16 at stride 16.
    sampling_ratio : int
        Samples along each side of a bin. 0 takes as many as the bin is pixels of the map long, rounded up.
    mode : "avg" or "max"
        The gradient of a maximum goes to its first largest sample.
    aligned : bool
        Moves the RoI by half a pixel of the map, which makes pixel centres integers; RoIs may then be of any size.
        Without it a RoI is at least so many pixels of the map wide and high: 1 (average, ``border="clamp"``), 0.1
        (maximum, "clamp") or 0 ("zero").
    border : "clamp" or "zero"
        "clamp": samples up to one pixel outside the map take the value at its border; those further out count 0 in the
        average and do not count in the maximum, which is 0 where no sample counts.
        "zero": all pixels outside the map count 0.
    name : str, optional
        Name of the node, for symbols.

    Returns
    -------
    (R, output_dim, pooled_size, pooled_size), type of data. The gradient goes to data; that of rois is zero.

    Notes
    -----
    The flavours that trained weights come from:

    - TensorFlow original of Light-Head R-CNN: ``mode="max", border="zero"``; its ``_ave`` sibling ``mode="avg"``.
    - ChainerCV: ``mode="max"``.
    - MXNet's ``contrib.ROIAlign(position_sensitive=True)``: the defaults, or ``aligned=True``.
    - torchvision's ``ps_roi_align``: ``aligned=True``.

    Raises MXNetError naming the argument where one is missing, out of range, of another shape or type.
    """
    options = {} if name is None else {"name": name}
    return F.ps_roi_align(with_added_gradient(F, data), rois, output_dim=output_dim, pooled_size=pooled_size,
                          spatial_scale=spatial_scale, sampling_ratio=sampling_ratio, mode=mode, aligned=aligned,
                          border=border, **options)
