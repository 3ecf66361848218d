"""Light-Head R-CNN: thin map, RoI pooling and light head (paper, section 3.2)."""
from .detector import POOLED_SIZE, TwoStageDetector
from .heads import LightHead
from .necks import LargeSeparableConv, PointwiseConv
from .roi_pools import THIN_CHANNELS, check_roi_pool, pool_rois, pooled_channels

NECKS = ("large_separable", "pointwise")


class LightHeadRCNN(TwoStageDetector):
    """Light-Head R-CNN (arXiv 1711.07264), and by its options the steps that lead there from R-FCN (its ablation).

    Args:
        backbone, classes, class_agnostic, options: see `TwoStageDetector`.
        mid_channels: C_mid of the large separable convolution.
        relu: "inside" or "after_sum", see `LargeSeparableConv`.
        neck: what makes the thin map, "large_separable" or "pointwise": one 1x1 convolution with ReLU, so that the map
            is rectified either way and the two differ in the convolution alone.
        roi_pool: "psroi_pool", "psroi_align", "psroi_align_max" or "roi_pool", see `roi_pools.pool_rois`.
        hidden: units of the hidden layer; 0 classifies the pooled values themselves.
    """

    box_sigma = 2.0

    def __init__(self, backbone, classes, mid_channels=256, relu="inside", neck="large_separable",
                 roi_pool="psroi_pool", hidden=2048, class_agnostic=True, **options):
        check_roi_pool(roi_pool)
        in_channels = backbone.out_channels[1]
        if neck == "large_separable":
            thin = LargeSeparableConv(in_channels, mid_channels, THIN_CHANNELS, relu=relu)
        elif neck == "pointwise":
            thin = PointwiseConv(in_channels, THIN_CHANNELS)
        else:
            raise ValueError("neck is %r; known: %s" % (neck, ", ".join(NECKS)))
        head = LightHead(len(classes) + 1, class_agnostic, pooled_channels(roi_pool) * POOLED_SIZE ** 2, hidden)
        super().__init__(backbone, thin, head, classes, class_agnostic, **options)
        self._roi_pool = roi_pool

    def classify(self, F, head_map, rois):
        return self.head(pool_rois(F, self._roi_pool, self.neck(head_map), rois, self.stride))
