"""Faster R-CNN: the MXNet original's parameters, the head by hand, answers, other classes, export."""
import mxnet as mx
import numpy as np
import pytest

import light_head_rcnn
from light_head_rcnn.gluon_models import FasterRCNN
from light_head_rcnn.gluon_models.backbones import Xception
from light_head_rcnn.gluon_models.roi_pools import align_rois

NAME = "faster_rcnn_resnet101_v1_coco"


def small_net(**options):
    net = FasterRCNN(Xception(), ("a", "b", "c"), pre_nms=100, post_nms=12, max_per_image=9, anchor_scales=(1, 2),
                     **options)
    net.initialize(mx.init.Normal(0.05))
    for block in (net.rpn.score, net.rpn.box) + net.head.output_layers:
        block.initialize(mx.init.Normal(0.3), force_reinit=True)
    return net


@pytest.mark.parametrize("class_agnostic", [True, False])
def test_parameters_are_those_of_the_mxnet_original(class_agnostic, original_parameters):
    net = light_head_rcnn.get_model(NAME, class_agnostic=class_agnostic)
    head = {"conv_new_1": (256, 2048, 1, 1), "fc_new_1": (1024, 256 * 49), "fc_new_2": (1024, 1024),
            "cls_score": (81, 1024), "bbox_pred": (8 if class_agnostic else 324, 1024)}
    expected = {name: value for name, value in original_parameters.items()
                if not name.startswith(("conv_new_", "fc_new_1", "cls_score", "bbox_pred"))}
    for name, shape in head.items():
        mult = 3.0 if name == "conv_new_1" else 1.0
        expected.update({name + "_weight": (shape, mult), name + "_bias": (shape[:1], mult)})
    assert {name: (p.shape, p.lr_mult) for name, p in net.collect_params().items()} == expected
    assert net.box_sigma == 1.0


def test_classes_and_boxes_by_hand():
    net = small_net()
    head_map = mx.nd.random.normal(shape=(2, 576, 6, 8))
    rois = mx.nd.array([[0, 10, 20, 90, 60], [1, 3, 2, 8, 5], [1, 32, 16, 100, 95]])
    values = {name: p.data().asnumpy() for name, p in net.collect_params().items()}
    reduced = np.einsum("oc,nchw->nohw", values["conv_new_1_weight"][:, :, 0, 0], head_map.asnumpy()).clip(0)
    x = align_rois(mx.nd, mx.nd.array(reduced), rois, stride=16).asnumpy().reshape(3, -1)
    for name in ("fc_new_1", "fc_new_2"):
        x = (x @ values[name + "_weight"].T).clip(0)
    for found, name in zip(net.classify(mx.nd, head_map, rois), ("cls_score", "bbox_pred")):
        expected = x @ values[name + "_weight"].T
        np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("class_agnostic", [True, False])
def test_answers_like_the_others_and_as_exported(class_agnostic, reimported):
    net = small_net(class_agnostic=class_agnostic)
    x, info = mx.nd.random.normal(shape=(2, 3, 64, 96)) * 50, mx.nd.array([[64, 96, 1], [50, 80, 1]])
    before = [output.asnumpy() for output in net(x, info)]
    assert [output.shape for output in before] == [(2, 9, 1), (2, 9, 1), (2, 9, 4)]
    assert (before[0][..., 0] >= 0).any(axis=1).all() and before[0].max() <= 2
    net.hybridize()
    for a, b in zip(before, net(x, info)):
        np.testing.assert_allclose(a, b.asnumpy(), rtol=1e-4, atol=1e-4)
    for a, b in zip(net(x, info), reimported(net)(x, info)):
        np.testing.assert_array_equal(a.asnumpy(), b.asnumpy())


def test_other_classes():
    net = small_net(class_agnostic=False)
    net.reset_class(["x"])
    shapes = {name: p.shape for name, p in net.head.collect_params().items()}
    assert shapes["cls_score_weight"] == (2, 1024) and shapes["bbox_pred_weight"] == (8, 1024)
    assert shapes["fc_new_1_weight"] == (1024, 256 * 49)
