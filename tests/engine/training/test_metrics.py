"""The port's six metrics, recomputed row by row."""
import math

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.training import metrics

RNG = np.random.RandomState(3)
IMAGES, ANCHORS, CLASSES, ROIS = 2, 6, 4, 5


def probabilities(*shape):
    scores = np.exp(RNG.randn(*shape))
    return scores / scores.sum(axis=1, keepdims=True)


RPN_LABEL = np.array([[1, 0, -1, 0, 1, -1], [-1, -1, 0, 0, 1, 0]], np.float32)
RPN_PROB = probabilities(IMAGES, 2, ANCHORS)
RPN_LOSS = RNG.rand(IMAGES, 4, ANCHORS)
RCNN_LABEL = np.array([[3, -1, 0, 1, 0], [0, 2, -1, -1, 1]], np.float32)
RCNN_PROB = probabilities(IMAGES * ROIS, CLASSES).reshape(IMAGES, ROIS, CLASSES)
RCNN_LOSS = RNG.rand(IMAGES, ROIS, 8)


def by_hand(label, prob_of, loss):
    """(accuracy, log loss, L1 loss); prob_of gives the probabilities of one row of the labels."""
    right, log_loss, count = 0, 0.0, 0
    for place in np.ndindex(*label.shape):
        if label[place] != -1:
            prob = prob_of(place)
            right += list(prob).index(max(prob)) == label[place]
            log_loss -= math.log(prob[int(label[place])])
            count += 1
    return right / count, log_loss / count, loss.sum() / count


RPN = by_hand(RPN_LABEL, lambda place: RPN_PROB[place[0], :, place[1]], RPN_LOSS)
RCNN = by_hand(RCNN_LABEL, lambda place: RCNN_PROB[place], RCNN_LOSS)


def measure(metric, labels, preds, times=1):
    for _ in range(times):
        metric.update([mx.nd.array(a) for a in labels], [mx.nd.array(a) for a in preds])
    assert metric.get()[1] == metric.mean()
    return metric.mean()


WHOLE = ([RPN_LABEL], [RPN_PROB.reshape(IMAGES, 2, 2, 3), RPN_LOSS, RCNN_PROB, RCNN_LOSS, RCNN_LABEL])


@pytest.mark.parametrize("number, name", list(enumerate(["RPNAcc", "RPNLogLoss", "RPNL1Loss"])))
def test_rpn(number, name):
    metric = metrics.RPN_METRICS[number]()
    assert metric.name == name
    assert measure(metric, *WHOLE) == pytest.approx(RPN[number], rel=1e-5)
    assert measure(metric, *WHOLE, times=2) == pytest.approx(RPN[number], rel=1e-5)


@pytest.mark.parametrize("number, name", list(enumerate(["RCNNAcc", "RCNNLogLoss", "RCNNL1Loss"])))
@pytest.mark.parametrize("end2end, ohem, labels, preds", [
    (True, True) + WHOLE, (True, False) + WHOLE,
    (False, True, [np.zeros(1)], [RCNN_PROB, RCNN_LOSS, RCNN_LABEL.ravel()]),
    (False, False, [RCNN_LABEL], [RCNN_PROB, RCNN_LOSS])])
def test_rcnn(number, name, end2end, ohem, labels, preds):
    metric = metrics.RCNN_METRICS[number](end2end, ohem)
    assert metric.name == name
    assert measure(metric, labels, preds) == pytest.approx(RCNN[number], rel=1e-5)


def test_nothing_that_counts_is_zero():
    metric = metrics.RPNLogLossMetric()
    metric.update([mx.nd.array(RPN_LABEL * 0 - 1)], [mx.nd.array(a) for a in WHOLE[1]])
    assert metric.mean() == 0 and math.isnan(metric.get()[1])
