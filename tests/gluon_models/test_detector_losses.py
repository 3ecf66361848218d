"""The losses of a detector by hand from the network's own outputs, gradients, mining, and several devices."""
from functools import partial

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon

import light_head_rcnn
from light_head_rcnn.errors import ModelError
from light_head_rcnn.gluon_models import RFCN, DetectorLosses, FasterRCNN, detector_losses
from light_head_rcnn.gluon_models.backbones import Xception
from light_head_rcnn.gluon_models.detector_losses import METRICS
from light_head_rcnn.operators.anchor_targets import AnchorTargets

HEIGHT, WIDTH = 96, 128
GT = np.array([[[8, 8, 40, 40, 1], [50, 30, 110, 80, 2]], [[60, 20, 100, 90, 3], [-1] * 5]], np.float32)


def light_head(**options):
    return light_head_rcnn.get_model("light_head_rcnn_xception_coco", classes=("a", "b", "c"), norm="batch", **options)


def on_xception(detector):
    return lambda **options: detector(Xception(frozen=False), ("a", "b", "c"), **options)


def build(ohem=16, class_agnostic=True, detector=light_head, contexts=None, **options):
    net = detector(anchor_scales=(1, 2, 4), class_agnostic=class_agnostic)
    net.initialize(mx.init.Xavier(magnitude=3), ctx=contexts)
    return net, DetectorLosses(net, pre_nms=200, post_nms=24, rpn_batch_size=32, ohem=ohem, **options)


def build_frozen(**options):
    """As `build`, with normalisation by moving statistics: images do not see each other."""
    def detector(**more):
        return light_head_rcnn.get_model("light_head_rcnn_xception_coco", classes=("a", "b", "c"), **more)

    return build(detector=detector, **options)


def batch(net, smaller=None, images=2):
    """Inputs of the losses: images with two boxes and one box in turns; image `smaller` is smaller than the batch."""
    targets = AnchorTargets(net.features.feature_size, net.stride, net.rpn.ratios, net.rpn.scales, batch_size=32)
    info, gt_boxes = np.array([[HEIGHT, WIDTH, 1]] * images, np.float32), GT[np.arange(images) % 2]
    if smaller is not None:
        info[smaller] = (88, 112, 1)
    rows = [targets(tuple(info[n]), gt[gt[:, 4] > 0], HEIGHT, WIDTH, np.random.RandomState(n))
            for n, gt in enumerate(gt_boxes)]
    arrays = [np.random.RandomState(0).normal(0, 1, (images, 3, HEIGHT, WIDTH)), info, gt_boxes]
    return [mx.nd.array(a) for a in arrays + [np.stack(column) for column in zip(*rows)]]


def smooth_l1(x, sigma):
    x = np.abs(x)
    return np.where(x < 1 / sigma ** 2, 0.5 * (sigma * x) ** 2, x - 0.5 / sigma ** 2)


def log_softmax(x, axis):
    x = x - x.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


@pytest.mark.parametrize("class_agnostic", [True, False])
@pytest.mark.parametrize("ohem, roi_batch_size, smaller", [
    (16, -1, None), (16, -1, 0), (1000, -1, 1), (0, 12, None), (0, 24, 0), (8, 20, None)])
