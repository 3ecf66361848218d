"""Light-Head R-CNN: thin map, RoI pooling and light head (paper, section 3.2)."""
from types import ModuleType
from typing import Any, Sequence, Tuple

from mxnet.gluon import HybridBlock

from ..errors import ModelError
from ..operators.arrays import Array
from .detector import POOLED_SIZE, TwoStageDetector
from .heads import LightHead
from .necks import LargeSeparableConv, PointwiseConv
from .registry import register_detector
from .roi_pools import THIN_CHANNELS, check_roi_pool, pool_rois, pooled_channels

NECKS = ("large_separable", "pointwise")
# Setting L is that of the MXNet original, setting S that of the paper's section 4.2.
SETTING_L = dict(mid_channels=256, rpn_channels=512)
SETTING_S = dict(mid_channels=64, rpn_channels=256)


@register_detector("light_head_rcnn", defaults={"L": SETTING_L, "S": SETTING_S})
class LightHeadRCNN(TwoStageDetector):
    """Light-Head R-CNN (arXiv 1711.07264), and by its options the steps that lead there from R-FCN (its ablation).

    Args:
        backbone, classes, class_agnostic, options: see `TwoStageDetector`.
        mid_channels: C_mid of the large separable convolution.
        relu: "inside" or "after_sum", see `LargeSeparableConv`.
        neck: what computes the thin map: "large_separable", or "pointwise", one 1x1 convolution with ReLU. The map is
            rectified either way, so that the two differ in the convolution alone.
        roi_pool: "psroi_pool", "psroi_align", "psroi_align_max", "psroi_align_max_clamp" or "roi_pool", see
            `roi_pools.pool_rois`.
        hidden: units of the hidden layer; with 0 the output layers read the pooled values themselves.

    Raises:
        ModelError: an unknown neck, RoI pooling or place of the ReLU.
    """

    box_sigma = 2.0

    def __init__(self, backbone: HybridBlock, classes: Sequence[str], mid_channels: int = 256, relu: str = "inside",
                 neck: str = "large_separable", roi_pool: str = "psroi_pool", hidden: int = 2048,
                 class_agnostic: bool = True, **options: Any):
        check_roi_pool(roi_pool)
        in_channels = backbone.out_channels[1]
        if neck == "large_separable":
            thin = LargeSeparableConv(in_channels, mid_channels, THIN_CHANNELS, relu=relu)
        elif neck == "pointwise":
            thin = PointwiseConv(in_channels, THIN_CHANNELS)
        else:
            raise ModelError(f"neck is {neck!r}; known: {', '.join(NECKS)}")
        head = LightHead(len(classes) + 1, class_agnostic, pooled_channels(roi_pool) * POOLED_SIZE ** 2, hidden)
        super().__init__(backbone, thin, head, classes, class_agnostic, **options)
        self._roi_pool = roi_pool

    def classify(self, F: ModuleType, head_map: Array, rois: Array) -> Tuple[Array, Array]:
        return self.head(pool_rois(F, self._roi_pool, self.neck(head_map), rois, self.stride))


# The small neck and RPN of setting S on a large backbone.
register_detector("light_head_rcnn_s", LightHeadRCNN, defaults={"L": SETTING_S, "S": SETTING_S},
                  backbones=("resnet50_v1",))
