"""The six metrics of the MXNet original, recomputed row by row."""
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


RPN_LABEL = np.array([[1, 0, -1, 0, 1, 0], [-1, -1, 0, -1, 1, 0]], np.float32)
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


def measure(sums, *arrays):
    return metrics.mean_metrics([sums(*map(mx.nd.array, arrays))])


RPN_ARRAYS = RPN_LABEL, RPN_PROB.reshape(IMAGES, 2, 2, 3), RPN_LOSS
RCNN_ARRAYS = RCNN_LABEL, RCNN_PROB, RCNN_LOSS


def test_rpn():
    found = measure(metrics.rpn_sums, *RPN_ARRAYS)
    assert tuple(found) == ("RPNAcc", "RPNLogLoss", "RPNL1Loss")
    assert tuple(found.values()) == pytest.approx(RPN, rel=1e-5)


@pytest.mark.parametrize("label", [RCNN_LABEL, RCNN_LABEL.ravel()])
def test_rcnn(label):
    found = measure(metrics.rcnn_sums, label, *RCNN_ARRAYS[1:])
    assert tuple(found) == ("RCNNAcc", "RCNNLogLoss", "RCNNL1Loss")
    assert tuple(found.values()) == pytest.approx(RCNN, rel=1e-5)


def test_devices_count_by_their_labels():
    """Two devices with one image each give the metrics of both images together."""
    parts = [[mx.nd.array(array[n:n + 1]) for array in RPN_ARRAYS] for n in range(IMAGES)]
    found = metrics.mean_metrics(metrics.rpn_sums(*part) for part in parts)
    assert tuple(found.values()) == pytest.approx(RPN, rel=1e-5)


def test_nothing_that_counts_is_zero():
    found = measure(metrics.rpn_sums, RPN_LABEL * 0 - 1, RPN_ARRAYS[1], RPN_LOSS * 0)
    assert found == {"RPNAcc": 0, "RPNLogLoss": 0, "RPNL1Loss": 0}