def test_losses_by_hand(ohem, roi_batch_size, smaller, class_agnostic, monkeypatch):
    """Recomputed in NumPy from the logits, deltas and targets that the losses saw, with and without mining."""
    net, graph = build(ohem, class_agnostic, roi_batch_size=roi_batch_size, box_loss_weight=2.0, rpn_sigma=2.5)
    seen = {}

    def spy(name, function):
        def call(*args, **kwargs):
            seen[name] = function(*args, **kwargs)
            return seen[name]
        return call

    monkeypatch.setattr(detector_losses, "assign_roi_targets", spy("targets", detector_losses.assign_roi_targets))
    monkeypatch.setattr(net, "classify", spy("head", net.classify))
    rpn_outputs = []
    net.rpn.register_forward_hook(lambda block, inputs, outputs: rpn_outputs.append(outputs))
    inputs = batch(net, smaller)
    with autograd.record():
        metrics = dict(zip(METRICS, (float(m.asscalar()) for m in graph(*inputs))))

    label, target, weight = (a.asnumpy() for a in inputs[3:])
    logits, deltas = (a.asnumpy() for a in rpn_outputs[0])
    scores = log_softmax(logits.reshape(2, 2, -1), 1)
    picked = np.where(label == 1, scores[:, 1], scores[:, 0])
    assert metrics["rpn_cls"] == pytest.approx(-picked[label >= 0].mean(), rel=1e-4)
    assert metrics["rpn_acc"] == pytest.approx((scores.argmax(1) == label)[label >= 0].mean(), rel=1e-4)
    assert metrics["rpn_box"] == pytest.approx(smooth_l1((deltas - target) * weight, 2.5).sum() / 32 / 2, rel=1e-4)

    labels, targets = (a.asnumpy() for a in seen["targets"][1:])
    assert labels.shape == (2, 26 if roi_batch_size < 0 else roi_batch_size)
    logits, deltas = (a.asnumpy().reshape(labels.shape + (-1,)) for a in seen["head"])
    cls, box, mined = np.zeros((3,) + labels.shape)
    for n, k in np.ndindex(*labels.shape):
        c = int(labels[n, k])
        if c >= 0:
            cls[n, k] = -log_softmax(logits[n, k], 0)[c]
        if c > 0:
            column = 4 if class_agnostic else 4 * c
            off = deltas[n, k, column:column + 4] - targets[n, k]
            box[n, k], mined[n, k] = smooth_l1(off, 2).sum(), smooth_l1(off, 1).sum()
    kept = labels >= 0
    if ohem:
        for n in range(2):
            valid = np.flatnonzero(labels[n] >= 0)
            kept[n] = False
            kept[n, valid[np.argsort(-(cls + mined)[n, valid], kind="stable")[:ohem]]] = True
        assert kept.sum() == (2 * ohem if ohem < 1000 else (labels >= 0).sum())
    assert (labels[kept] > 0).any() and (labels[kept] == 0).any()
    assert metrics["rcnn_cls"] == pytest.approx(cls[kept].mean(), rel=1e-4)
    assert metrics["rcnn_box"] == pytest.approx(2 * box[kept].sum() / (ohem or roi_batch_size) / 2, rel=1e-4)
    assert metrics["rcnn_acc"] == pytest.approx((logits.argmax(-1) == labels)[kept].mean(), rel=1e-4)


@pytest.mark.parametrize("smaller", [None, 0, 1])
def test_losses_of_a_batch_are_the_mean_of_those_of_its_images(smaller):
    """Every image has as many anchors and RoIs that count as the other one."""
    net, graph = build_frozen()
    inputs = batch(net, smaller)
    assert (inputs[3].asnumpy() >= 0).sum(axis=1).tolist() == [32, 32]
    with autograd.record():
        together = [float(metric.asscalar()) for metric in graph(*inputs)]
        alone = [[float(metric.asscalar()) for metric in graph(*(array[n:n + 1] for array in inputs))]
                 for n in range(2)]
    np.testing.assert_allclose(together, np.mean(alone, axis=0), rtol=1e-4)
    assert np.abs(np.subtract(*alone)).min() > 1e-4 * np.abs(together).max()


