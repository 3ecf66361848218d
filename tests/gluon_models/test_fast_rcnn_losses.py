"""The multi-task loss of Fast R-CNN by hand in NumPy, in value and gradient."""
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from light_head_rcnn.gluon_models import FastRCNN, FastRCNNLosses
from light_head_rcnn.gluon_models.backbones import Xception

CLASSES = 3


def small_net(**options):
    net = FastRCNN(Xception(), ("a", "b", "c"), hidden=(16,), pool_levels=(2,), dropout=0.0, **options)
    net.initialize(mx.init.Normal(0.05))
    for layer in net.output_layers:
        layer.weight.set_data(mx.nd.random.normal(scale=0.03, shape=layer.weight.shape))
    return net


def batch(regression_classes):
    """Two images of five RoIs, of which the last of the first image and the last two of the second are padding."""
    rng = np.random.RandomState(0)
    corners = rng.uniform(0, 40, (2, 5, 2))
    rois = np.concatenate([np.array([[[0]] * 5, [[1]] * 5]), corners, corners + rng.uniform(5, 50, (2, 5, 2))], 2)
    label = np.array([[2, 1, 0, 0, -1], [3, 0, 0, -1, -1]], np.float32)
    target, weight = rng.normal(0, 1.5, (2, 5, 4 * regression_classes)), np.zeros((2, 5, 4 * regression_classes))
    for image, row in zip(*np.nonzero(label > 0)):
        column = int(label[image, row]) if regression_classes > 2 else 1
        weight[image, row, 4 * column:4 * column + 4] = 1
    rois[label < 0, 1:] = 0
    x = mx.nd.random.normal(shape=(2, 3, 64, 96)) * 50
    return [x] + [mx.nd.array(array) for array in (rois, label, target, weight)]


def by_hand(logits, deltas, label, target, weight, factor):
    """The three outputs of the losses, row by row, in float64."""
    cls, box, right, count = 0.0, 0.0, 0, 0
    for row in np.flatnonzero(label >= 0):
        count += 1
        shares = np.exp(logits[row] - logits[row].max())
        cls -= np.log(shares[int(label[row])] / shares.sum())
        right += int(logits[row].argmax() == label[row])
        if label[row] > 0:
            for one in np.flatnonzero(weight[row]):
                error = abs(deltas[row, one] - target[row, one])
                box += 0.5 * error ** 2 if error < 1 else error - 0.5
    return cls / count, factor * box / count, right / count


@pytest.mark.parametrize("agnostic", [False, True])
@pytest.mark.parametrize("factor", [1.0, 2.5])
def test_losses_by_hand(agnostic, factor):
    net = small_net(class_agnostic=agnostic)
    losses = FastRCNNLosses(net, factor)
    losses.hybridize()
    x, rois, label, target, weight = batch(2 if agnostic else CLASSES + 1)
    found = [float(output.asscalar()) for output in losses(x, rois, label, target, weight)]
    logits, deltas = net.classify(mx.nd, net.features(x)[1], rois.reshape((-3, 0)))
    rows = [array.reshape((-1,)).asnumpy() if array is label else array.reshape((-3, 0)).asnumpy()
            for array in (label, target, weight)]
    expected = by_hand(logits.asnumpy().astype(float), deltas.asnumpy().astype(float), *rows, factor)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert losses.metric_names == ("rcnn_cls", "rcnn_box", "rcnn_acc") and expected[1] > 0


def test_gradients_of_the_outputs_by_hand_and_none_of_what_is_not_used():
    """Gradients by logits and deltas: p - [class], clipped errors; 0 for padding, background's boxes, other classes."""
    net = small_net()
    x, rois, label, target, weight = batch(CLASSES + 1)
    logits, deltas = net.classify(mx.nd, net.features(x)[1], rois.reshape((-3, 0)))
    logits, deltas = (mx.nd.array(array.asnumpy()) for array in (logits, deltas))
    for array in (logits, deltas):
        array.attach_grad()
    losses = FastRCNNLosses(net)
    net.classify = lambda F, head_map, rois: (logits, deltas)
    with autograd.record():
        cls, box, _ = losses(x, rois, label, target, weight)
        total = cls + box
    total.backward()
    label, target, weight = (array.reshape((-1, *array.shape[2:])).asnumpy() for array in (label, target, weight))
    used = label >= 0
    shares = np.exp(logits.asnumpy()) / np.exp(logits.asnumpy()).sum(axis=1, keepdims=True)
    expected = (shares - np.eye(CLASSES + 1)[np.maximum(label, 0).astype(int)]) * used[:, None] / used.sum()
    np.testing.assert_allclose(logits.grad.asnumpy(), expected, atol=1e-6)
    errors = np.clip(deltas.asnumpy() - target, -1, 1) * weight / used.sum()
    np.testing.assert_allclose(deltas.grad.asnumpy(), errors, atol=1e-6)
    assert not logits.grad.asnumpy()[~used].any() and not deltas.grad.asnumpy()[label <= 0].any()
    assert deltas.grad.asnumpy()[label > 0].any(axis=1).all()


def test_no_gradient_reaches_the_map_from_padding():
    """The gradient of the pixels is the same wherever the boxes of padding lie."""
    net, gradients = small_net(), []
    losses = FastRCNNLosses(net)
    x, rois, label, target, weight = batch(CLASSES + 1)
    for side in (0, 60):
        moved = rois.asnumpy()
        moved[label.asnumpy() < 0, 3:] = side
        x.attach_grad()
        with autograd.record():
            cls, box, _ = losses(x, mx.nd.array(moved), label, target, weight)
            total = cls + box
        total.backward()
        gradients.append(x.grad.asnumpy())
    assert np.abs(gradients[0]).max() > 0
    np.testing.assert_allclose(*gradients, atol=1e-7)


def test_a_batch_of_padding_alone_has_no_loss():
    net = small_net()
    x, rois, label, target, weight = batch(CLASSES + 1)
    outputs = FastRCNNLosses(net)(x, rois, label * 0 - 1, target, weight * 0)
    assert [float(output.asscalar()) for output in outputs] == [0, 0, 0]
