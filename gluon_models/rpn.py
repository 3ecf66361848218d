"""Region proposal network (Faster R-CNN, section 3.1; nodes `rpn_conv_3x3`, `rpn_cls_score`, `rpn_bbox_pred`)."""
from types import ModuleType
from typing import Any, Sequence, Tuple

from mxnet.gluon import HybridBlock, nn

from .. import operators
from ..operators.arrays import Array
from .layers import relu


class RPN(HybridBlock):
    """Objectness and box deltas at every anchor of a map.

    Input: float32 (N, in_channels, h, w). Outputs: logits (N, 2 * A, h, w), where the channels are background of all A
    anchors of a cell, then foreground of all; box deltas (N, 4 * A, h, w), four an anchor.

    Args:
        in_channels: channels of the backbone's map.
        channels: channels of the 3x3 convolution.
        ratios: height over width of the anchors, see `operators.anchors.base_anchors`.
        scales: sides of the anchors in multiples of the stride.
        stride: pixels of the network input from one cell to the next.
        all_cells: whether all cells of the map propose boxes; otherwise only those that lie in the image as a whole.
    """

    def __init__(self, in_channels: int, channels: int = 512, ratios: Sequence[float] = (0.5, 1, 2),
                 scales: Sequence[float] = (4, 8, 16, 32), stride: int = 16, all_cells: bool = False):
        super().__init__(prefix="")
        self.ratios, self.scales, self.stride = tuple(ratios), tuple(scales), stride
        self._anchors, self._all_cells = len(self.ratios) * len(self.scales), all_cells
        with self.name_scope():
            self.conv = nn.Conv2D(channels, 3, padding=1, in_channels=in_channels, prefix="rpn_conv_3x3_")
            self.score = nn.Conv2D(2 * self._anchors, 1, in_channels=channels, prefix="rpn_cls_score_")
            self.box = nn.Conv2D(4 * self._anchors, 1, in_channels=channels, prefix="rpn_bbox_pred_")

    def hybrid_forward(self, F: ModuleType, x: Array) -> Tuple[Array, Array]:
        # The reshape gives the map a plain memory layout. Without it MKL-DNN hands the backbone a gradient in a layout
        # that slows all of its batch normalisations.
        x = F.reshape(x, shape=(0, 0, 0, -1))
        x = relu(F, self.conv(x))
        return self.score(x), self.box(x)

    def propose(self, F: ModuleType, logits: Array, deltas: Array, im_info: Array, pre_nms: int, post_nms: int,
                nms_threshold: float = 0.7, min_size: float = 0) -> Tuple[Array, Array]:
        """Returns RoIs for the head. No gradient flows through them.

        Args:
            F: module of the operators, `mx.nd` or `mx.sym`.
            logits, deltas: outputs of this block.
            im_info: float32 (N, 3), rows (height, width, scale) in pixels of the network input. Boxes are clipped to
                the image, and cells beyond it are ignored, unless all cells propose.
            pre_nms: boxes of highest score an image before suppression.
            post_nms: boxes an image after suppression.
            nms_threshold: IoU above which a box suppresses those of lower score.
            min_size: smallest side of a box in pixels of the original image.

        Returns:
            rois: float32 (N * post_nms, 5), rows (image in the batch, x1, y1, x2, y2), boxes in pixels of the network
                input. The rows of an image are best first, then (-1, 0, 0, 0, 0) where fewer boxes are left.
            counts: float32 (N,), how many boxes each image has.
        """
        return self._propose(F, logits, deltas, im_info, self.stride, pre_nms=pre_nms, post_nms=post_nms,
                             nms_threshold=nms_threshold, min_size=min_size)

    def _propose(self, F: ModuleType, logits: Array, deltas: Array, im_info: Array, stride: int,
                 **options: Any) -> Tuple[Array, ...]:
        """The operator's RoIs, counts and, with `output_score`, scores of one map."""
        prob = F.softmax(F.reshape(logits, shape=(0, 2, -1, 0)), axis=1)
        return operators.rpn_proposal(
            F, F.reshape(prob, shape=(0, 2 * self._anchors, -1, 0)), deltas, im_info, feature_stride=stride,
            scales=self.scales, ratios=self.ratios, feature_size="map" if self._all_cells else "im_info", **options)

    def join_levels(self, F: ModuleType, logits: Array, deltas: Array) -> Tuple[Array, Array]:
        """Returns the outputs of this block in the layout of the targets of `AnchorTargets`.

        For a single map that is the layout they have: (N, 2 * A, h, w) and (N, 4 * A, h, w).
        """
        return logits, deltas


class PyramidRPN(RPN):
    """One region proposal network for the maps of all levels of a pyramid (Lin et al., arXiv 1612.03144, section 4.1).

    Input: a tuple of maps, float32 (N, in_channels, h, w). Outputs: a tuple of logits and a tuple of box deltas, one of
    each a level, see `RPN`.

    Args:
        in_channels, channels, ratios, all_cells: see `RPN`.
        scales: sides of the anchors in multiples of a level's stride.
        stride: a tuple with the stride of each level in pixels.
    """

    def hybrid_forward(self, F: ModuleType, maps: Sequence[Array]) -> Tuple[Tuple[Array, ...], Tuple[Array, ...]]:
        outputs = [super(PyramidRPN, self).hybrid_forward(F, level) for level in maps]
        return tuple(zip(*outputs))

    def propose(self, F: ModuleType, logits: Sequence[Array], deltas: Sequence[Array], im_info: Array, pre_nms: int,
                post_nms: int, nms_threshold: float = 0.7, min_size: float = 0) -> Tuple[Array, Array]:
        """Returns the best RoIs of all levels. Arguments and answer are those of `RPN.propose`, with a difference:

        `pre_nms` boxes of each level take part, each level is suppressed by itself, and the `post_nms` boxes of highest
        score in all levels together remain.
        """
        rois, counts, scores = zip(*(
            self._propose(F, *level, im_info, stride, pre_nms=pre_nms, post_nms=post_nms, nms_threshold=nms_threshold,
                          min_size=min_size, output_score=True)
            for *level, stride in zip(logits, deltas, self.stride)))
        rois = F.concat(*(F.reshape(part, shape=(-1, post_nms, 5)) for part in rois), dim=1)
        scores = F.concat(*(F.reshape(part, shape=(-1, post_nms)) for part in scores), dim=1)
        is_padding = F.reshape(F.slice_axis(rois, axis=2, begin=0, end=1), shape=(0, -1)) < 0
        # A score may be 0, which is that of padding: one less ranks padding last.
        best = F.topk(scores - is_padding, axis=1, k=post_nms)
        first = F.reshape(F.contrib.arange_like(best, axis=0), shape=(-1, 1)) * (len(self.stride) * post_nms)
        rois = F.take(F.reshape(rois, shape=(-3, 0)), F.reshape(F.broadcast_add(best, first), shape=(-1,)))
        return rois, F.minimum(F.add_n(*counts), post_nms)

    def join_levels(self, F: ModuleType, logits: Sequence[Array], deltas: Sequence[Array]) -> Tuple[Array, Array]:
        """Returns the outputs of this block in the layout of the targets of `AnchorTargets`.

        For a pyramid that is (N, 2 * A, cells) and (N, 4 * A, cells), the cells of one level after those of another.
        """
        return tuple(F.concat(*(F.reshape(level, shape=(0, 0, -1)) for level in maps), dim=2)
                     for maps in (logits, deltas))
