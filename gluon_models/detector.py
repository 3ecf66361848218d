"""What all detectors here are: backbone, RPN, neck, head and detection output, in one hybrid block."""
from mxnet.gluon import HybridBlock

from ..operators import detections
from .rpn import RPN

POOLED_SIZE = 7


class TwoStageDetector(HybridBlock):
    """A detector in two stages, with the parameter names of the original symbolic graphs.

    Subclasses write `classify` and set `box_sigma`, the `scalar` of the smooth L1 loss of their head's boxes; on a
    pyramid also `stride`, a tuple, and `rpn_type`.

    Args:
        backbone: block with `out_channels`, `feature_size` and outputs (map for the RPN, map for the head).
        neck: block from the map for the head to the map that the head reads.
        head: block with `reset(num_classes)`, `output_layers` and `hidden_layers`.
        classes: names, background not among them.
        class_agnostic: one box a RoI, else one a class.
        rpn_channels, anchor_ratios, anchor_scales: see `RPN`.
        box_means, box_stds: of the box targets; zeros and ones for checkpoints that have them folded in.
        pre_nms, post_nms, rpn_nms, rpn_min_size: proposals at test, see `RPN.propose`.
        score_threshold, nms, max_per_image: detection output at test.
        soft_nms, soft_nms_sigma: "none", "linear" or "gaussian"; `soft` and `sigma` of `operators.multiclass_nms`.

    Calling it: `ids, scores, bboxes = net(x)` or `net(x, im_info)` with x float32 (N, 3, H, W), RGB less the pixel
    means, and im_info float32 (N, 3), rows (height, width, scale), where images are smaller than the batch. Answers
    like a GluonCV detector, K = max_per_image rows an image, best first, -1 where fewer are found: ids (N, K, 1) from
    0, scores (N, K, 1), bboxes (N, K, 4) in the network-input frame, inclusive ends.
    """

    stride = 16
    rpn_type = RPN

    def __init__(self, backbone, neck, head, classes, class_agnostic, rpn_channels=512, anchor_ratios=(0.5, 1, 2),
                 anchor_scales=(4, 8, 16, 32), box_means=(0.0, 0.0, 0.0, 0.0), box_stds=(0.1, 0.1, 0.2, 0.2),
                 pre_nms=6000, post_nms=300, rpn_nms=0.7, rpn_min_size=0, score_threshold=0.001, nms=0.3,
                 max_per_image=100, soft_nms="none", soft_nms_sigma=0.5):
        super().__init__(prefix="")
        self.classes = tuple(classes)
        self.class_agnostic = class_agnostic
        self.box_means, self.box_stds = tuple(box_means), tuple(box_stds)
        self._proposals = dict(pre_nms=pre_nms, post_nms=post_nms, nms_threshold=rpn_nms, min_size=rpn_min_size)
        self._post_nms = post_nms
        self._suppression = dict(score_threshold=score_threshold, nms=nms, max_per_image=max_per_image,
                                 soft_nms=soft_nms, soft_nms_sigma=soft_nms_sigma)
        with self.name_scope():
            self.features = backbone
            self.rpn = self.rpn_type(backbone.out_channels[0], rpn_channels, anchor_ratios, anchor_scales, self.stride)
            self.neck, self.head = neck, head

    @property
    def backbone(self):
        """The block that holds what a pretrained classifier has, too."""
        return self.features

    def reset_class(self, classes):
        """Detect other classes: the output layers of the head are made anew, to be initialised and trained.

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
        raise NotImplementedError

    def hybrid_forward(self, F, x, im_info=None):
        return self.suppress(F, *self.candidates(F, x, im_info))

    def candidates(self, F, x, im_info=None):
        """All that detections are chosen from: scores and boxes of the RoIs, before any threshold or suppression.

        Returns:
            scores: (N, R, classes + 1), probabilities, the background's first; R = post_nms.
            boxes: (N, R, 4), or (N, R, 4 * (classes + 1)) where each class has a box of its own; network-input frame,
                inclusive ends, clipped to the image.
            counts: (N,), RoIs of each image, the first rows; the others are padding.
        """
        if im_info is None:
            im_info = _whole_input(F, x)
        rpn_map, head_map = self.features(x)
        rois, counts = self.rpn.propose(F, *self.rpn(rpn_map), im_info, **self._proposals)
        logits, deltas = self.classify(F, head_map, rois)
        return (*self._decode(F, rois, logits, deltas, im_info), counts)

    def suppress(self, F, scores, boxes, counts=None):
        """Detections among candidates of one frame, any number of them; see `candidates` and `TwoStageDetector`."""
        return detections.suppress(F, scores, boxes, counts, **self._suppression)

    def _decode(self, F, rois, logits, deltas, im_info):
        """Scores and boxes of RoIs, as `candidates` returns them."""
        num_classes = len(self.classes) + 1
        scores = F.reshape(F.softmax(logits, axis=1), shape=(-1, self._post_nms, num_classes))
        return scores, detections.class_boxes(F, rois, deltas, im_info, self._post_nms, num_classes,
                                              self.class_agnostic, self.box_means, self.box_stds)


def _whole_input(F, x):
    """im_info (N, 3) of a batch whose images fill it."""
    size = F.cast(F.slice_axis(F.shape_array(x), axis=0, begin=2, end=4), "float32")
    info = F.reshape(F.concat(size, F.ones(1), dim=0), shape=(1, 3))
    return F.broadcast_like(info, F.reshape(x, shape=(0, -1)), lhs_axes=(0,), rhs_axes=(0,))
