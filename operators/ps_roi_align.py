"""Position-sensitive RoIAlign, native."""
import itertools

from mxnet import AttrScope, autograd, nd

_calls = itertools.count()


def ps_roi_align(F, data, rois, output_dim, pooled_size, spatial_scale, sampling_ratio=2, mode="avg", aligned=False,
                 border="clamp", name=None):
    """Pools each RoI from a position-sensitive feature map into ``pooled_size x pooled_size`` bins.

    Output channel ``c``, bin ``(i, j)`` reads input channel ``(c * pooled_size + i) * pooled_size + j`` only. Each bin
    takes ``sampling_ratio x sampling_ratio`` bilinear samples at equal distances.

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
        Samples along each side of a bin.
    mode : "avg"
        The bin's value is the average of its samples.
    aligned : bool
        Moves the RoI by half a pixel of the map, which makes pixel centres integers; RoIs may then be of any size.
        Without it a RoI is at least one pixel of the map wide and high (``border="clamp"``) or at least 0 ("zero").
    border : "clamp" or "zero"
        "clamp": samples up to one pixel outside the map take the value at its border, those further out count 0.
        "zero": all pixels outside the map count 0.
    name : str, optional
        Name of the node, for symbols.

    Returns
    -------
    (R, output_dim, pooled_size, pooled_size), type of data. The gradient goes to data; that of rois is zero.

    ``border="clamp"`` equals ``contrib.ROIAlign(position_sensitive=True)`` of MXNet, and with ``aligned=True``
    torchvision's ``ps_roi_align``; "zero" equals the averaging operator of the TensorFlow original of Light-Head R-CNN.

    Raises MXNetError naming the argument where one is missing, out of range, of another shape or type.
    """
    if not isinstance(data, nd.NDArray) or autograd.is_recording():
        # MXNet does not tell library operators when to add to a gradient (grad_req="add", or more than eight uses of
        # one array): a copy in between adds. In a graph it is made in place; the attribute keeps copies from merging.
        with AttrScope(__call__=str(next(_calls))):
            data = F.identity(data)
    options = {} if name is None else {"name": name}
    return F.ps_roi_align(data, rois, output_dim=output_dim, pooled_size=pooled_size, spatial_scale=spatial_scale,
                          sampling_ratio=sampling_ratio, mode=mode, aligned=aligned, border=border, **options)
