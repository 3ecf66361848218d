"""The six metrics of the MXNet port: accuracy, log loss and smooth L1 loss, of the proposal network and of the head.

`labels` and `preds` of `update` come in the port's order. Labels: `label` (N, A * h * w), `bbox_target`, `bbox_weight`.
Outputs end to end: `rpn_cls_prob` (N, 2, A * h, w), `rpn_bbox_loss`, `cls_prob_reshape` (N, K, classes),
`bbox_loss_reshape`, the RoIs' labels (N, K). A label of -1 does not count.
"""
import mxnet as mx
import numpy as np

_TINY = 1e-14


class _Metric(mx.metric.EvalMetric):
    """Sum over what counts, divided by how much counts. A subclass has `NAME` and `_measure`, which gives both."""

    NAME = None

    def __init__(self):
        super().__init__(self.NAME)

    def update(self, labels, preds):
        """Adds a batch: lists of NDArrays, see the module's docstring."""
        value, count = self._measure(labels, preds)
        self.sum_metric += float(value)
        self.num_inst += int(count)

    def mean(self):
        """The metric, 0 where nothing counted yet (`get` answers NaN)."""
        return self.sum_metric / max(self.num_inst, 1)


class _RPNMetric(_Metric):
    @staticmethod
    def _rows(labels, preds):
        """Labels (n,) of the anchors that count, and their probabilities (n, 2)."""
        label = labels[0].asnumpy().ravel()
        prob = preds[0].asnumpy()
        prob = prob.reshape(prob.shape[0], prob.shape[1], -1).transpose(0, 2, 1).reshape(len(label), -1)
        kept = label != -1
        return label[kept].astype(int), prob[kept]


class _RCNNMetric(_Metric):
    """
    Args:
        end2end: the outputs are those of the whole detector, else of the graph on given RoIs.
        ohem: that graph answers with the labels that hard example mining kept.
    """

    def __init__(self, end2end=True, ohem=True):
        super().__init__()
        self._first = 2 if end2end else 0
        self._label_is_output = end2end or ohem

    def _label(self, labels, preds):
        return (preds[self._first + 2] if self._label_is_output else labels[0]).asnumpy().ravel()

    def _rows(self, labels, preds):
        """Labels (n,) of the RoIs that count, and their probabilities (n, classes)."""
        label = self._label(labels, preds)
        kept = label != -1
        return label[kept].astype(int), preds[self._first].asnumpy().reshape(len(label), -1)[kept]


class _Accuracy:
    def _measure(self, labels, preds):
        label, prob = self._rows(labels, preds)
        return (prob.argmax(axis=1) == label).sum(), len(label)


class _LogLoss:
    def _measure(self, labels, preds):
        label, prob = self._rows(labels, preds)
        return -np.log(prob[np.arange(len(label)), label] + _TINY).sum(), len(label)


class RPNAccMetric(_Accuracy, _RPNMetric):
    """Share of the sampled anchors that are classified rightly."""

    NAME = "RPNAcc"


class RPNLogLossMetric(_LogLoss, _RPNMetric):
    """Mean log loss of the sampled anchors."""

    NAME = "RPNLogLoss"


class RPNL1LossMetric(_RPNMetric):
    """Smooth L1 loss of all positive anchors, divided by the number of sampled ones."""

    NAME = "RPNL1Loss"

    def _measure(self, labels, preds):
        return preds[1].asnumpy().sum(), (labels[0].asnumpy() != -1).sum()


class RCNNAccMetric(_Accuracy, _RCNNMetric):
    """Share of the RoIs that are classified rightly."""

    NAME = "RCNNAcc"


class RCNNLogLossMetric(_LogLoss, _RCNNMetric):
    """Mean log loss of the RoIs."""

    NAME = "RCNNLogLoss"


class RCNNL1LossMetric(_RCNNMetric):
    """Smooth L1 loss of the foreground RoIs, divided by the number of all that count."""

    NAME = "RCNNL1Loss"

    def _measure(self, labels, preds):
        return preds[self._first + 1].asnumpy().sum(), (self._label(labels, preds) != -1).sum()


RPN_METRICS = (RPNAccMetric, RPNLogLossMetric, RPNL1LossMetric)
RCNN_METRICS = (RCNNAccMetric, RCNNLogLossMetric, RCNNL1LossMetric)
