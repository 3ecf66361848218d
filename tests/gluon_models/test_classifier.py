"""Backbones as classifiers, and their loss against NumPy."""
import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock

from light_head_rcnn.errors import ModelError
from light_head_rcnn.gluon_models import ClassifierLoss, get_classifier, get_model, registry
from light_head_rcnn.gluon_models.classifier import check_side


def test_parameters_are_named_as_in_a_detector():
    net = get_classifier("xception", ["a", "b", "c"])
    assert net.classes == ("a", "b", "c")
    net.initialize()
    assert net(mx.nd.zeros((2, 3, 32, 32))).shape == (2, 3)
    detector = get_model("light_head_rcnn_xception_coco").backbone
    left = set(net.collect_params()) - set(detector.collect_params())
    assert left == {"fc1000_weight", "fc1000_bias"}
    assert net.stages[-1].stride == 32


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss(smoothing):
    class Identity(HybridBlock):
        def hybrid_forward(self, F, x):
            return x

    logits, labels = np.random.RandomState(0).randn(5, 4), np.array([0, 3, 3, 1, 2])
    targets = np.eye(4)[labels] * (1 - smoothing) + smoothing / 4
    exponents = np.exp(logits)
    shares = exponents / exponents.sum(axis=1, keepdims=True)
    loss, x = ClassifierLoss(Identity(), smoothing), mx.nd.array(logits)
    x.attach_grad()
    with mx.autograd.record():
        found, answer = loss(x, mx.nd.array(labels))
    found.backward()
    assert float(found.asscalar()) == pytest.approx(-(targets * np.log(shares)).sum(axis=1).mean(), rel=1e-5)
    np.testing.assert_allclose(x.grad.asnumpy(), (shares - targets) / 5, atol=1e-6)
    np.testing.assert_array_equal(answer.asnumpy(), x.asnumpy())


def test_sides(capsys):
    net = get_classifier("vovnet27_slim", ["a"])
    check_side(net, 45)
    with pytest.raises(ModelError, match="44x44 pixels are too small.*it reads 45x45 and larger"):
        check_side(net, 44)
    assert not capsys.readouterr().out


def test_backbones_that_are_unknown_or_no_classifiers(monkeypatch):
    monkeypatch.setattr(registry.BACKBONES, "entries", dict(registry.BACKBONES.entries))
    registry.BACKBONES.add("plain", registry.BackboneEntry(lambda frozen: HybridBlock(), "S", ()))
    with pytest.raises(ModelError, match="plain cannot be a classifier"):
        get_classifier("plain", ["a"])
    with pytest.raises(ModelError, match="unknown backbone 'xcepton'"):
        get_classifier("xcepton", ["a"])
