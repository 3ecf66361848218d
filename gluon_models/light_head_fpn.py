"""Light-Head R-CNN on a feature pyramid (paper, table 6, last row; Lin et al., arXiv 1612.03144, section 4)."""
from .light_head_rcnn import LightHeadRCNN
from .necks import FeaturePyramid
from .roi_pools import pool_rois
from .rpn import PyramidRPN


class LightHeadFPN(LightHeadRCNN):
    """Light-Head R-CNN whose RoIs are pooled from the level of a feature pyramid that fits their size.

    One neck makes the thin maps of all levels, and one RPN proposes at all levels.

    Args: see `LightHeadRCNN`; `backbone` is a `FeaturePyramid`, `anchor_scales` are multiples of a level's stride (8
    makes anchors of 32 to 512 pixels), and `pre_nms` boxes a level but `post_nms` an image are proposed.
    `canonical_side`, pixels of the network input, is that of a square RoI that is pooled at stride 16 (Lin et al.,
    equation 1); smaller images want a smaller one.
    """

    stride = FeaturePyramid.stride
    rpn_type = PyramidRPN

    def __init__(self, backbone, classes, canonical_side=224, **options):
        super().__init__(backbone, classes, **options)
        self._canonical_side = canonical_side

    @property
    def backbone(self):
        return self.features.backbone

    def classify(self, F, head_map, rois):
        strides = self.stride[:len(head_map)]
        split = rois_by_level(F, rois, strides, self._canonical_side)
        return self.head(F.add_n(*(pool_rois(F, self._roi_pool, self.neck(level), of_level, stride) for
                                   level, of_level, stride in zip(head_map, split, strides))))


def rois_by_level(F, rois, strides, canonical_side):
    """RoIs split by size: those as large as the canonical one at stride 16, of four times its area at 32, and so on.

    Args:
        rois: (R, 5), image in the batch, then the box, network-input frame.
        strides: of the levels, each twice the one before; the first takes smaller RoIs too and the last larger ones.
        canonical_side: pixels of the network input.

    Returns:
        A list of (R, 5), one a level, where the RoIs of other levels have image -1.
    """
    image, x1, y1, x2, y2 = F.split(rois, num_outputs=5, axis=1)
    area = (x2 - x1 + 1) * (y2 - y1 + 1)
    # Comparing areas is the rule floor(4 + log2(side / canonical_side)) without its roundings.
    reaches = [F.ones_like(area)] + [area >= (canonical_side * stride / 16) ** 2 for stride in strides[1:]]
    is_here = [this - next_one for this, next_one in zip(reaches, reaches[1:])] + reaches[-1:]
    return [F.concat((image + 1) * mask - 1, x1, y1, x2, y2, dim=1) for mask in is_here]
