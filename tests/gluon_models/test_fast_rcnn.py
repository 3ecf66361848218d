"""Fast R-CNN: layers, the head by hand, padding of RoIs, answers, SPP, other classes, export."""
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

import light_head_rcnn
from light_head_rcnn.errors import ModelError
from light_head_rcnn.gluon_models import FastRCNN, FasterRCNN, model_options
from light_head_rcnn.gluon_models.backbones import Xception
from light_head_rcnn.gluon_models.heads import FastRCNNHead
from light_head_rcnn.gluon_models.roi_pools import max_pool_rois

INFO = ((64, 96, 1), (50, 80, 1))
ROIS = np.array([[[3, 4, 60, 50], [20, 10, 95, 63], [0, 0, 95, 63], [40, 30, 44, 33], [50, 5, 90, 30]],
                 [[10, 10, 79, 49], [0, 20, 30, 40], [-1] * 4, [-1] * 4, [-1] * 4]], np.float32)


def small_net(**options):
    options = {"hidden": (32, 24), "max_per_image": 9, **options}
    net = FastRCNN(Xception(), ("a", "b", "c"), **options)
    net.initialize(mx.init.Normal(0.05))
    rng = np.random.RandomState(0)
    for layer, scale in zip(net.head.output_layers, (0.05, 0.3)):  # scores that differ, boxes that move
        layer.weight.set_data(mx.nd.array(rng.normal(0, scale, layer.weight.shape)))
    return net


def images(n=2):
    return mx.nd.random.normal(shape=(n, 3, 64, 96)) * 50


def answers(net, x, rois=ROIS, info=INFO):
    return [output.asnumpy() for output in net(x, mx.nd.array(info[:len(x)]), mx.nd.array(rois))]


def test_layers_and_options():
    net = light_head_rcnn.get_model("fast_rcnn_resnet50_v1_voc")
    assert net.needs_proposals and not light_head_rcnn.get_model("rfcn_resnet50_v1_voc").needs_proposals
    assert (net.box_sigma, net.class_agnostic, net.pool_levels, len(net.classes)) == (1.0, False, (7,), 20)
    shapes = {name: p.shape for name, p in net.head.collect_params().items()}
    assert shapes == {"fc6_weight": (4096, 2048 * 49), "fc6_bias": (4096,), "fc7_weight": (4096, 4096),
                      "fc7_bias": (4096,), "cls_score_weight": (21, 4096), "cls_score_bias": (21,),
                      "bbox_pred_weight": (84, 4096), "bbox_pred_bias": (84,)}
    assert not [name for name in net.collect_params() if name.startswith("rpn")]
    assert model_options("fast_rcnn_xception_coco") == {"pool_levels", "hidden", "dropout", "outputs"}
    assert net.output_layers == net.head.output_layers and net.hidden_layers == (net.head.fc6, net.head.fc7)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_call_without_rois_says_what_is_missing(count):
    with pytest.raises(ModelError, match=rf"net\(x, im_info, rois\), with three arrays; it got {count + 1}"):
        small_net()(images(), *[mx.nd.array(INFO)] * count)


def test_first_weights_are_those_of_the_paper():
    net = FastRCNN(Xception(), [str(number) for number in range(50)], hidden=(256,))
    net.initialize(mx.init.Normal(0.01))
    scales = [layer.weight.data().asnumpy().std() for layer in net.head.output_layers]
    np.testing.assert_allclose(scales, (0.01, 0.001), rtol=0.05)


def test_classes_and_boxes_by_hand():
    net = small_net(pool_levels=(3, 1))
    head_map = mx.nd.random.normal(shape=(2, 576, 4, 6))
    rois = mx.nd.array([[0, 10, 20, 90, 60], [1, 3, 2, 8, 5], [1, 32, 16, 95, 63]])
    values = {name: p.data().asnumpy() for name, p in net.collect_params().items()}
    x = np.concatenate([mx.nd.ROIPooling(head_map, rois, pooled_size=(side, side), spatial_scale=1 / 16)
                        .asnumpy().reshape(3, -1) for side in (3, 1)], axis=1)
    for name in ("fc6", "fc7"):
        x = (x @ values[name + "_weight"].T + values[name + "_bias"]).clip(0)
    for found, name in zip(net.classify(mx.nd, head_map, rois), ("cls_score", "bbox_pred")):
        expected = x @ values[name + "_weight"].T
        np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("class_agnostic", [True, False])
def test_boxes_are_decoded_as_those_of_other_detectors(class_agnostic):
    options = dict(class_agnostic=class_agnostic, box_means=(0.1, -0.2, 0.05, -0.05), box_stds=(0.1, 0.2, 0.15, 0.25))
    net, other = small_net(**options), FasterRCNN(Xception(), ("a", "b", "c"), post_nms=5, **options)
    logits, deltas = mx.nd.random.normal(shape=(10, 4)), mx.nd.random.normal(shape=(10, 8 if class_agnostic else 16))
    flat = mx.nd.concat(mx.nd.zeros((10, 1)), mx.nd.array(ROIS.reshape(10, 4)), dim=1)
    for found, expected in zip(net._decode(mx.nd, mx.nd.array(ROIS), logits, deltas, mx.nd.array(INFO)),
                               other._decode(mx.nd, flat, logits, deltas, mx.nd.array(INFO))):
        np.testing.assert_array_equal(found.asnumpy(), expected.asnumpy())


