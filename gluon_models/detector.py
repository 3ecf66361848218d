"""The detector: backbone, RPN, thin map, RoI pooling, light head and detection output, in one hybrid block."""
from mxnet.gluon import HybridBlock

from .. import operators
from ..operators import boxes as box_ops
from .heads import LightHead
from .necks import LargeSeparableConv
from .rpn import RPN

POOLED_SIZE = 7
POOLED_CHANNELS = 10
ROI_POOLS = ("psroi_pool", "psroi_align")


class LightHeadRCNN(HybridBlock):
    """Light-Head R-CNN (arXiv 1711.07264), with the parameter names of the original symbolic graphs.

    Args:
        backbone: block with `out_channels`, `feature_size` and outputs (map for the RPN, map for the head).
        classes: names, background not among them.
        mid_channels: C_mid of the large separable convolution.
        relu: "inside" or "after_sum", see `LargeSeparableConv`.
        roi_pool: "psroi_pool" (R-FCN's) or "psroi_align" (average of 2x2 bilinear samples).
        class_agnostic: one box a RoI, else one a class.
        rpn_channels, anchor_ratios, anchor_scales: see `RPN`.
        box_means, box_stds: of the box targets; zeros and ones for checkpoints that have them folded in.
        pre_nms, post_nms, rpn_nms, rpn_min_size: proposals at test, see `RPN.propose`.
        score_threshold, nms, max_per_image: detection output at test.

    Calling it: `ids, scores, bboxes = net(x)` or `net(x, im_info)` with x float32 (N, 3, H, W), RGB less the pixel
    means, and im_info float32 (N, 3), rows (height, width, scale), where images are smaller than the batch. Answers
    like a GluonCV detector, K = max_per_image rows an image (post_nms times classes where that is less), best first,
    -1 where fewer are found: ids (N, K, 1) from 0, scores (N, K, 1), bboxes (N, K, 4) in the network-input frame,
    inclusive ends.
    """

    stride = 16

    def __init__(self, backbone, classes, mid_channels=256, relu="inside", roi_pool="psroi_pool", class_agnostic=True,
                 rpn_channels=512, anchor_ratios=(0.5, 1, 2), anchor_scales=(4, 8, 16, 32),
                 box_means=(0.0, 0.0, 0.0, 0.0), box_stds=(0.1, 0.1, 0.2, 0.2), pre_nms=6000, post_nms=300,
                 rpn_nms=0.7, rpn_min_size=0, score_threshold=0.001, nms=0.3, max_per_image=100):
        super().__init__(prefix="")
        if roi_pool not in ROI_POOLS:
            raise ValueError("roi_pool is %r; known: %s" % (roi_pool, ", ".join(ROI_POOLS)))
        self.classes = tuple(classes)
        self.class_agnostic = class_agnostic
        self.box_means, self.box_stds = tuple(box_means), tuple(box_stds)
        self._roi_pool = roi_pool
        self._proposals = dict(pre_nms=pre_nms, post_nms=post_nms, nms_threshold=rpn_nms, min_size=rpn_min_size)
        self._post_nms = post_nms
        self._score_threshold, self._nms, self._max_per_image = score_threshold, nms, max_per_image
        rpn_in, head_in = backbone.out_channels
        thin_channels = POOLED_CHANNELS * POOLED_SIZE ** 2
        with self.name_scope():
            self.features = backbone
            self.rpn = RPN(rpn_in, rpn_channels, anchor_ratios, anchor_scales, self.stride)
            self.neck = LargeSeparableConv(head_in, mid_channels, thin_channels, relu=relu)
            self.head = LightHead(len(self.classes) + 1, class_agnostic, in_units=thin_channels)

    def reset_class(self, classes):
        """Detect other classes: the sibling layers of the head are made anew, to be initialised and trained.

        A `TrainingGraph` of this detector must be made anew too.

        Args:
            classes: names, background not among them.
        """
        self._clear_cached_op()
        self.classes = tuple(classes)
        self.head.reset(len(self.classes) + 1)

    def classify(self, F, head_map, rois):
        """Class logits and box deltas of RoIs.

        Args:
            head_map: (N, C, h, w), the backbone's map for the head.
            rois: (R, 5), image in the batch, then the box, network-input frame.

        Returns:
            logits (R, classes + 1) and deltas (R, 4 * regression classes), in units of `box_stds`.
        """
        thin = self.neck(head_map)
        if self._roi_pool == "psroi_pool":
            pooled = F.contrib.PSROIPooling(thin, rois, spatial_scale=1 / self.stride, output_dim=POOLED_CHANNELS,
                                            pooled_size=POOLED_SIZE, group_size=POOLED_SIZE)
        else:
            pooled = operators.ps_roi_align(F, thin, rois, output_dim=POOLED_CHANNELS, pooled_size=POOLED_SIZE,
                                            spatial_scale=1 / self.stride)
        return self.head(pooled)

    def hybrid_forward(self, F, x, im_info=None):
        if im_info is None:
            im_info = _whole_input(F, x)
        rpn_map, head_map = self.features(x)
        rois = self.rpn.propose(F, *self.rpn(rpn_map), im_info, **self._proposals)
        logits, deltas = self.classify(F, head_map, rois)
        return self._detect(F, rois, logits, deltas, im_info)

    def _detect(self, F, rois, logits, deltas, im_info):
        """Detections of every image: boxes from deltas, threshold, suppression by class, the best of the image."""
        num_classes = len(self.classes)
        sources = F.reshape(F.slice_axis(rois, axis=1, begin=1, end=5), shape=(-1, self._post_nms, 1, 4))
        groups = 2 if self.class_agnostic else num_classes + 1
        deltas = F.reshape(deltas, shape=(-1, self._post_nms, groups, 4))
        deltas = F.slice_axis(deltas, axis=2, begin=1, end=None)
        deltas = F.concat(*(part * std + mean for part, std, mean in
                            zip(F.split(deltas, num_outputs=4, axis=3), self.box_stds, self.box_means)), dim=3)
        height, width = (F.reshape(F.slice_axis(im_info, axis=1, begin=i, end=i + 1), shape=(-1, 1, 1, 1))
                         for i in (0, 1))
        boxes = box_ops.clip(box_ops.decode(sources, deltas, F), height, width, F)
        scores = F.reshape(F.slice_axis(F.softmax(logits, axis=1), axis=1, begin=1, end=None),
                           shape=(-1, self._post_nms, num_classes, 1))
        if self.class_agnostic:
            boxes = F.broadcast_like(boxes, scores, lhs_axes=(2,), rhs_axes=(2,))
        ids = F.broadcast_like(F.reshape(F.arange(num_classes), shape=(1, 1, -1, 1)), scores)
        # box_nms measures x2 - x1: exclusive ends make its overlaps those of inclusive boxes.
        x1, y1, x2, y2 = F.split(boxes, num_outputs=4, axis=3)
        rows = F.reshape(F.concat(ids, scores, x1, y1, x2 + 1, y2 + 1, dim=3), shape=(0, -1, 6))
        rows = F.contrib.box_nms(rows, overlap_thresh=self._nms, valid_thresh=self._score_threshold, coord_start=2,
                                 score_index=1, id_index=0)
        rows = F.slice_axis(rows, axis=1, begin=0, end=min(self._max_per_image, self._post_nms * num_classes))
        ids, scores, x1, y1, x2, y2 = F.split(rows, num_outputs=6, axis=2)
        found = ids >= 0
        return ids, scores, F.concat(x1, y1, x2 - found, y2 - found, dim=2)


def _whole_input(F, x):
    """im_info (N, 3) of a batch whose images fill it."""
    size = F.cast(F.slice_axis(F.shape_array(x), axis=0, begin=2, end=4), "float32")
    info = F.reshape(F.concat(size, F.ones(1), dim=0), shape=(1, 3))
    return F.broadcast_like(info, F.reshape(x, shape=(0, -1)), lhs_axes=(0,), rhs_axes=(0,))
