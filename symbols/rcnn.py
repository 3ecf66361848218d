"""What stands around a head: targets of the RoIs, losses with or without hard example mining, outputs at test."""
import mxnet as mx


def targets(rois, gt_boxes, num_reg_classes, images, batch_rois, fg_fraction, fg_thresh, bg_thresh_hi, bg_thresh_lo,
            means, stds, weights):
    """RoIs with their labels, box targets and box weights, by the custom operator `proposal_target`.

    Args:
        rois: (N * R, 5), see `rpn.proposals`.
        gt_boxes: (N, M, 5), boxes and classes from 1, rows of -1 are padding.
        images: N.
        batch_rois: RoIs drawn an image, or -1 for all proposals and ground truths.
        fg_fraction to bg_thresh_lo, means, stds, weights: see `operators.custom.proposal_target`.

    Returns:
        (K, 5), (K,), (K, 4 * num_reg_classes) twice; K is N * batch_rois, or N * (R + M).
    """
    gt_boxes = mx.sym.Reshape(gt_boxes, shape=(-1, 5), name="gt_boxes_reshape")
    return tuple(mx.sym.Custom(
        rois=rois, gt_boxes=gt_boxes, op_type="proposal_target", num_classes=num_reg_classes, batch_images=images,
        batch_rois=batch_rois if batch_rois == -1 else batch_rois * images, fg_fraction=fg_fraction,
        fg_thresh=fg_thresh, bg_thresh_hi=bg_thresh_hi, bg_thresh_lo=bg_thresh_lo, bbox_means=tuple(means),
        bbox_stds=tuple(stds), bbox_weights=tuple(weights)))


def losses(logits, deltas, label, target, weight, num_classes, num_reg_classes, images, rois, ohem, box_sigma,
           box_loss_weight, **softmax):
    """Outputs of the head in training; the gradients of the first two are those of the head's losses.

    Args:
        logits, deltas: of the head, K rows; label, target, weight: of `targets`.
        images: N, to which the K rows belong in equal parts.
        rois: RoIs an image that the box loss is divided by: those drawn, or those that mining keeps.
        ohem: keep the `rois` of largest loss an image (Shrivastava et al., `BoxAnnotatorOHEM`).
        box_sigma: `scalar` of the smooth L1 loss.
        box_loss_weight: of the box loss beside the others.
        softmax: more attributes of `cls_prob`.

    Returns:
        `cls_prob` (K, num_classes), reshaped (N, K / N, num_classes); `bbox_loss` (N, K / N, 4 * num_reg_classes);
        the labels that count (K,), -1 for RoIs that do not.
    """
    if ohem:
        several = {} if images == 1 else {"batch_images": images}
        label, weight = mx.sym.Custom(
            cls_score=logits, bbox_pred=deltas, labels=label, bbox_targets=target, bbox_weights=weight,
            op_type="BoxAnnotatorOHEM", num_classes=num_classes, num_reg_classes=num_reg_classes, roi_per_img=rois,
            **several)
        softmax.update(use_ignore=True, ignore_label=-1)
    prob = mx.sym.SoftmaxOutput(logits, label, normalization="valid", name="cls_prob", **softmax)
    loss = weight * mx.sym.smooth_l1(deltas - target, scalar=box_sigma, name="bbox_loss_")
    loss = mx.sym.MakeLoss(loss, grad_scale=box_loss_weight / (rois * images), name="bbox_loss")
    return (mx.sym.Reshape(prob, shape=(images, -1, num_classes), name="cls_prob_reshape"),
            mx.sym.Reshape(loss, shape=(images, -1, 4 * num_reg_classes), name="bbox_loss_reshape"), label)


def outputs(logits, deltas, num_classes, num_reg_classes, images):
    """Outputs of the head at test: `cls_prob_reshape` (N, R, num_classes), `bbox_pred_reshape`
    (N, R, 4 * num_reg_classes) in units of the targets' standard deviations."""
    prob = mx.sym.SoftmaxActivation(logits, name="cls_prob")
    return (mx.sym.Reshape(prob, shape=(images, -1, num_classes), name="cls_prob_reshape"),
            mx.sym.Reshape(deltas, shape=(images, -1, 4 * num_reg_classes), name="bbox_pred_reshape"))
