"""The losses of Fast R-CNN: classes and boxes of RoIs that were drawn and labelled outside, in one hybrid block."""
from types import ModuleType
from typing import Tuple

from mxnet.gluon import HybridBlock

from ..operators.arrays import Array
from .detector_losses import log_loss
from .fast_rcnn import FastRCNN


class FastRCNNLosses(HybridBlock):
    """The multi-task loss of Fast R-CNN (arXiv 1504.08083, section 2.3) on a batch; see also `DetectorLosses`.

    The block shares the detector's parameters and has none of its own.

    Input:
        x: float32 (N, 3, H, W), images in RGB less the pixel means.
        rois: float32 (N, K, 5), rows (image in the batch, x1, y1, x2, y2), boxes in pixels of the network input.
        label: float32 (N, K), class from 1, 0 for background, -1 for rows that are padding.
        target: float32 (N, K, 4 * regression classes), box deltas less the detector's `box_means` and divided by its
            `box_stds`, in the columns of the RoI's class.
        weight: like `target`: 1 in the columns of the RoI's class, 0 in all others, and in all of background and
            padding. This is the factor [u >= 1] of the paper.

    Output: the scalars that `metric_names` names, each float32 (1,):
        rcnn_cls: log loss, the mean over the RoIs that are no padding.
        rcnn_box: smooth L1 loss of the boxes, the sum over the RoIs divided by the number of those that are no padding,
            times `box_loss_weight`.
        rcnn_acc: share of these RoIs whose class is right; no gradient.
    The sum of those that `loss_names` names is the loss.

    Args:
        net: the detector.
        box_loss_weight: lambda of the paper, which sets it to 1.
    """

    loss_names = ("rcnn_cls", "rcnn_box")
    metric_names = loss_names + ("rcnn_acc",)

    def __init__(self, net: FastRCNN, box_loss_weight: float = 1.0):
        super().__init__(prefix="")
        self._box_loss_weight, self._box_sigma = box_loss_weight, net.box_sigma
        with self.name_scope():
            self.net = net

    def hybrid_forward(self, F: ModuleType, x: Array, rois: Array, label: Array, target: Array,
                       weight: Array) -> Tuple[Array, ...]:
        _, head_map = self.net.features(x)
        logits, deltas = self.net.classify(F, head_map, F.reshape(rois, shape=(-3, 0)))
        label, target, weight = (F.reshape(label, shape=(-1,)), F.reshape(target, shape=(-3, 0)),
                                 F.reshape(weight, shape=(-3, 0)))
        count = F.maximum(F.sum(label >= 0), 1)
        losses, is_correct = log_loss(F, logits, label)
        errors = F.smooth_l1((deltas - target) * weight, scalar=self._box_sigma)
        return (F.sum(losses) / count, self._box_loss_weight * F.sum(errors) / count,
                F.BlockGrad(F.sum(is_correct) / count))
