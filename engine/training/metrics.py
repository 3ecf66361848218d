"""The six metrics of the MXNet original: accuracy, log loss and smooth L1 loss of the proposal network and the head.

They are computed from the outputs of a training graph. Anchors and RoIs with the label -1 are left out.
"""
from typing import Dict, Iterable, Sequence, Tuple

import mxnet as mx
import numpy as np

RPN_METRICS = ("RPNAcc", "RPNLogLoss", "RPNL1Loss")
RCNN_METRICS = ("RCNNAcc", "RCNNLogLoss", "RCNNL1Loss")
_TINY = 1e-14
_Sums = Dict[str, Tuple[float, int]]


def rpn_sums(label: mx.nd.NDArray, prob: mx.nd.NDArray, l1_loss: mx.nd.NDArray) -> _Sums:
    """Returns (sum, count) of each of the proposal network's metrics on one device.

    Args:
        label: (N, A * h * w), 1 for positive and 0 for negative anchors.
        prob: (N, 2, A * h, w), output `rpn_cls_prob`.
        l1_loss: (N, 4 * A, h, w), output `rpn_bbox_loss`; its mean is taken over the labels that are not -1.
    """
    label, prob = label.asnumpy().ravel(), prob.asnumpy()
    prob = prob.reshape(prob.shape[0], prob.shape[1], -1).transpose(0, 2, 1).reshape(len(label), -1)
    return dict(zip(RPN_METRICS, _sums(label, prob, l1_loss)))


def rcnn_sums(label: mx.nd.NDArray, prob: mx.nd.NDArray, l1_loss: mx.nd.NDArray) -> _Sums:
    """Returns (sum, count) of each of the head's metrics on one device.

    Args:
        label: (K,) or (N, K / N), the class of each RoI, 0 for background.
        prob: (N, K / N, classes), output `cls_prob_reshape`.
        l1_loss: (N, K / N, 4 * regression classes), output `bbox_loss_reshape`.
    """
    label = label.asnumpy().ravel()
    return dict(zip(RCNN_METRICS, _sums(label, prob.asnumpy().reshape(len(label), -1), l1_loss)))


def mean_metrics(of_devices: Iterable[_Sums]) -> Dict[str, float]:
    """Returns the metrics over all devices: sums divided by counts, and 0 where the count is 0."""
    totals: Dict[str, Tuple[float, int]] = {}
    for sums in of_devices:
        for name, (value, count) in sums.items():
            earlier = totals.get(name, (0.0, 0))
            totals[name] = earlier[0] + value, earlier[1] + count
    return {name: value / max(count, 1) for name, (value, count) in totals.items()}


def _sums(label: np.ndarray, prob: np.ndarray, l1_loss: mx.nd.NDArray) -> Sequence[Tuple[float, int]]:
    counts = label != -1
    classes, prob = label[counts].astype(int), prob[counts]
    number = int(counts.sum())
    right = float((prob.argmax(axis=1) == classes).sum())
    log_loss = float(-np.log(prob[np.arange(number), classes] + _TINY).sum())
    return (right, number), (log_loss, number), (float(l1_loss.asnumpy().sum()), number)
