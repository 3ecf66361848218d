"""Learning rates by hand, and the factors of the layers."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.building.initialization import initialize
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.training.schedule import build_optimizer, learning_rates, set_gluon_factors
from light_head_rcnn.gluon_models.backbones import resnet


@pytest.fixture
def configure(configuring, tmp_path):
    return configuring(tmp_path, "network: {model: light_head_rcnn_xception_coco}\n")


@pytest.mark.parametrize("method, expected", [
    ("constant", [0.02, 0.02, 0.02, 0.02, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.02]),
    ("linear", [0.02 + 0.18 * i / 5 for i in range(1, 5)] + [0.2] * 6 + [0.02])])
def test_learning_rates(configure, method, expected):
    cfg = configure("run", "TRAIN.lr", 0.1, "TRAIN.lr_step", "2.5,7", "TRAIN.warmup", True, "TRAIN.warmup_lr", 0.01,
                    "TRAIN.warmup_step", 5, "TRAIN.warmup_method", method)
    schedule = learning_rates(cfg, images=2, steps_per_epoch=4)
    assert [schedule(step) for step in range(1, 12)] == pytest.approx(expected)


@pytest.mark.parametrize("steps, expected", [("", [1, 1, 1]), ("0.5,0.6", [1, 1, 0.01]), ("1", [1, 1, 1])])
def test_learning_rates_of_short_runs(configure, steps, expected):
    cfg = configure("run", "TRAIN.lr", 1.0, "TRAIN.lr_step", steps)
    schedule = learning_rates(cfg, images=1, steps_per_epoch=4)
    assert [schedule(step) for step in range(1, 4)] == pytest.approx(expected)


@pytest.mark.parametrize("warmup, first", [((), 1), (("TRAIN.warmup", True, "TRAIN.warmup_lr", 0.01,
                                                      "TRAIN.warmup_step", 5), 5)])
def test_a_cosine_falls_to_nothing_after_the_last_step(configure, warmup, first):
    cfg = configure("run", "TRAIN.lr", 0.1, "TRAIN.lr_schedule", "cosine", "TRAIN.end_epoch", 3, "TRAIN.lr_step", "1",
                    *warmup)
    schedule = learning_rates(cfg, images=2, steps_per_epoch=10)
    angles = np.linspace(0, np.pi, 30 + 1 - first + 1)
    assert [schedule(step) for step in range(first, 32)] == pytest.approx(0.1 * (1 + np.cos(angles)))
    assert [schedule(step) for step in range(1, first)] == [pytest.approx(0.02)] * (first - 1)
    assert schedule(40) == schedule(31) == 0 < schedule(30)


def test_a_cosine_of_a_training_that_is_all_warm_up(configure):
    cfg = configure("run", "TRAIN.lr_schedule", "cosine", "TRAIN.end_epoch", 1, "TRAIN.warmup", True,
                    "TRAIN.warmup_lr", 0.01, "TRAIN.warmup_step", 50)
    schedule = learning_rates(cfg, images=1, steps_per_epoch=10)
    assert [schedule(step) for step in range(1, 12)] == [0.01] * 11


def test_the_backbone_of_a_pyramid_is_the_classifier(configure, monkeypatch):
    monkeypatch.setitem(resnet.DEPTHS, 50, ((1, 1, 1, 1), ()))
    cfg = configure("run", "network.model", "light_head_rcnn_fpn_resnet50_v1_coco", "network.RPN_FEAT_STRIDE",
                    "[4, 8, 16, 32, 64]", "TRAIN.BACKBONE_LR_MULT", 0.1)
    net = build_net(cfg, ("a",))
    set_gluon_factors(cfg, net)
    factors = {name: parameter.lr_mult for name, parameter in net.collect_params().items()}
    assert {factors[name] for name in net.backbone.collect_params()} == {0.1}
    others = set(factors) - set(net.backbone.collect_params())
    assert {factors[name] for name in others} == {1, 3} and any(name.startswith("fpn") for name in others)


def test_new_layers_and_factors(configure):
    cfg = configure("run", "TRAIN.LIGHT_HEAD_LR_MULT", 5.0)
    net = build_net(cfg, ("a",))
    initialize(cfg, net, [mx.cpu()])
    set_gluon_factors(cfg, net)
    assert net.head.cls_score.weight.data().asnumpy().std() == pytest.approx(0.01, rel=0.1)
    for name, parameter in net.collect_params().items():
        if parameter.grad_req != "null":
            assert parameter.lr_mult == (5 if name.startswith("conv_new") else 1), name
            assert parameter.wd_mult == (name.endswith(("weight", "gamma"))), name


@pytest.mark.parametrize("overrides, expected", [
    (("TRAIN.optimizer", "sgd", "TRAIN.momentum", 0.7, "TRAIN.wd", 0.02), ("SGD", 0.02, 0.7, None)),
    (("TRAIN.optimizer", "adam", "TRAIN.CLIP_GRADIENT", 3), ("Adam", 0.0005, None, 3))])
def test_optimizers(configure, overrides, expected):
    cfg = configure("run", *overrides)
    net = build_net(cfg, ("a",))
    net.initialize()
    net.rpn.conv.bias.grad_req = "null"
    trainer = build_optimizer(cfg, dict(net.collect_params().items()))
    kind = trainer.optimizer
    assert (type(kind).__name__, kind.wd, getattr(kind, "momentum", None), kind.clip_gradient) == expected
    assert net.rpn.conv.bias.name not in [parameter.name for parameter in trainer._params]
