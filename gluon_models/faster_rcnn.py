"""Faster R-CNN with a head of two hidden layers (Ren et al.; the port's `resnet_v1_101_rcnn`), with RoIAlign."""
from .detector import POOLED_SIZE, TwoStageDetector
from .heads import TwoFCHead
from .necks import PointwiseConv
from .roi_pools import align_rois

REDUCED_CHANNELS = 256


class FasterRCNN(TwoStageDetector):
    """Faster R-CNN: a reduction of res5 to 256 channels, RoIAlign into 7x7 bins, two hidden layers of 1024.

    The port pools whole cells in the place of RoIAlign; its parameters fit.

    Args: see `TwoStageDetector`; the port has a box of each class (`class_agnostic=False`).
    """

    box_sigma = 1.0

    def __init__(self, backbone, classes, class_agnostic=True, **options):
        neck = PointwiseConv(backbone.out_channels[1], REDUCED_CHANNELS)
        head = TwoFCHead(len(classes) + 1, class_agnostic, in_units=REDUCED_CHANNELS * POOLED_SIZE ** 2)
        super().__init__(backbone, neck, head, classes, class_agnostic, **options)

    def classify(self, F, head_map, rois):
        return self.head(align_rois(F, self.neck(head_map), rois, self.stride))
