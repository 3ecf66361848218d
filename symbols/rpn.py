"""Region proposal network: its layers, its losses, and proposals (nodes `rpn_conv_3x3` to `rois`)."""
import mxnet as mx

from .. import operators
from .layers import relu

SIGMA = 3.0


def rpn(data, channels, num_anchors):
    """Scores and boxes at every anchor of a map.

    Returns:
        logits (N, 2, A * h, w), background then foreground, `rpn_cls_score_reshape`;
        box deltas (N, 4 * A, h, w), 4 an anchor, `rpn_bbox_pred`.
    """
    out = mx.sym.Convolution(data, kernel=(3, 3), pad=(1, 1), num_filter=channels, name="rpn_conv_3x3")
    out = relu(out, "rpn_relu")
    score = mx.sym.Convolution(out, kernel=(1, 1), pad=(0, 0), num_filter=2 * num_anchors, name="rpn_cls_score")
    box = mx.sym.Convolution(out, kernel=(1, 1), pad=(0, 0), num_filter=4 * num_anchors, name="rpn_bbox_pred")
    return mx.sym.Reshape(score, shape=(0, 2, -1, 0), name="rpn_cls_score_reshape"), box


def losses(logits, deltas, label, target, weight, batch_size, images, **softmax):
    """Outputs `rpn_cls_prob` and `rpn_bbox_loss`; their gradients are those of the two losses.

    Args:
        logits, deltas: of `rpn`.
        label: (N, A * h * w): 1 positive, 0 negative, -1 ignored. The log loss is divided by those not ignored.
        target, weight: (N, 4 * A, h, w).
        batch_size: sampled anchors an image; the box loss is divided by them and by `images`.
        softmax: more attributes of `rpn_cls_prob`.
    """
    prob = mx.sym.SoftmaxOutput(logits, label, multi_output=True, normalization="valid", use_ignore=True,
                                ignore_label=-1, name="rpn_cls_prob", **softmax)
    loss = weight * mx.sym.smooth_l1(deltas - target, scalar=SIGMA, name="rpn_bbox_loss_")
    return prob, mx.sym.MakeLoss(loss, grad_scale=1.0 / (batch_size * images), name="rpn_bbox_loss")


def proposals(logits, deltas, im_info, is_train, operator, images, feature_stride, scales, ratios, pre_nms, post_nms,
              threshold, min_size, output_score=False):
    """RoIs of every image: `rois`, (N * post_nms, 5), rows (image, x1, y1, x2, y2) in pixels of the network input.

    Args:
        logits, deltas: of `rpn`.
        im_info: (N, 3), rows (height, width, scale).
        is_train: beside losses, whose nodes have the names that the scores' have at test.
        operator: "contrib", MXNet's; "custom", the readable one in NumPy; "native", this project's.
        images: N. MXNet's operator for one image is another than that for several.
        pre_nms, post_nms, threshold, min_size: boxes before and after suppression, its overlap, smallest side in
            pixels of the original image.
        output_score: return (`rois`, scores (N * post_nms, 1)) instead.
    """
    num_anchors = len(scales) * len(ratios)
    prefix = "rpn_cls_act" if is_train else "rpn_cls_prob"
    prob = mx.sym.SoftmaxActivation(logits, mode="channel", name=prefix)
    prob = mx.sym.Reshape(prob, shape=(0, 2 * num_anchors, -1, 0), name=prefix + "_reshape")
    if operator == "native":
        found = operators.rpn_proposal(
            mx.sym, prob, deltas, im_info, ratios, scales, feature_stride=feature_stride, pre_nms=pre_nms,
            post_nms=post_nms, nms_threshold=threshold, min_size=min_size, feature_size="im_info", pad="repeat",
            output_score=output_score, name="rois" if is_train else "rois_found")
        # Where an image has no proposals their image is -1, which MXNet's pooling would read out of bounds.
        rois = found[0] if is_train else relu(found[0], "rois")
        return (rois, found[2]) if output_score else rois
    options = dict(cls_prob=prob, bbox_pred=deltas, im_info=im_info, scales=tuple(scales), ratios=tuple(ratios),
                   rpn_pre_nms_top_n=pre_nms, rpn_post_nms_top_n=post_nms, threshold=threshold,
                   rpn_min_size=min_size, name="rois")
    if output_score:
        options["output_score"] = True
    if operator == "custom":
        found = mx.sym.Custom(op_type="proposal", feat_stride=feature_stride, **options)
    elif operator == "contrib":
        contrib = mx.sym.contrib.Proposal if images == 1 else mx.sym.contrib.MultiProposal
        found = contrib(feature_stride=feature_stride, **options)
    else:
        raise ValueError("operator is %r; known: contrib, custom, native" % (operator,))
    return tuple(found) if output_score else found
