"""Region proposal network (Faster R-CNN, section 3.1; nodes `rpn_conv_3x3`, `rpn_cls_score`, `rpn_bbox_pred`)."""
from mxnet.gluon import HybridBlock, nn

from .. import operators
from .layers import relu


class RPN(HybridBlock):
    """Objectness and boxes at every anchor of a map.

    Args:
        in_channels: of the backbone's map.
        channels: of the 3x3 convolution.
        ratios, scales: of the anchors, see `operators.anchors.base_anchors`.
        stride: pixels a cell.

    Input (N, in_channels, h, w). Outputs: logits (N, 2 * A, h, w), channels background x A then foreground x A;
    box deltas (N, 4 * A, h, w), 4 an anchor.
    """

    def __init__(self, in_channels, channels=512, ratios=(0.5, 1, 2), scales=(4, 8, 16, 32), stride=16):
        super().__init__(prefix="")
        self.ratios, self.scales, self.stride = tuple(ratios), tuple(scales), stride
        self._anchors = len(self.ratios) * len(self.scales)
        with self.name_scope():
            self.conv = nn.Conv2D(channels, 3, padding=1, in_channels=in_channels, prefix="rpn_conv_3x3_")
            self.score = nn.Conv2D(2 * self._anchors, 1, in_channels=channels, prefix="rpn_cls_score_")
            self.box = nn.Conv2D(4 * self._anchors, 1, in_channels=channels, prefix="rpn_bbox_pred_")

    def hybrid_forward(self, F, x):
        # A plain layout here: else MKL-DNN hands the backbone a gradient in a layout that slows all its batch norms.
        x = F.reshape(x, shape=(0, 0, 0, -1))
        x = relu(F, self.conv(x))
        return self.score(x), self.box(x)

    def propose(self, F, logits, deltas, im_info, pre_nms, post_nms, nms_threshold=0.7, min_size=0):
        """RoIs for the head; no gradient flows through them.

        Args:
            logits, deltas: outputs of this block.
            im_info: (N, 3) rows (height, width, scale); boxes are clipped to it, cells beyond it are ignored.
            pre_nms, post_nms: boxes an image before and after suppression.
            min_size: smallest side in pixels of the original image.

        Returns:
            rois: float32 (N * post_nms, 5), image in the batch, then the box in the network-input frame; the rows of
            an image are best first, then (-1, 0, 0, 0, 0) where fewer boxes survive.
            counts: float32 (N,), boxes of each image.
        """
        return self._propose(F, logits, deltas, im_info, self.stride, pre_nms=pre_nms, post_nms=post_nms,
                             nms_threshold=nms_threshold, min_size=min_size)

    def _propose(self, F, logits, deltas, im_info, stride, **options):
        prob = F.softmax(F.reshape(logits, shape=(0, 2, -1, 0)), axis=1)
        return operators.rpn_proposal(
            F, F.reshape(prob, shape=(0, 2 * self._anchors, -1, 0)), deltas, im_info, feature_stride=stride,
            scales=self.scales, ratios=self.ratios, feature_size="im_info", **options)

    def as_targets(self, F, logits, deltas):
        """The outputs of this block in the layout of `AnchorTargets`: (N, 2 * A, ...) and (N, 4 * A, ...)."""
        return logits, deltas


class PyramidRPN(RPN):
    """One network for the maps of all levels of a pyramid (Lin et al., arXiv 1612.03144, section 4.1).

    Args: see `RPN`; `stride` holds that of each level, and the scales are multiples of it.

    Input: a tuple of maps (N, in_channels, h, w). Outputs: a tuple of logits and a tuple of box deltas, see `RPN`.
    """

    def hybrid_forward(self, F, maps):
        outputs = [super(PyramidRPN, self).hybrid_forward(F, level) for level in maps]
        return tuple(zip(*outputs))

    def propose(self, F, logits, deltas, im_info, pre_nms, post_nms, nms_threshold=0.7, min_size=0):
        """As `RPN.propose`: `pre_nms` boxes a level, suppressed by level, and of all of them the `post_nms` best."""
        rois, counts, scores = zip(*(
            self._propose(F, *level, im_info, stride, pre_nms=pre_nms, post_nms=post_nms, nms_threshold=nms_threshold,
                          min_size=min_size, output_score=True)
            for *level, stride in zip(logits, deltas, self.stride)))
        rois = F.concat(*(F.reshape(part, shape=(-1, post_nms, 5)) for part in rois), dim=1)
        scores = F.concat(*(F.reshape(part, shape=(-1, post_nms)) for part in scores), dim=1)
        is_empty = F.reshape(F.slice_axis(rois, axis=2, begin=0, end=1), shape=(0, -1)) < 0
        best = F.topk(scores - is_empty, axis=1, k=post_nms)  # a score may be 0, as in an empty row
        first = F.reshape(F.contrib.arange_like(best, axis=0), shape=(-1, 1)) * (len(self.stride) * post_nms)
        rois = F.take(F.reshape(rois, shape=(-3, 0)), F.reshape(F.broadcast_add(best, first), shape=(-1,)))
        return rois, F.minimum(F.add_n(*counts), post_nms)

    def as_targets(self, F, logits, deltas):
        """The outputs in the layout of `AnchorTargets`: (N, 2 * A, cells) and (N, 4 * A, cells), level after level."""
        return tuple(F.concat(*(F.reshape(level, shape=(0, 0, -1)) for level in maps), dim=2)
                     for maps in (logits, deltas))
