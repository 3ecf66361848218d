"""Light-Head R-CNN on a feature pyramid (paper, table 6, last row; Lin et al., arXiv 1612.03144, section 4)."""
from types import ModuleType
from typing import Any, List, Sequence, Tuple

from mxnet.gluon import HybridBlock

from ..operators.arrays import Array
from .light_head_rcnn import LightHeadRCNN
from .necks import FeaturePyramid
from .registry import register_detector
from .roi_pools import pool_rois
from .rpn import PyramidRPN

# The RPN is as wide as the pyramid. Each level has anchors of one size, 32 to 512 pixels (Lin et al., section 4.1).
_DEFAULTS = dict(mid_channels=256, rpn_channels=256, anchor_scales=(8,))


@register_detector("light_head_rcnn_fpn", on_pyramid=True,
                   defaults={"L": _DEFAULTS, "S": {**_DEFAULTS, "mid_channels": 64}})
class LightHeadFPN(LightHeadRCNN):
    """Light-Head R-CNN whose RoIs are pooled from the level of a feature pyramid that fits their size.

    One neck computes the thin maps of all levels, and one RPN proposes at all levels.

    Args:
        backbone: a `FeaturePyramid`.
        classes: see `TwoStageDetector`.
        canonical_side: side, in pixels of the network input, of a square RoI that is pooled at stride 16 (Lin et al.,
            equation 1). Smaller images want a smaller one.
        options: see `LightHeadRCNN`. `anchor_scales` are multiples of a level's stride: 8 gives anchors of 32 to 512
            pixels. `pre_nms` counts the boxes of a level, `post_nms` those of an image.
    """

    stride = FeaturePyramid.stride
    rpn_type = PyramidRPN

    def __init__(self, backbone: FeaturePyramid, classes: Sequence[str], canonical_side: float = 224, **options: Any):
        super().__init__(backbone, classes, **options)
        self._canonical_side = canonical_side

    @property
    def backbone(self) -> HybridBlock:
        return self.features.backbone

    def classify(self, F: ModuleType, head_map: Sequence[Array], rois: Array) -> Tuple[Array, Array]:
        strides = self.stride[:len(head_map)]
        split = rois_by_level(F, rois, strides, self._canonical_side)
        return self.head(F.add_n(*(pool_rois(F, self._roi_pool, self.neck(level), of_level, stride) for
                                   level, of_level, stride in zip(head_map, split, strides))))


def rois_by_level(F: ModuleType, rois: Array, strides: Sequence[int], canonical_side: float) -> List[Array]:
    """Splits RoIs by their area among the levels of a pyramid (Lin et al., equation 1).

    A RoI as large as the canonical square or larger, up to four times its area, belongs to the level of stride 16; one
    of at least four times its area to that of stride 32, and so on.

    Args:
        F: module of the operators, `mx.nd` or `mx.sym`.
        rois: float32 (R, 5), rows (image in the batch, x1, y1, x2, y2), boxes in pixels of the network input.
        strides: strides of the levels, each twice the one before. The first level also takes all smaller RoIs, the last
            one all larger ones.
        canonical_side: side of the canonical square in pixels of the network input.

    Returns:
        One array (R, 5) a level, in which the RoIs of other levels have image -1.
    """
    image, x1, y1, x2, y2 = F.split(rois, num_outputs=5, axis=1)
    area = (x2 - x1 + 1) * (y2 - y1 + 1)
    # Comparing areas is the rule floor(4 + log2(side / canonical_side)) without its roundings.
    reaches = [F.ones_like(area)] + [area >= (canonical_side * stride / 16) ** 2 for stride in strides[1:]]
    is_here = [this - next_one for this, next_one in zip(reaches, reaches[1:])] + reaches[-1:]
    return [F.concat((image + 1) * mask - 1, x1, y1, x2, y2, dim=1) for mask in is_here]