def test_a_step_on_two_devices_is_a_step_on_one_with_all_images():
    """Gradients of both devices are added, and the step is divided by the number of devices, as training does."""
    steps = []
    for contexts in ([mx.cpu(0)], [mx.cpu(0), mx.cpu(1)]):
        mx.random.seed(1)
        net, graph = build_frozen(contexts=contexts)
        graph.hybridize()
        learning = {name: p for name, p in net.collect_params().items() if p.grad_req != "null"}
        trainer = gluon.Trainer(learning, "sgd", {"learning_rate": 0.01, "momentum": 0.9, "wd": 0.001},
                                kvstore="device", update_on_kvstore=False)
        shards = list(zip(*(gluon.utils.split_and_load(array, contexts) for array in batch(net, 1, images=4))))
        assert [len(shard[0]) for shard in shards] == [4 // len(contexts)] * len(contexts)
        before = {name: p.data().asnumpy() for name, p in learning.items()}
        metrics = []
        for _ in range(2):
            with autograd.record():
                outputs = [graph(*shard) for shard in shards]
                losses = [sum(output[:4]) for output in outputs]
            autograd.backward(losses)
            trainer.step(len(contexts))
            metrics.append(np.mean([[float(m.asscalar()) for m in output] for output in outputs], axis=0))
        for parameter in learning.values():
            for context in contexts[1:]:
                np.testing.assert_array_equal(parameter.data(context).asnumpy(), parameter.data().asnumpy())
        steps.append((metrics, {name: p.data().asnumpy() - before[name] for name, p in learning.items()}))
    (metrics, moved), (expected_metrics, expected) = steps
    np.testing.assert_allclose(metrics, expected_metrics, rtol=1e-3)
    for name, difference in expected.items():
        assert np.abs(difference).max() > 0, name
        np.testing.assert_allclose(moved[name], difference, rtol=1e-2, atol=5e-3 * np.abs(difference).max(),
                                   err_msg=name)


def test_options_reach_proposals_and_targets(monkeypatch):
    net = light_head(anchor_scales=(1, 2), box_means=(0.1, 0.2, 0.3, 0.4), box_stds=(0.5, 0.6, 0.7, 0.8))
    net.initialize()
    seen = {}

    def spy(name, function):
        def call(*args, **kwargs):
            seen[name] = kwargs
            return function(*args, **kwargs)
        return call

    monkeypatch.setattr(detector_losses, "assign_roi_targets", spy("targets", detector_losses.assign_roi_targets))
    monkeypatch.setattr(net.rpn, "propose", spy("proposals", net.rpn.propose))
    graph = DetectorLosses(net, pre_nms=90, post_nms=20, rpn_nms=0.6, rpn_min_size=3, ohem=4, roi_batch_size=10,
                           fg_fraction=0.3, fg_iou=0.6, bg_iou_high=0.4, bg_iou_low=0.1)
    graph(*batch(net))
    assert seen == {
        "proposals": dict(pre_nms=90, post_nms=20, nms_threshold=0.6, min_size=3),
        "targets": dict(rois_per_image=20, means=(0.1, 0.2, 0.3, 0.4), stds=(0.5, 0.6, 0.7, 0.8), fg_iou=0.6,
                        bg_iou_high=0.4, bg_iou_low=0.1, batch_size=10, fg_fraction=0.3)}


def test_mining_takes_no_ignored_roi_before_one_without_a_loss(monkeypatch):
    """Of the two RoIs to keep, one is so surely background that its loss is 0 in float32."""
    net, graph = build_frozen(ohem=2)
    labels = mx.nd.array([[-1, 0, 0, -1]])
    monkeypatch.setattr(detector_losses, "assign_roi_targets",
                        lambda *args, **kwargs: (mx.nd.zeros((1, 4, 5)), labels, mx.nd.zeros((1, 4, 4))))
    logits = mx.nd.array([[0, 0, 0, 0], [1000, 0, 0, 0], [0, 5, 0, 0], [0, 0, 0, 0]])
    monkeypatch.setattr(net, "classify", lambda *args: (logits, mx.nd.zeros((4, 8))))
    metrics = dict(zip(METRICS, graph(*(array[:1] for array in batch(net)))))
    expected = -log_softmax(np.array([0.0, 5, 0, 0]), 0)[0] / 2
    assert metrics["rcnn_cls"].asscalar() == pytest.approx(expected, rel=1e-5)
    assert metrics["rcnn_acc"].asscalar() == 0.5


def test_a_batch_in_which_nothing_counts_has_no_loss():
    net, graph = build_frozen(bg_iou_high=0.95, bg_iou_low=0.9)
    inputs = batch(net)
    inputs[2][:] = inputs[3][:] = -1  # no ground truths, and all anchors are ignored
    inputs[5][:] = 0
    with autograd.record():
        outputs = graph(*inputs)
        loss = sum(outputs[:4])
    loss.backward()
    assert [output.asscalar() for output in outputs] == [0] * 6
    assert not net.collect_params()["conv1_weight"].grad().asnumpy().any()


def test_hybridized_equals_imperative():
    net, graph = build()
    inputs = batch(net)
    results = []
    for hybridize in (False, True):
        graph.hybridize(hybridize)
        with autograd.record():
            outputs = graph(*inputs)
            loss = sum(outputs[:4])
        loss.backward()
        gradients = {p.name: p.grad().asnumpy().copy() for p in net.collect_params().values() if p.grad_req != "null"}
        results.append(([float(o.asscalar()) for o in outputs], gradients))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-4)
    for name, gradient in results[0][1].items():
        np.testing.assert_allclose(results[1][1][name], gradient, rtol=1e-2, atol=1e-3 * np.abs(gradient).max() + 1e-6,
                                   err_msg=name)


