"""R-FCN (Dai et al., arXiv 1605.06409), the B1 of the Light-Head R-CNN paper's ablation."""
from .. import operators
from .detector import POOLED_SIZE, TwoStageDetector
from .heads import RFCNHead
from .necks import PointwiseConv


class RFCN(TwoStageDetector):
    """R-FCN: every bin of a RoI votes for each class and each box delta; the votes are averaged.

    Args: see `TwoStageDetector`.
    """

    box_sigma = 1.0

    def __init__(self, backbone, classes, class_agnostic=True, **options):
        neck = PointwiseConv(backbone.out_channels[1])
        head = RFCNHead(1024, len(classes) + 1, class_agnostic, bins=POOLED_SIZE ** 2)
        super().__init__(backbone, neck, head, classes, class_agnostic, **options)

    def classify(self, F, head_map, rois):
        def vote(maps, values):
            pooled = operators.ps_roi_pool(F, maps, rois, output_dim=values, pooled_size=POOLED_SIZE,
                                           spatial_scale=1 / self.stride)
            return F.mean(pooled, axis=(2, 3))

        return tuple(map(vote, self.head(self.neck(head_map)), self.head.values))
