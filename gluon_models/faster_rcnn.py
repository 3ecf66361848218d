"""Faster R-CNN with two hidden layers and RoIAlign (Ren et al.; the MXNet original's `resnet_v1_101_rcnn`)."""
from types import ModuleType
from typing import Any, Sequence, Tuple

from mxnet.gluon import HybridBlock

from ..operators.arrays import Array
from .detector import POOLED_SIZE, TwoStageDetector
from .heads import TwoFCHead
from .necks import PointwiseConv
from .registry import register_detector
from .roi_pools import align_rois

REDUCED_CHANNELS = 256


@register_detector("faster_rcnn", defaults={"S": dict(rpn_channels=256)})
class FasterRCNN(TwoStageDetector):
    """Faster R-CNN: 256 channels of res5, RoIAlign into 7x7 bins, and two hidden layers of 1024 units.

    The MXNet original pools whole cells in place of RoIAlign; its parameters fit.

    Args:
        backbone, classes, options: see `TwoStageDetector`.
        class_agnostic: see `TwoStageDetector`; the MXNet original has a box for each class, which is False here.
    """

    box_sigma = 1.0

    def __init__(self, backbone: HybridBlock, classes: Sequence[str], class_agnostic: bool = True, **options: Any):
        neck = PointwiseConv(backbone.out_channels[1], REDUCED_CHANNELS)
        head = TwoFCHead(len(classes) + 1, class_agnostic, in_units=REDUCED_CHANNELS * POOLED_SIZE ** 2)
        super().__init__(backbone, neck, head, classes, class_agnostic, **options)

    def classify(self, F: ModuleType, head_map: Array, rois: Array) -> Tuple[Array, Array]:
        return self.head(align_rois(F, self.neck(head_map), rois, self.stride))
