"""Parameters of the graphs: first values, files with every misfit listed, the boxes' layer as tests need it."""
import re

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError, ConfigError
from light_head_rcnn.engine.building.initialization import initialize
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.symbolic import weights
from light_head_rcnn.engine.symbolic.graphs import test_graph as graph_for_tests
from light_head_rcnn.engine.symbolic.graphs import training_graph
from light_head_rcnn.gluon_models.weights.mxnet_files import load_weights

INPUTS = {"data": (1, 3, 64, 64), "im_info": (1, 3)}


@pytest.fixture(scope="module")
def parameters(configure):
    return weights.parameter_shapes(graph_for_tests(configure("run"), 4), INPUTS)


def test_from_scratch(configure, parameters):
    symbol = graph_for_tests(configure("run"), 4)
    found, report = weights.initial_weights(configure("run"), parameters, weights.residual_gammas(symbol))
    assert set(found) == set(parameters) and not report.problems
    for name, array in found.items():
        array = array.asnumpy()
        assert array.shape == parameters[name]
        if name.endswith(("bias", "beta", "moving_mean")) or re.match("bn.b[0-9]_branch2c_gamma", name):
            assert not array.any(), name
        elif name.endswith(("gamma", "moving_var")):
            assert (array == 1).all(), name
        elif name in ("rpn_cls_score_weight", "rpn_bbox_pred_weight", "cls_score_weight", "bbox_pred_weight"):
            assert array.std() == pytest.approx(0.01, rel=0.2), name
        else:
            assert array.std() == pytest.approx((2 / np.prod(array.shape[1:])) ** 0.5, rel=0.2), name


@pytest.mark.parametrize("symbol, model", [("xception_rfcn_light", "light_head_rcnn_xception_coco"),
                                           ("resnet_v1_101_rfcn_light", "light_head_rcnn_resnet101_v1_coco"),
                                           ("resnet_v1_101_rfcn", "rfcn_resnet101_v1_coco")])
def test_a_seed_begins_as_in_gluon(configure, symbol, model):
    cfg = configure("run", "symbol", symbol, "network.model", model)
    net, graph = build_net(cfg, ["a", "b", "c"]), graph_for_tests(cfg, 4)
    mx.random.seed(3)
    initialize(cfg, net, mx.cpu())
    mx.random.seed(3)
    found, _ = weights.initial_weights(cfg, weights.parameter_shapes(graph, INPUTS), weights.residual_gammas(graph))
    assert set(found) == set(net.collect_params())
    for name, parameter in net.collect_params().items():
        np.testing.assert_array_equal(found[name].asnumpy(), parameter.data().asnumpy(), err_msg=name)


def test_frozen_statistics_need_their_gammas(configure, parameters):
    zeros = weights.residual_gammas(graph_for_tests(configure("run"), 4))
    found, _ = weights.initial_weights(configure("run", "network.NORM", "frozen"), parameters, zeros)
    assert all((array.asnumpy() == 1).all() for name, array in found.items() if name.endswith("_gamma"))


def test_pretrained_backbone(configure, parameters, tmp_path):
    backbone = {name: mx.nd.array(np.random.rand(*shape)) for name, shape in parameters.items()
                if name.startswith(("conv1", "res", "bn"))}
    saved = {("aux:" if "moving" in name else "arg:") + name: array for name, array in backbone.items()}
    saved.update({"arg:fc1000_weight": mx.nd.zeros((3, 3)), "arg:rpn_conv_3x3_weight": mx.nd.zeros((5, 5))})
    path = str(tmp_path / "net-0000.params")
    mx.nd.save(path, saved)
    cfg = configure("run", "network.pretrained", tmp_path / "net")
    found, report = weights.initial_weights(cfg, parameters)
    assert not report.problems
    for name, array in found.items():
        if name in backbone:
            np.testing.assert_array_equal(array.asnumpy(), backbone[name].asnumpy())
        elif name.endswith("weight"):
            assert array.asnumpy().std() == pytest.approx(0.01, rel=0.2), name
    del saved["arg:conv1_weight"]
    saved["aux:bn2a_branch2a_moving_var"] = mx.nd.ones(3)
    mx.nd.save(path, saved)
    expected = ["missing in the file: conv1_weight", "bn2a_branch2a_moving_var is (3,)"]
    with pytest.raises(CheckpointError) as caught:
        weights.initial_weights(cfg, parameters)
    assert all(part in str(caught.value) for part in expected) and "fc1000" not in str(caught.value)
    found, report = weights.initial_weights(cfg, parameters, allow_partial=True)
    assert len(report.problems) == 2 and (found["bn2a_branch2a_moving_var"].asnumpy() == 1).all()
    with pytest.raises(CheckpointError, match="network.pretrained: there is no file .*net-0007.params"):
        weights.initial_weights(configure("run", "network.pretrained", tmp_path / "net", "network.pretrained_epoch", 7),
                                parameters)


