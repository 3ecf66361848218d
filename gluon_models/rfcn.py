"""R-FCN (Dai et al., arXiv 1605.06409), the B1 of the Light-Head R-CNN paper's ablation."""
from types import ModuleType
from typing import Any, Sequence, Tuple

from mxnet.gluon import HybridBlock

from .. import operators
from ..operators.arrays import Array
from .detector import POOLED_SIZE, TwoStageDetector
from .heads import RFCNHead
from .necks import PointwiseConv
from .registry import register_detector

REDUCED_CHANNELS = 1024


@register_detector("rfcn", defaults={"S": dict(rpn_channels=256)})
class RFCN(TwoStageDetector):
    """R-FCN: every bin of a RoI votes for each class and each box delta, and the votes are averaged.

    Args:
        backbone, classes, class_agnostic, options: see `TwoStageDetector`.
    """

    box_sigma = 1.0

    def __init__(self, backbone: HybridBlock, classes: Sequence[str], class_agnostic: bool = True, **options: Any):
        neck = PointwiseConv(backbone.out_channels[1], REDUCED_CHANNELS)
        head = RFCNHead(REDUCED_CHANNELS, len(classes) + 1, class_agnostic, bins=POOLED_SIZE ** 2)
        super().__init__(backbone, neck, head, classes, class_agnostic, **options)

    def classify(self, F: ModuleType, head_map: Array, rois: Array) -> Tuple[Array, Array]:
        def vote(maps: Array, values: int) -> Array:
            pooled = operators.ps_roi_pool(F, maps, rois, output_dim=values, pooled_size=POOLED_SIZE,
                                           spatial_scale=1 / self.stride)
            return F.mean(pooled, axis=(2, 3))

        return tuple(map(vote, self.head(self.neck(head_map)), self.head.values))