def test_gradient_of_the_losses_is_that_of_their_values():
    """Central differences along the gradient, for layers from the outputs down to the first convolution."""
    net, graph = build(ohem=1000)
    graph.hybridize()
    inputs = batch(net)

    def loss():
        with autograd.record():
            value = sum(graph(*inputs)[:2])
        return value

    loss().backward()
    for name in ("rpn_cls_score_weight", "rpn_conv_3x3_weight", "res3a_branch2c_weight"):
        parameter = net.collect_params()[name]
        start, gradient = parameter.data().copy(), parameter.grad().copy()
        norm = float(gradient.norm().asscalar())
        step = 1e-3 * float(start.norm().asscalar())
        values = []
        for sign in (1, -1):
            parameter.set_data(start + sign * step / norm * gradient)
            values.append(float(loss().asscalar()))
        parameter.set_data(start)
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(norm, rel=0.05), name


@pytest.mark.parametrize("detector, class_agnostic", [
    (light_head, True), (partial(light_head, roi_pool="psroi_align_max"), False),
    (partial(light_head, neck="pointwise", hidden=0), True),
    (partial(light_head, neck="pointwise", hidden=0, roi_pool="roi_pool"), False),
    (on_xception(RFCN), True), (on_xception(FasterRCNN), True), (on_xception(FasterRCNN), False)])
def test_a_step_changes_every_parameter(detector, class_agnostic):
    net, graph = build(class_agnostic=class_agnostic, detector=detector)
    for parameter in net.collect_params().values():
        if parameter.name.endswith("branch2c_gamma"):
            parameter.set_data(mx.nd.ones(parameter.shape))  # residual branches begin at zero
    with autograd.record():
        loss = sum(graph(*batch(net))[:4])
    loss.backward()
    learning = {name: p for name, p in net.collect_params().items() if p.grad_req != "null"}
    assert [name for name, p in learning.items() if not p.grad().norm().asscalar()] == []
    before = {name: p.data().asnumpy() for name, p in learning.items()}
    gluon.Trainer(learning, "sgd", {"learning_rate": 0.01}, kvstore=None).step(1)
    assert [name for name, p in learning.items() if (p.data().asnumpy() == before[name]).all()] == []


def test_neither_sampling_nor_hard_mining_is_an_error():
    for size in (-1, 0, 25):
        with pytest.raises(ModelError, match=f"roi_batch_size is {size}: .* must be from 1 to post_nms, 24"):
            build(ohem=0, roi_batch_size=size)


@pytest.mark.parametrize("size", [25, 0, -2])
def test_drawing_more_than_there_are_is_an_error_with_mining_too(size):
    with pytest.raises(ModelError, match=f"roi_batch_size is {size}: it must be from 1 to post_nms, 24, or, with oh"):
        build(ohem=8, roi_batch_size=size)
