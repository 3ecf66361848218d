"""Online hard example mining (Shrivastava et al., arXiv 1604.03540).

It equals `operator_py/box_annotator_ohem.py` of the MXNet original.
"""
from functools import partial
from typing import Callable, List, Tuple

import mxnet as mx
import numpy as np

from .base import NumpyOperatorProp, Shape, parse_integer


def mine_hard_examples(cls_score: np.ndarray, bbox_pred: np.ndarray, labels: np.ndarray, bbox_targets: np.ndarray,
                       bbox_weights: np.ndarray, roi_per_img: int, images: int = 1) -> Tuple[np.ndarray, np.ndarray]:
    """Keeps the RoIs with the largest losses of every image, so that only they are learnt from.

    The loss of a RoI is the log loss of its class plus the smooth L1 loss (with scalar 1) of its box.

    Args:
        cls_score: float32 (K, classes), logits.
        bbox_pred, bbox_targets, bbox_weights: float32 (K, 4 * regression classes).
        labels: float32 (K,), the classes; -1 for RoIs that are ignored already.
        roi_per_img: how many RoIs of each image to keep.
        images: of the batch; each has K / images rows, and images stand one after the other.

    Returns:
        labels (K,) and bbox_weights (K, 4 * regression classes), new arrays: RoIs that are not kept have label -1 and
        weights 0.
    """
    if not len(labels):
        return labels.copy(), bbox_weights.copy()
    # These are operators of MXNet, as in the MXNet original: losses that are nearly equal differ in the last bit, and
    # that decides which of them is larger.
    prob = mx.nd.SoftmaxActivation(mx.nd.array(cls_score)).asnumpy()
    # In float32 the term only keeps the logarithm of 0 finite. The MXNet original has it too.
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
class BoxAnnotatorOHEMProp(NumpyOperatorProp):
    """The operator `BoxAnnotatorOHEM`; `mine_hard_examples` describes its inputs, outputs and attributes.

    The attributes `num_classes` and `num_reg_classes` of the MXNet original are accepted; the shapes say the same.
    """

    arguments = ("cls_score", "bbox_pred", "labels", "bbox_targets", "bbox_weights")
    outputs = ("labels_ohem", "bbox_weights_ohem")

    def parse(self, num_classes: str, num_reg_classes: str, roi_per_img: str,
              batch_images: str = "1") -> Callable[..., Tuple[np.ndarray, np.ndarray]]:
        """See `NumpyOperatorProp.parse`."""
        return partial(mine_hard_examples, roi_per_img=parse_integer(roi_per_img, "roi_per_img", least=1),
                       images=parse_integer(batch_images, "batch_images", least=1))

    def shapes(self, cls_score: Shape, bbox_pred: Shape, labels: Shape, bbox_targets: Shape,
               bbox_weights: Shape) -> List[Shape]:
        """See `NumpyOperatorProp.shapes`."""
        return [labels, bbox_weights]
