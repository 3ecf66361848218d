"""Light-Head R-CNN: thin map, RoI pooling and light head (paper, section 3.2)."""
from .. import operators
from .detector import POOLED_SIZE, TwoStageDetector
from .heads import LightHead
from .necks import LargeSeparableConv

POOLED_CHANNELS = 10
ROI_POOLS = ("psroi_pool", "psroi_align")


class LightHeadRCNN(TwoStageDetector):
    """Light-Head R-CNN (arXiv 1711.07264).

    Args:
        backbone, classes, class_agnostic, options: see `TwoStageDetector`.
        mid_channels: C_mid of the large separable convolution.
        relu: "inside" or "after_sum", see `LargeSeparableConv`.
        roi_pool: "psroi_pool" (R-FCN's) or "psroi_align" (average of 2x2 bilinear samples).
    """

    box_sigma = 2.0

    def __init__(self, backbone, classes, mid_channels=256, relu="inside", roi_pool="psroi_pool", class_agnostic=True,
                 **options):
        if roi_pool not in ROI_POOLS:
            raise ValueError("roi_pool is %r; known: %s" % (roi_pool, ", ".join(ROI_POOLS)))
        thin_channels = POOLED_CHANNELS * POOLED_SIZE ** 2
        neck = LargeSeparableConv(backbone.out_channels[1], mid_channels, thin_channels, relu=relu)
        head = LightHead(len(classes) + 1, class_agnostic, in_units=thin_channels)
        super().__init__(backbone, neck, head, classes, class_agnostic, **options)
        self._roi_pool = roi_pool

    def classify(self, F, head_map, rois):
        pool = operators.ps_roi_pool if self._roi_pool == "psroi_pool" else operators.ps_roi_align
        return self.head(pool(F, self.neck(head_map), rois, output_dim=POOLED_CHANNELS, pooled_size=POOLED_SIZE,
                              spatial_scale=1 / self.stride))
