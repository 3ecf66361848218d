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
        prob = F.softmax(F.reshape(logits, shape=(0, 2, -1, 0)), axis=1)
        return operators.rpn_proposal(
            F, F.reshape(prob, shape=(0, 2 * self._anchors, -1, 0)), deltas, im_info, feature_stride=self.stride,
            scales=self.scales, ratios=self.ratios, pre_nms=pre_nms, post_nms=post_nms, nms_threshold=nms_threshold,
            min_size=min_size, feature_size="im_info")
