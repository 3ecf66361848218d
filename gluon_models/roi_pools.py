"""The ways to pool RoIs: from the thin map (paper, section 3.2 and tables 2 and 5), and RoIAlign of any map."""
from .. import operators
from .detector import POOLED_SIZE

POOLED_CHANNELS = 10
THIN_CHANNELS = POOLED_CHANNELS * POOLED_SIZE ** 2
_POSITION_SENSITIVE = {
    "psroi_pool": (operators.ps_roi_pool, {}),
    "psroi_align": (operators.ps_roi_align, {}),
    "psroi_align_max": (operators.ps_roi_align, dict(mode="max", border="zero")),
}
ROI_POOLS = (*_POSITION_SENSITIVE, "roi_pool")


def check_roi_pool(roi_pool):
    """Raises ValueError, which lists the known ways, for any other word."""
    if roi_pool not in ROI_POOLS:
        raise ValueError("roi_pool is %r; known: %s" % (roi_pool, ", ".join(ROI_POOLS)))


def pooled_channels(roi_pool):
    """Channels of a pooled RoI."""
    return THIN_CHANNELS if roi_pool == "roi_pool" else POOLED_CHANNELS


def pool_rois(F, roi_pool, thin_map, rois, stride):
    """Pools every RoI into 7x7 bins.

    Args:
        roi_pool: "psroi_pool" (R-FCN's, bins of whole cells), "psroi_align" (average of 2x2 bilinear samples a bin),
            "psroi_align_max" (the largest of them, cells outside of the map being 0: the TensorFlow original), or
            "roi_pool" (Fast R-CNN's: every bin reads all channels and takes the largest cell).
        thin_map: (N, 490, h, w).
        rois: (R, 5), image in the batch, then the box, network-input frame; rows with a negative image pool zeros.
        stride: pixels a cell.

    Returns:
        (R, `pooled_channels(roi_pool)`, 7, 7). The gradient goes to the map.
    """
    if roi_pool == "roi_pool":
        return _zeros_for_padding(F, rois, lambda rois: F.ROIPooling(
            thin_map, rois, pooled_size=(POOLED_SIZE, POOLED_SIZE), spatial_scale=1 / stride))
    operator, flavour = _POSITION_SENSITIVE[roi_pool]
    return operator(F, thin_map, rois, output_dim=POOLED_CHANNELS, pooled_size=POOLED_SIZE, spatial_scale=1 / stride,
                    **flavour)


def align_rois(F, data, rois, stride):
    """RoIAlign into 7x7 bins by MXNet's `contrib.ROIAlign`, aligned, 2x2 samples a bin, averaged.

    The map is read as if the value of a cell stood in its centre, and a RoI reaches to the far edge of its last pixel.

    Args:
        data: (N, C, h, w).
        rois, stride: see `pool_rois`.

    Returns:
        (R, C, 7, 7).
    """
    def align(rois):
        # A proposal may be thinner than a pixel; over a RoI without area MXNet's operator ends the process.
        near, far = (F.slice_axis(rois, axis=1, begin=begin, end=begin + 2) for begin in (1, 3))
        rois = F.concat(F.slice_axis(rois, axis=1, begin=0, end=1), near, F.maximum(near, far) + 1, dim=1)
        return F.contrib.ROIAlign(data, rois, pooled_size=(POOLED_SIZE, POOLED_SIZE), spatial_scale=1 / stride,
                                  sample_ratio=2, aligned=True)

    return _zeros_for_padding(F, rois, align)


def _zeros_for_padding(F, rois, pool):
    """`pool(rois)`, but zeros for padding: there MXNet's operators read before the batch, or write nothing at all."""
    is_real = F.slice_axis(rois, axis=1, begin=0, end=1) >= 0
    # In their place is a pixel of the first image.
    return F.broadcast_mul(pool(F.broadcast_mul(rois, is_real)), F.reshape(is_real, shape=(-1, 1, 1, 1)))
