"""The ways to pool RoIs: from the thin map (paper, section 3.2 and tables 2 and 5), and from any map."""
from types import ModuleType

from .. import operators
from ..errors import ModelError
from ..operators.arrays import Array
from .detector import POOLED_SIZE

POOLED_CHANNELS = 10
THIN_CHANNELS = POOLED_CHANNELS * POOLED_SIZE ** 2
_POSITION_SENSITIVE = {
    "psroi_pool": (operators.ps_roi_pool, {}),
    "psroi_align": (operators.ps_roi_align, {}),
    "psroi_align_max": (operators.ps_roi_align, dict(mode="max", border="zero")),
    "psroi_align_max_clamp": (operators.ps_roi_align, dict(mode="max", border="clamp")),
}
# The ways for which a RoI reaches to the far edge of its last pixel: its ends are moved by one pixel.
_EXCLUSIVE_ENDS = ("psroi_align_max_clamp",)
ROI_POOLS = (*_POSITION_SENSITIVE, "roi_pool")


def check_roi_pool(roi_pool: str) -> None:
    """Raises ModelError for a word that is not in `ROI_POOLS`; the message lists those that are."""
    if roi_pool not in ROI_POOLS:
        raise ModelError(f"roi_pool is {roi_pool!r}; known: {', '.join(ROI_POOLS)}")


def pooled_channels(roi_pool: str) -> int:
    """Returns the channels of a RoI that is pooled from the thin map."""
    return THIN_CHANNELS if roi_pool == "roi_pool" else POOLED_CHANNELS


def pool_rois(F: ModuleType, roi_pool: str, thin_map: Array, rois: Array, stride: int) -> Array:
    """Pools every RoI into 7x7 bins.

    Args:
        F: module of the operators, `mx.nd` or `mx.sym`.
        roi_pool: "psroi_pool": averages of whole cells (R-FCN); "psroi_align": averages of 2x2 bilinear samples a bin;
            "psroi_align_max": the largest of these samples, where cells outside of the map are 0 (the TensorFlow
            original); "psroi_align_max_clamp": the largest sample, where a RoI reaches to the far edge of its last
            pixel and the cells at the border are repeated outside of the map (ChainerCV); "roi_pool": every bin reads
            all channels and takes the largest cell (Fast R-CNN).
        thin_map: float32 (N, 490, h, w).
        rois: float32 (R, 5), rows (image in the batch, x1, y1, x2, y2), boxes in pixels of the network input. Rows with
            a negative image are padding and pool zeros.
        stride: pixels of the network input from one cell of the map to the next.

    Returns:
        float32 (R, `pooled_channels(roi_pool)`, 7, 7). The gradient goes to the map.
    """
    if roi_pool == "roi_pool":
        return max_pool_rois(F, thin_map, rois, stride)
    operator, flavour = _POSITION_SENSITIVE[roi_pool]
    if roi_pool in _EXCLUSIVE_ENDS:
        near, far = (F.slice_axis(rois, axis=1, begin=begin, end=end) for begin, end in ((0, 3), (3, 5)))
        rois = F.concat(near, far + 1, dim=1)
    return operator(F, thin_map, rois, output_dim=POOLED_CHANNELS, pooled_size=POOLED_SIZE, spatial_scale=1 / stride,
                    **flavour)


def max_pool_rois(F: ModuleType, data: Array, rois: Array, stride: int, bins: int = POOLED_SIZE) -> Array:
    """Pools every RoI into bins of whole cells, of which the largest counts (the Fast R-CNN paper, section 2.1).

    Args:
        F: module of the operators, `mx.nd` or `mx.sym`.
        data: float32 (N, C, h, w).
        rois, stride: see `pool_rois`.
        bins: bins along each side of a RoI.

    Returns:
        float32 (R, C, bins, bins). The gradient goes to the map.
    """
    return operators.roi_max_pool(F, data, rois, bins, 1 / stride)


def align_rois(F: ModuleType, data: Array, rois: Array, stride: int) -> Array:
    """Pools every RoI into 7x7 bins by MXNet's `contrib.ROIAlign`, aligned, the average of 2x2 samples a bin.

    The value of a cell stands in the cell's centre, and a RoI reaches to the far edge of its last pixel.

    Args:
        F: module of the operators, `mx.nd` or `mx.sym`.
        data: float32 (N, C, h, w).
        rois, stride: see `pool_rois`.

    Returns:
        float32 (R, C, 7, 7). The gradient goes to the map.
    """
    def align(rois: Array) -> Array:
        # A proposal may be thinner than a pixel; over a RoI without area MXNet's operator ends the process.
        near, far = (F.slice_axis(rois, axis=1, begin=begin, end=begin + 2) for begin in (1, 3))
        rois = F.concat(F.slice_axis(rois, axis=1, begin=0, end=1), near, F.maximum(near, far) + 1, dim=1)
        return F.contrib.ROIAlign(data, rois, pooled_size=(POOLED_SIZE, POOLED_SIZE), spatial_scale=1 / stride,
                                  sample_ratio=2, aligned=True)

    # A pixel of the first image stands in for padding, for which MXNet's operator reads before the batch.
    is_real = F.slice_axis(rois, axis=1, begin=0, end=1) >= 0
    return F.broadcast_mul(align(F.broadcast_mul(rois, is_real)), F.reshape(is_real, shape=(-1, 1, 1, 1)))
