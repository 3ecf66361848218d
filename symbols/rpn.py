"""Region proposal network: its layers, its losses, and its proposals (nodes `rpn_conv_3x3` to `rois`)."""
from typing import Any, Sequence, Tuple, Union

import mxnet as mx

from .. import operators
from ..errors import ModelError
from .layers import relu

SIGMA = 3.0
PROPOSAL_OPERATORS = ("contrib", "custom", "native")


def rpn_layers(data: mx.sym.Symbol, channels: int, num_anchors: int) -> Tuple[mx.sym.Symbol, mx.sym.Symbol]:
    """Returns logits and box deltas at every anchor of a map.

    Args:
        data: (N, C, h, w), the backbone's map for the RPN.
        channels: channels of the 3x3 convolution.
        num_anchors: A, anchors at a cell.

    Returns:
        logits: (N, 2, A * h, w), background then foreground, `rpn_cls_score_reshape`.
        deltas: (N, 4 * A, h, w), four an anchor, `rpn_bbox_pred`.
    """
    out = mx.sym.Convolution(data, kernel=(3, 3), pad=(1, 1), num_filter=channels, name="rpn_conv_3x3")
    out = relu(out, "rpn_relu")
    score = mx.sym.Convolution(out, kernel=(1, 1), pad=(0, 0), num_filter=2 * num_anchors, name="rpn_cls_score")
    box = mx.sym.Convolution(out, kernel=(1, 1), pad=(0, 0), num_filter=4 * num_anchors, name="rpn_bbox_pred")
    return mx.sym.Reshape(score, shape=(0, 2, -1, 0), name="rpn_cls_score_reshape"), box


def rpn_losses(logits: mx.sym.Symbol, deltas: mx.sym.Symbol, label: mx.sym.Symbol, target: mx.sym.Symbol,
               weight: mx.sym.Symbol, batch_size: int, images: int,
               **softmax: Any) -> Tuple[mx.sym.Symbol, mx.sym.Symbol]:
    """Returns the outputs of the RPN in training, whose gradients are those of its two losses.

    Args:
        logits, deltas: from `rpn_layers`.
        label: (N, A * h * w), labels of the anchors: 1 positive, 0 negative, -1 ignored. The log loss is divided by the
            number of those that are not ignored.
        target: (N, 4 * A, h, w), box deltas of the anchors.
        weight: (N, 4 * A, h, w), 1 where the deltas count, else 0.
        batch_size: anchors that are sampled of an image; the box loss is divided by them and by `images`.
        images: N.
        softmax: further attributes of `rpn_cls_prob`.

    Returns:
        `rpn_cls_prob`, like the logits, and `rpn_bbox_loss`, like the deltas.
    """
    prob = mx.sym.SoftmaxOutput(logits, label, multi_output=True, normalization="valid", use_ignore=True,
                                ignore_label=-1, name="rpn_cls_prob", **softmax)
    loss = weight * mx.sym.smooth_l1(deltas - target, scalar=SIGMA, name="rpn_bbox_loss_")
    return prob, mx.sym.MakeLoss(loss, grad_scale=1.0 / (batch_size * images), name="rpn_bbox_loss")


def rpn_proposals(logits: mx.sym.Symbol, deltas: mx.sym.Symbol, im_info: mx.sym.Symbol, is_train: bool, operator: str,
                  images: int, stride: int, scales: Sequence[float], ratios: Sequence[float], pre_nms: int,
                  post_nms: int, nms_threshold: float, min_size: float,
                  output_score: bool = False) -> Union[mx.sym.Symbol, Tuple[mx.sym.Symbol, mx.sym.Symbol]]:
    """Returns the RoIs of every image.

    Args:
        logits, deltas: from `rpn_layers`.
        im_info: (N, 3), rows (height, width, scale) in pixels of the network input.
        is_train: whether the graph has losses, too. Their nodes have the names that those of the scores have at test.
        operator: what computes the proposals: "contrib", MXNet's operator; "custom", the readable one in NumPy;
            "native", this project's.
        images: N. MXNet's operator for one image is another than that for several.
        stride: pixels of the network input from one cell of the map to the next.
        scales: sides of the anchors in multiples of the stride.
        ratios: height over width of the anchors.
        pre_nms: boxes of highest score an image before suppression.
        post_nms: boxes an image after suppression.
        nms_threshold: IoU above which a box suppresses those of lower score.
        min_size: smallest side of a box in pixels of the original image.
        output_score: whether to return the scores, too.

    Returns:
        `rois`, (N * post_nms, 5), rows (image in the batch, x1, y1, x2, y2), boxes in pixels of the network input; with
        `output_score` a pair of that and the scores (N * post_nms, 1).

    Raises:
        ModelError: another operator.
    """
    if operator not in PROPOSAL_OPERATORS:
        raise ModelError(f"proposal_operator is {operator!r}; known: {', '.join(PROPOSAL_OPERATORS)}")
    num_anchors = len(scales) * len(ratios)
    prefix = "rpn_cls_act" if is_train else "rpn_cls_prob"
    prob = mx.sym.SoftmaxActivation(logits, mode="channel", name=prefix)
    prob = mx.sym.Reshape(prob, shape=(0, 2 * num_anchors, -1, 0), name=f"{prefix}_reshape")
    if operator == "native":
        found = operators.rpn_proposal(
            mx.sym, prob, deltas, im_info, ratios, scales, feature_stride=stride, pre_nms=pre_nms, post_nms=post_nms,
            nms_threshold=nms_threshold, min_size=min_size, feature_size="im_info", pad="repeat",
            output_score=output_score, name="rois" if is_train else "rois_found")
        # An image without proposals has RoIs of image -1, which MXNet's pooling would read out of bounds.
        rois = found[0] if is_train else relu(found[0], "rois")
        return (rois, found[2]) if output_score else rois
    options = dict(cls_prob=prob, bbox_pred=deltas, im_info=im_info, scales=tuple(scales), ratios=tuple(ratios),
                   rpn_pre_nms_top_n=pre_nms, rpn_post_nms_top_n=post_nms, threshold=nms_threshold,
                   rpn_min_size=min_size, name="rois")
    if output_score:
        options["output_score"] = True
    if operator == "custom":
        found = mx.sym.Custom(op_type="proposal", feat_stride=stride, **options)
    else:
        contrib = mx.sym.contrib.Proposal if images == 1 else mx.sym.contrib.MultiProposal
        found = contrib(feature_stride=stride, **options)
    return tuple(found) if output_score else found
