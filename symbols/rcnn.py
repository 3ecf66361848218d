"""What stands around a head: targets of the RoIs, losses with or without hard example mining, outputs at test."""
from typing import Any, Sequence, Tuple

import mxnet as mx


def roi_targets(rois: mx.sym.Symbol, gt_boxes: mx.sym.Symbol, num_reg_classes: int, images: int, batch_size: int,
                fg_fraction: float, fg_iou: float, bg_iou_high: float, bg_iou_low: float, means: Sequence[float],
                stds: Sequence[float], weights: Sequence[float]) -> Tuple[mx.sym.Symbol, ...]:
    """Returns RoIs with the targets of the head, from the custom operator `proposal_target`.

    Args:
        rois: (N * R, 5), from `rpn.rpn_proposals`.
        gt_boxes: (N, M, 5), rows (x1, y1, x2, y2, class), boxes in pixels of the network input and classes from 1; rows
            of -1 are padding.
        num_reg_classes: see `light_head.light_head`.
        images: N.
        batch_size: RoIs to draw for every image, or -1 for all proposals and ground truths.
        fg_fraction, fg_iou, bg_iou_high, bg_iou_low, means, stds, weights: attributes of the operator, see
            `operators.custom.proposal_target`.

    Returns:
        RoIs (K, 5), labels (K,), box targets and their weights (K, 4 * num_reg_classes); K is N * batch_size, or
        N * (R + M).
    """
    gt_boxes = mx.sym.Reshape(gt_boxes, shape=(-1, 5), name="gt_boxes_reshape")
    return tuple(mx.sym.Custom(
        rois=rois, gt_boxes=gt_boxes, op_type="proposal_target", num_classes=num_reg_classes, batch_images=images,
        batch_rois=batch_size if batch_size == -1 else batch_size * images, fg_fraction=fg_fraction,
        fg_thresh=fg_iou, bg_thresh_hi=bg_iou_high, bg_thresh_lo=bg_iou_low, bbox_means=tuple(means),
        bbox_stds=tuple(stds), bbox_weights=tuple(weights)))


def head_losses(logits: mx.sym.Symbol, deltas: mx.sym.Symbol, label: mx.sym.Symbol, target: mx.sym.Symbol,
                weight: mx.sym.Symbol, num_classes: int, num_reg_classes: int, images: int, ohem: int,
                roi_batch_size: int, box_sigma: float, box_loss_weight: float,
                **softmax: Any) -> Tuple[mx.sym.Symbol, mx.sym.Symbol, mx.sym.Symbol]:
    """Returns the outputs of the head in training. The gradients of the first two are those of the head's losses.

    Args:
        logits, deltas: from the head, K rows.
        label, target, weight: from `roi_targets`, K rows.
        num_classes, num_reg_classes: see `light_head.light_head`.
        images: N; the K rows belong to the images in equal parts.
        ohem: RoIs of largest loss an image that are kept (Shrivastava et al., arXiv 1604.03540, node
            `BoxAnnotatorOHEM`); with 0 nothing is mined.
        roi_batch_size: RoIs that were drawn for every image. The box loss is divided by `ohem`, or else by this number.
        box_sigma: `scalar` of the smooth L1 loss.
        box_loss_weight: factor of the box loss.
        softmax: further attributes of `cls_prob`.

    Returns:
        prob: (N, K / N, num_classes), `cls_prob_reshape`.
        loss: (N, K / N, 4 * num_reg_classes), `bbox_loss_reshape`.
        label: (K,), -1 for RoIs that do not count.
    """
    if ohem:
        several = {} if images == 1 else {"batch_images": images}
        label, weight = mx.sym.Custom(
            cls_score=logits, bbox_pred=deltas, labels=label, bbox_targets=target, bbox_weights=weight,
            op_type="BoxAnnotatorOHEM", num_classes=num_classes, num_reg_classes=num_reg_classes, roi_per_img=ohem,
            **several)
        softmax.update(use_ignore=True, ignore_label=-1)
    prob = mx.sym.SoftmaxOutput(logits, label, normalization="valid", name="cls_prob", **softmax)
    loss = weight * mx.sym.smooth_l1(deltas - target, scalar=box_sigma, name="bbox_loss_")
    loss = mx.sym.MakeLoss(loss, grad_scale=box_loss_weight / ((ohem or roi_batch_size) * images), name="bbox_loss")
    return (mx.sym.Reshape(prob, shape=(images, -1, num_classes), name="cls_prob_reshape"),
            mx.sym.Reshape(loss, shape=(images, -1, 4 * num_reg_classes), name="bbox_loss_reshape"), label)


def head_outputs(logits: mx.sym.Symbol, deltas: mx.sym.Symbol, num_classes: int, num_reg_classes: int,
                 images: int) -> Tuple[mx.sym.Symbol, mx.sym.Symbol]:
    """Returns the outputs of the head at test.

    Args:
        logits, deltas: from the head, N * R rows.
        num_classes, num_reg_classes: see `light_head.light_head`.
        images: N.

    Returns:
        `cls_prob_reshape` (N, R, num_classes), and `bbox_pred_reshape` (N, R, 4 * num_reg_classes) in units of the
        targets' standard deviations.
    """
    prob = mx.sym.SoftmaxActivation(logits, name="cls_prob")
    return (mx.sym.Reshape(prob, shape=(images, -1, num_classes), name="cls_prob_reshape"),
            mx.sym.Reshape(deltas, shape=(images, -1, 4 * num_reg_classes), name="bbox_pred_reshape"))
