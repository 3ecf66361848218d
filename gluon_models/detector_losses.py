"""The losses of a detector: targets of the RoIs, hard example mining and four losses, in one hybrid block."""
from types import ModuleType
from typing import Tuple

from mxnet.gluon import HybridBlock

from ..errors import ModelError
from ..operators.arrays import Array
from .detector import TwoStageDetector
from .roi_targets import assign_roi_targets

LOSSES = ("rpn_cls", "rpn_box", "rcnn_cls", "rcnn_box")
METRICS = LOSSES + ("rpn_acc", "rcnn_acc")
# `scalar` of the smooth L1 loss by which RoIs are mined in `BoxAnnotatorOHEM` of the MXNet original, whatever the
# loss of the boxes has.
MINING_SIGMA = 1.0


class DetectorLosses(HybridBlock):
    """The losses of a detector on a batch. The block shares the detector's parameters and has none of its own.

    Input:
        x: float32 (N, 3, H, W), images in RGB less the pixel means.
        im_info: float32 (N, 3), rows (height, width, scale) in pixels of the network input.
        gt_boxes: float32 (N, M, 5), rows (x1, y1, x2, y2, class), boxes in pixels of the network input and classes from
            1; rows of -1 are padding.
        rpn_label: float32 (N, A * h * w), labels of the anchors as `AnchorTargets` returns them: 1 positive, 0
            negative, -1 ignored. For a pyramid (N, A * cells).
        rpn_target: float32 (N, 4 * A, h, w), box deltas of the anchors. For a pyramid (N, 4 * A, cells).
        rpn_weight: like `rpn_target`: 1 where the deltas count, else 0.

    Output: the scalars that `METRICS` names, each float32 (1,):
        rpn_cls: log loss of the RPN, the mean over the anchors that are not ignored.
        rpn_box: smooth L1 loss of the RPN, the sum over an image divided by `rpn_batch_size`, the mean over images.
        rcnn_cls: log loss of the head, the mean over the RoIs that are kept.
        rcnn_box: smooth L1 loss of the head, the sum over the RoIs of an image that are kept, divided by `ohem` or else
            `roi_batch_size`, the mean over images; times `box_loss_weight`.
        rpn_acc, rcnn_acc: shares of these anchors and RoIs whose class is right; no gradient.
    The sum of the first four is the loss.

    Args:
        net: the detector.
        pre_nms, post_nms, rpn_nms, rpn_min_size: proposals in training, see `TwoStageDetector`.
        rpn_batch_size: anchors of an image that are sampled.
        ohem: RoIs of largest loss an image that are kept (Shrivastava et al., arXiv 1604.03540; `BoxAnnotatorOHEM` of
            the MXNet original); with 0 nothing is mined.
        roi_batch_size: RoIs to draw for every image, or -1 for all, see `batch_size` of `assign_roi_targets`.
        fg_fraction, fg_iou, bg_iou_high, bg_iou_low: see `assign_roi_targets`.
        box_loss_weight: factor of the head's box loss: 2 in the paper's B2, 1 in the MXNet original.
        rpn_sigma: `scalar` of the smooth L1 loss of the RPN.

    Raises:
        ModelError: neither mining nor drawing bounds the number of RoIs, or there are not so many to draw from.

    Attributes:
        loss_names, metric_names: see above; every block of losses has them, for a trainer.
    """

    loss_names, metric_names = LOSSES, METRICS

    def __init__(self, net: TwoStageDetector, pre_nms: int = 6000, post_nms: int = 300, rpn_nms: float = 0.7,
                 rpn_min_size: float = 0, rpn_batch_size: int = 256, ohem: int = 128, roi_batch_size: int = -1,
                 fg_fraction: float = 0.25, fg_iou: float = 0.5, bg_iou_high: float = 0.5, bg_iou_low: float = 0.0,
                 box_loss_weight: float = 1.0, rpn_sigma: float = 3.0):
        super().__init__(prefix="")
        if not 0 < roi_batch_size <= post_nms and not (ohem and roi_batch_size == -1):
            raise ModelError(f"roi_batch_size is {roi_batch_size}: it must be from 1 to post_nms, {post_nms}, or, with "
                             "ohem, -1")
        self._proposals = dict(pre_nms=pre_nms, post_nms=post_nms, nms_threshold=rpn_nms, min_size=rpn_min_size)
        self._targets = dict(rois_per_image=post_nms, means=net.box_means, stds=net.box_stds, fg_iou=fg_iou,
                             bg_iou_high=bg_iou_high, bg_iou_low=bg_iou_low, batch_size=roi_batch_size,
                             fg_fraction=fg_fraction)
        self._rpn_batch_size, self._ohem, self._roi_batch_size = rpn_batch_size, ohem, roi_batch_size
        self._box_loss_weight, self._rpn_sigma, self._box_sigma = box_loss_weight, rpn_sigma, net.box_sigma
        self._class_agnostic = net.class_agnostic
        with self.name_scope():
            self.net = net

    def hybrid_forward(self, F: ModuleType, x: Array, im_info: Array, gt_boxes: Array, rpn_label: Array,
                       rpn_target: Array, rpn_weight: Array) -> Tuple[Array, ...]:
        rpn_map, head_map = self.net.features(x)
        rpn_outputs = self.net.rpn(rpn_map)
        rois, _ = self.net.rpn.propose(F, *rpn_outputs, im_info, **self._proposals)
        rois, labels, targets = assign_roi_targets(F, rois, gt_boxes, **self._targets)
        logits, deltas = self.net.classify(F, head_map, F.reshape(rois, shape=(-3, 0)))
        rpn_logits, rpn_deltas = self.net.rpn.join_levels(F, *rpn_outputs)
        rpn_cls, rpn_acc = self._rpn_class_loss(F, rpn_logits, rpn_label)
        rpn_box = F.smooth_l1((rpn_deltas - rpn_target) * rpn_weight, scalar=self._rpn_sigma)
        rpn_box = F.mean(F.sum(rpn_box, axis=0, exclude=True)) / self._rpn_batch_size
        rcnn_cls, rcnn_box, rcnn_acc = self._head_losses(F, logits, deltas, labels, targets)
        return rpn_cls, rpn_box, rcnn_cls, rcnn_box, rpn_acc, rcnn_acc

    def _rpn_class_loss(self, F: ModuleType, logits: Array, label: Array) -> Tuple[Array, Array]:
        """Log loss and accuracy over the anchors that are not ignored."""
        loss, is_correct = log_loss(F, F.reshape(logits, shape=(0, 2, -1)), label)
        count = F.maximum(F.sum(label >= 0), 1)
        return F.sum(loss) / count, F.BlockGrad(F.sum(is_correct) / count)

    def _head_losses(self, F: ModuleType, logits: Array, deltas: Array, labels: Array,
                     targets: Array) -> Tuple[Array, Array, Array]:
        """Log loss, box loss and accuracy over the RoIs that are kept; logits and deltas have a row for each RoI."""
        flat_labels = F.reshape(labels, shape=(-1,))
        cls_loss, is_correct = (F.reshape_like(values, labels) for values in log_loss(F, logits, flat_labels))
        errors = self._box_errors(F, deltas, flat_labels, F.reshape(targets, shape=(-3, 0)))
        box_loss, mined_box_loss = (F.reshape_like(F.sum(F.smooth_l1(errors, scalar=sigma), axis=1), labels)
                                    for sigma in (self._box_sigma, MINING_SIGMA))
        kept = labels >= 0
        if self._ohem:
            # Ignored RoIs rank last, since no loss is negative. A rank, unlike `topk`, works where there are fewer
            # RoIs than are asked for.
            hardness = F.BlockGrad((cls_loss + mined_box_loss) * kept - (1 - kept))
            rank = F.argsort(F.argsort(hardness, axis=1, is_ascend=False), axis=1)
            kept = kept * (rank < self._ohem)
        count = F.maximum(F.sum(kept), 1)
        box_loss = F.mean(F.sum(box_loss * kept, axis=1)) / (self._ohem or self._roi_batch_size)
        accuracy = F.BlockGrad(F.sum(is_correct * kept) / count)
        return F.sum(cls_loss * kept) / count, self._box_loss_weight * box_loss, accuracy

    def _box_errors(self, F: ModuleType, deltas: Array, labels: Array, targets: Array) -> Array:
        """The deltas of each RoI's own regression class less their targets, 0 for background and ignored; (R, 4)."""
        deltas = F.reshape(deltas, shape=(0, -1, 4))
        if self._class_agnostic:
            deltas = F.reshape(F.slice_axis(deltas, axis=1, begin=1, end=2), shape=(0, -1))
        else:
            index = F.broadcast_like(F.expand_dims(F.maximum(labels, 0), axis=1), targets)
            deltas = F.pick(deltas, index, axis=1)
        return F.broadcast_mul(deltas - targets, F.expand_dims(labels > 0, axis=1))


def log_loss(F: ModuleType, logits: Array, label: Array) -> Tuple[Array, Array]:
    """Log loss over axis 1, and whether the largest logit is the label's; both are 0 where the label is negative."""
    is_valid = label >= 0
    target = F.maximum(label, 0)
    loss = -F.pick(F.log_softmax(logits, axis=1), target, axis=1) * is_valid
    return loss, (F.argmax(logits, axis=1) == target) * is_valid