def test_candidates():
    net, x = small_net(), images()
    scores, boxes, counts = (output.asnumpy() for output in net.candidates(mx.nd, x, mx.nd.array(INFO),
                                                                           mx.nd.array(ROIS)))
    assert scores.shape == (2, 5, 4) and boxes.shape == (2, 5, 16) and counts.tolist() == [5, 2]
    np.testing.assert_allclose(scores.sum(axis=2), [[1] * 5, [1, 1, 0, 0, 0]], rtol=1e-5)
    for n, (height, width, _) in enumerate(INFO):
        assert boxes[n].min() >= 0 and boxes[n, :, 2::4].max() <= width - 1 and boxes[n, :, 3::4].max() <= height - 1


@pytest.mark.parametrize("class_agnostic", [True, False])
def test_answers_like_the_others_and_as_exported(class_agnostic, reimported):
    net, x = small_net(class_agnostic=class_agnostic), images()
    before = answers(net, x)
    assert [output.shape for output in before] == [(2, 9, 1), (2, 9, 1), (2, 9, 4)]
    assert (before[0][..., 0] >= 0).any(axis=1).all() and before[0].max() <= 2
    net.hybridize()
    for a, b in zip(before, answers(net, x)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    other = reimported(net, inputs=3)
    for a, b in zip(answers(net, x), answers(other, x)):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(answers(net, x, ROIS[:, :3]), answers(other, x, ROIS[:, :3])):  # another number of RoIs
        np.testing.assert_array_equal(a, b)


def test_an_image_alone_equals_the_image_in_a_batch():
    net, x = small_net(), images()
    together = answers(net, x)
    for n in range(2):
        for a, b in zip(together, answers(net, x[n:n + 1], ROIS[n:n + 1], INFO[n:n + 1])):
            np.testing.assert_allclose(a[n], b[0], rtol=1e-3, atol=1e-3)


def test_nothing_comes_from_padding_wherever_it_stands():
    net, x = small_net(), images(1)
    expected = answers(net, x, ROIS[:1, :2])
    assert (expected[0] >= 0).sum() >= 2
    padding = np.full(4, -1, np.float32)
    for rows in ([ROIS[0, 0], ROIS[0, 1], padding], [padding, ROIS[0, 0], padding, padding, ROIS[0, 1]]):
        for a, b in zip(expected, answers(net, x, np.array([rows]))):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    assert (answers(net, x, np.array([[padding] * 3]))[0] == -1).all()


def test_one_level_is_pooling_and_several_are_joined_in_order(monkeypatch):
    monkeypatch.setattr(FastRCNNHead, "hybrid_forward", lambda self, F, x, **parameters: x)
    data = mx.nd.random.normal(shape=(2, 6, 8, 9))
    rois = mx.nd.array([[0, 10, 20, 90, 60], [1, 3, 2, 88, 95], [-1, 0, 0, 0, 0]])
    net = small_net(pool_levels=(4, 2, 1))
    joined = net.classify(mx.nd, data, rois).asnumpy()
    expected = [max_pool_rois(mx.nd, data, rois, 16, bins).asnumpy().reshape(3, -1) for bins in (4, 2, 1)]
    np.testing.assert_array_equal(joined, np.concatenate(expected, axis=1))
    net.pool_levels = (4,)
    np.testing.assert_array_equal(net.classify(mx.nd, data, rois).asnumpy(), expected[0])


def test_dropout_is_for_training_alone():
    net = small_net(dropout=0.5)
    x = mx.nd.random.normal(shape=(3, 576 * 49))
    still = net.head(x)[0].asnumpy()
    np.testing.assert_array_equal(still, net.head(x)[0].asnumpy())
    with autograd.train_mode():
        one, other = (net.head(x)[0].asnumpy() for _ in range(2))
    assert (one != other).any() and (one != still).any()
    with autograd.train_mode():
        whole = small_net(dropout=0).head
        np.testing.assert_array_equal(whole(x)[0].asnumpy(), whole(x)[0].asnumpy())


def test_other_classes():
    net = small_net()
    net.reset_class(["x"])
    assert net.classes == ("x",)
    shapes = {name: p.shape for name, p in net.head.collect_params().items()}
    assert shapes["cls_score_weight"] == (2, 24) and shapes["bbox_pred_weight"] == (8, 24)
    assert shapes["fc6_weight"] == (32, 576 * 49)


@pytest.mark.parametrize("options, words", [
    ({"pool_levels": (7, 0)}, r"pool_levels is \[7, 0\]: all of them must be at least 1"),
    ({"hidden": (0,)}, r"hidden is \[0\]: all of them must be at least 1"),
    ({"dropout": 1.0}, "dropout is 1.0: it must be at least 0 and less than 1")])
def test_options_out_of_bounds(options, words):
    with pytest.raises(ModelError, match=words):
        small_net(**options)
