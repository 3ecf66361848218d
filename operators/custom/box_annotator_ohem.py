"""Online hard example mining (Shrivastava et al.; the original's `operator_py/box_annotator_ohem.py`)."""
from functools import partial

import mxnet as mx
import numpy as np

from .base import Prop


def mine(cls_score, bbox_pred, labels, bbox_targets, bbox_weights, roi_per_img, images=1):
    """Keeps the RoIs of largest loss of every image; the loss is log loss and smooth L1 (scalar 1) together.

    Args:
        cls_score: float32 (K, classes), logits.
        bbox_pred, bbox_targets, bbox_weights: float32 (K, 4 * regression classes).
        labels: float32 (K,), classes; -1 for RoIs that are ignored already.
        roi_per_img: RoIs to keep of each image.
        images: to which the rows belong in equal parts.

    Returns:
        labels (K,) and bbox_weights (K, 4 * regression classes), new arrays: -1 and 0 for RoIs not kept.
    """
    # By MXNet's operators, as in the original: the order of nearly equal losses hangs on the last bit.
    prob = mx.nd.SoftmaxActivation(mx.nd.array(cls_score)).asnumpy()
    # In float32 the term only keeps the logarithm finite; the original has it.
    loss = -np.log(prob[np.arange(len(labels)), labels.astype(int)] + np.float32(1e-14))
    box_loss = mx.nd.array(bbox_weights) * mx.nd.smooth_l1(mx.nd.array(bbox_pred - bbox_targets), scalar=1)
    loss += box_loss.sum(axis=1).asnumpy()
    loss[labels < 0] = -np.inf
    labels, bbox_weights = labels.copy(), bbox_weights.copy()
    for rows in np.split(np.arange(len(labels)), images):
        dropped = rows[np.argsort(loss[rows])[::-1][roi_per_img:]]
        labels[dropped] = -1
        bbox_weights[dropped] = 0
    return labels, bbox_weights


@mx.operator.register("BoxAnnotatorOHEM")
class BoxAnnotatorOHEMProp(Prop):
    """Operator `BoxAnnotatorOHEM`; inputs, outputs and attributes: see `mine`. The original's num_classes and
    num_reg_classes follow from the shapes."""

    arguments = ("cls_score", "bbox_pred", "labels", "bbox_targets", "bbox_weights")
    outputs = ("labels_ohem", "bbox_weights_ohem")

    def parse(self, num_classes, num_reg_classes, roi_per_img, batch_images="1"):
        return partial(mine, roi_per_img=int(roi_per_img), images=int(batch_images))

    def shapes(self, cls_score, bbox_pred, labels, bbox_targets, bbox_weights):
        return [labels, bbox_weights]