def save(path, configure, arguments, auxiliaries=None):
    mx.nd.save(str(path), weights.file_arrays(configure("run"), arguments, auxiliaries or {}))
    return str(path)


def test_every_misfit_is_listed(configure, tmp_path):
    parameters = {"a_weight": (2, 3), "b_weight": (4,), "c_weight": (1,)}
    path = save(tmp_path / "x.params", configure, {
        "a_weight": mx.nd.ones((3, 2)), "c_weight": mx.nd.ones(1), "d_weight": mx.nd.ones(2)})
    with pytest.raises(CheckpointError) as caught:
        weights.read_weights(path, parameters)
    lines = ["missing in the file: b_weight (4,)", "unknown to the network: d_weight (2,)",
             "other shape: a_weight is (3, 2) in the file, (2, 3) in the network"]
    assert str(caught.value) == f"{path} does not fit the network:\n  " + "\n  ".join(lines)
    initial = {name: mx.nd.zeros(shape) for name, shape in parameters.items()}
    found, problems, _ = weights.read_weights(path, parameters, initial)
    assert problems == lines
    assert {name: float(array.sum().asscalar()) for name, array in found.items()} == {
        "a_weight": 0, "b_weight": 0, "c_weight": 1}


@pytest.mark.parametrize("layer, bins", [("bbox_pred", 1), ("rfcn_bbox", 49)])
@pytest.mark.parametrize("classes", [2, 4])
def test_boxes_for_tests(configure, tmp_path, layer, bins, classes):
    """What the folded layer answers is what the other answers, times the standard deviations, plus the means."""
    cfg = configure("run", "TRAIN.BBOX_MEANS", "0.1,0.2,0.3,0.4", "TRAIN.BBOX_STDS", "0.5,0.6,0.7,0.8")
    rng = np.random.RandomState(0)
    weight, bias = rng.randn(4 * classes * bins, 5).astype(np.float32), rng.randn(4 * classes * bins).astype(np.float32)
    shape = weight.shape + (1, 1) * (bins > 1)
    plain = {layer + "_weight": mx.nd.array(weight.reshape(shape)), layer + "_bias": mx.nd.array(bias)}
    x = rng.randn(5)
    answers = (weight @ x + bias).reshape(classes, 4, bins)
    folded = weights.fold_box_normalization(cfg, plain)
    assert folded[layer + "_weight"].shape == shape
    found = (folded[layer + "_weight"].asnumpy().reshape(weight.shape) @ x + folded[layer + "_bias"].asnumpy())
    np.testing.assert_allclose(found.reshape(classes, 4, bins), answers * [[[0.5], [0.6], [0.7], [0.8]]]
                               + [[[0.1], [0.2], [0.3], [0.4]]], rtol=1e-4, atol=1e-5)
    path = str(tmp_path / "x.params")
    mx.nd.save(path, weights.file_arrays(cfg, plain, {"bn_moving_mean": mx.nd.zeros(1)}))
    assert set(mx.nd.load(path)) == {"arg:" + name + end for name in plain for end in ("", "_test")} | {
        "aux:bn_moving_mean"}
    for for_test, expected in ((False, plain), (True, folded)):
        arrays, was_folded = load_weights(path, for_test)
        assert was_folded == for_test and set(arrays) == set(plain) | {"bn_moving_mean"}
        for name in expected:
            np.testing.assert_array_equal(arrays[name].asnumpy(), expected[name].asnumpy())


@pytest.mark.parametrize("part", ["end2end", "rpn", "rcnn"])
def test_unknown_symbols(configure, part):
    with pytest.raises(ConfigError, match="symbol: unknown symbol 'resnet'; known: .*resnet_v1_101_rfcn_light"):
        training_graph(configure("run", "symbol", "resnet"), 4, part)
