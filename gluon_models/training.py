"""The training graph: the detector's parts, targets, hard example mining and losses, in one hybrid block."""
from mxnet.gluon import HybridBlock

from .proposal_targets import assign

LOSSES = ("rpn_cls", "rpn_box", "rcnn_cls", "rcnn_box")
METRICS = LOSSES + ("rpn_acc", "rcnn_acc")
# `scalar` of the smooth L1 by which RoIs are mined: the port's `BoxAnnotatorOHEM`, whatever the loss has.
MINING_SIGMA = 1.0


class TrainingGraph(HybridBlock):
    """Losses of a detector on a batch. Shares the detector's parameters and has none of its own.

    Args:
        net: the detector.
        pre_nms, post_nms, rpn_nms, rpn_min_size: proposals in training, see `RPN.propose`.
        rpn_batch: sampled anchors an image that the RPN's box loss is divided by.
        ohem: RoIs of largest loss an image that are kept (Shrivastava et al.; the port's `BoxAnnotatorOHEM`), or 0.
        roi_batch, fg_fraction, fg_iou, bg_iou_high, bg_iou_low: see `proposal_targets.assign`.
        box_loss_weight: of the head's box loss (2 in the paper's B2, 1 in the port).
        rpn_sigma: `scalar` of `smooth_l1` in the RPN.

    Input: x (N, 3, H, W), im_info (N, 3), gt_boxes (N, M, 5), then the outputs of `AnchorTargets`: label (N, A*h*w),
    target and weight (N, 4*A, h, w), or, for a pyramid, (N, A*cells) and (N, 4*A, cells). Output: the scalars of
    `METRICS`, each of shape (1,); the sum of the first four is the loss.
    """

    def __init__(self, net, pre_nms=6000, post_nms=300, rpn_nms=0.7, rpn_min_size=0, rpn_batch=256, ohem=128,
                 roi_batch=-1, fg_fraction=0.25, fg_iou=0.5, bg_iou_high=0.5, bg_iou_low=0.0, box_loss_weight=1.0,
                 rpn_sigma=3.0):
        super().__init__(prefix="")
        if not ohem and not 0 < roi_batch <= post_nms:
            raise ValueError("roi_batch is %d: without ohem it must be from 1 to post_nms, %d" % (roi_batch, post_nms))
        self._proposals = dict(pre_nms=pre_nms, post_nms=post_nms, nms_threshold=rpn_nms, min_size=rpn_min_size)
        self._targets = dict(rois_per_image=post_nms, means=net.box_means, stds=net.box_stds, fg_iou=fg_iou,
                             bg_iou_high=bg_iou_high, bg_iou_low=bg_iou_low, batch=roi_batch, fg_fraction=fg_fraction)
        self._rpn_batch, self._ohem, self._roi_batch = rpn_batch, ohem, roi_batch
        self._box_loss_weight, self._rpn_sigma, self._box_sigma = box_loss_weight, rpn_sigma, net.box_sigma
        self._class_agnostic = net.class_agnostic
        with self.name_scope():
            self.net = net

    def hybrid_forward(self, F, x, im_info, gt_boxes, rpn_label, rpn_target, rpn_weight):
        rpn_map, head_map = self.net.features(x)
        rpn_outputs = self.net.rpn(rpn_map)
        rois, _ = self.net.rpn.propose(F, *rpn_outputs, im_info, **self._proposals)
        rois, labels, targets = assign(F, rois, gt_boxes, **self._targets)
        logits, deltas = self.net.classify(F, head_map, F.reshape(rois, shape=(-3, 0)))
        rpn_logits, rpn_deltas = self.net.rpn.as_targets(F, *rpn_outputs)
        rpn_cls, rpn_acc = self._rpn_class_loss(F, rpn_logits, rpn_label)
        rpn_box = F.smooth_l1((rpn_deltas - rpn_target) * rpn_weight, scalar=self._rpn_sigma)
        rpn_box = F.mean(F.sum(rpn_box, axis=0, exclude=True)) / self._rpn_batch
        return (rpn_cls, rpn_box) + self._head_losses(F, logits, deltas, labels, targets, rpn_acc)

    def _rpn_class_loss(self, F, logits, label):
        loss, correct = _cross_entropy(F, F.reshape(logits, shape=(0, 2, -1)), label)
        valid = F.maximum(F.sum(label >= 0), 1)
        return F.sum(loss) / valid, F.BlockGrad(F.sum(correct) / valid)

    def _head_losses(self, F, logits, deltas, labels, targets, rpn_acc):
        flat = F.reshape(labels, shape=(-1,))
        cls_loss, correct = _cross_entropy(F, logits, flat)
        off = self._box_errors(F, deltas, flat, F.reshape(targets, shape=(-3, 0)))
        box_loss, mined_loss = (F.reshape_like(F.sum(F.smooth_l1(off, scalar=sigma), axis=1), labels)
                                for sigma in (self._box_sigma, MINING_SIGMA))
        cls_loss = F.reshape_like(cls_loss, labels)
        kept = labels >= 0
        if self._ohem:
            # Ignored RoIs come last: no loss is negative. A place in the order, unlike topk, may be asked of too few.
            hardness = F.BlockGrad((cls_loss + mined_loss) * kept - (1 - kept))
            place = F.argsort(F.argsort(hardness, axis=1, is_ascend=False), axis=1)
            kept = kept * (place < self._ohem)
            box_norm = self._ohem
        else:
            box_norm = self._roi_batch
        count = F.maximum(F.sum(kept), 1)
        box_loss = F.mean(F.sum(box_loss * kept, axis=1)) / box_norm
        accuracy = F.BlockGrad(F.sum(F.reshape_like(correct, labels) * kept) / count)
        return F.sum(cls_loss * kept) / count, self._box_loss_weight * box_loss, rpn_acc, accuracy

    def _box_errors(self, F, deltas, labels, targets):
        """How far each RoI's deltas of its own regression class are from their targets, 0 for background; (R, 4)."""
        deltas = F.reshape(deltas, shape=(0, -1, 4))
        if self._class_agnostic:
            deltas = F.reshape(F.slice_axis(deltas, axis=1, begin=1, end=2), shape=(0, -1))
        else:
            index = F.broadcast_like(F.expand_dims(F.maximum(labels, 0), axis=1), targets)
            deltas = F.pick(deltas, index, axis=1)
        return F.broadcast_mul(deltas - targets, F.expand_dims(labels > 0, axis=1))


def _cross_entropy(F, logits, label):
    """Log loss over axis 1 and whether the largest logit is right, both 0 where the label is negative."""
    valid = label >= 0
    target = F.maximum(label, 0)
    loss = -F.pick(F.log_softmax(logits, axis=1), target, axis=1) * valid
    return loss, (F.argmax(logits, axis=1) == target) * valid
