"""Biases that make up for rounded weights: against the means of what rounded layers answer, in NumPy."""
import numpy as np
import pytest

from light_head_rcnn.engine.deploy.onnx.bias_correction import correct_biases, mean_shift
from light_head_rcnn.engine.deploy.onnx.builder import GraphBuilder


def rounded(weight):
    steps = abs(weight).reshape(len(weight), -1).max(axis=1).reshape((-1,) + (1,) * (weight.ndim - 1)) / 127
    return np.rint(weight / steps) * steps


def test_the_shift_of_a_product():
    rng = np.random.RandomState(0)
    weight, x = rng.randn(5, 7), rng.rand(100, 7)
    moved = (x @ rounded(weight).T - x @ weight.T).mean(axis=0)
    np.testing.assert_allclose(mean_shift(weight, x.mean(axis=0)), moved, atol=1e-12)
    assert (mean_shift(np.zeros((2, 3)), np.ones(3)) == 0).all()


@pytest.mark.parametrize("groups, with_bias", [(1, True), (2, False), (3, True)])
def test_means_of_convolutions_stay(groups, with_bias, run_onnx):
    """Behind the correction, a convolution with rounded weights has the means of that with weights as they are."""
    rng = np.random.RandomState(groups)
    weight = rng.randn(6, 6 // groups, 1, 1).astype(np.float32)
    bias = rng.randn(6).astype(np.float32)
    images = [rng.rand(1, 6, 4 + number, 5).astype(np.float32) for number in range(3)]

    def model(weight):
        g = GraphBuilder()
        x = g.input("x", np.float32, (1, 6, "h", "w"))
        inputs = [x, g.constant(weight.astype(np.float32))] + ([g.constant(bias)] if with_bias else [])
        g.output(g.add("Conv", inputs, name="conv", group=groups), "y", np.float32, (1, 6, "h", "w"))
        return g.model()

    def means(model):
        return np.mean([run_onnx(model, {"x": x})[0].mean(axis=(0, 2, 3)) for x in images], axis=0)

    corrected, plain = model(weight), model(weight)
    correct_biases(corrected, ["conv"], [{"x": x} for x in images])
    worse = model(rounded(weight))
    name = corrected.graph.node[0].input[2]
    array = next(tensor for tensor in corrected.graph.initializer if tensor.name == name)
    corrected.graph.initializer[0].CopyFrom(worse.graph.initializer[0])
    assert array.name == "conv/corrected_bias"
    np.testing.assert_allclose(means(corrected), means(plain), atol=2e-6)
    assert abs(means(worse) - means(plain)).max() > 1e-4


def test_other_nodes_are_left_alone():
    g = GraphBuilder()
    x = g.input("x", np.float32, (1, 2, 3, 3))
    y = g.add("Conv", [x, g.constant(np.ones((2, 2, 1, 1), np.float32))], name="conv")
    g.output(g.add("Relu", [y], name="relu"), "y", np.float32, (1, 2, 3, 3))
    model = g.model()
    before = model.SerializeToString()
    pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
    correct_biases(model, ["relu"], [{"x": np.ones((1, 2, 3, 3), np.float32)}])
    assert model.SerializeToString() == before
