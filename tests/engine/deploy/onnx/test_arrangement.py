"""Convolutions that are arranged for bfloat16 answer as before."""
import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the package onnx")

from light_head_rcnn.engine.deploy.onnx.arrangement import arrange  # noqa: E402
from light_head_rcnn.engine.deploy.onnx.builder import GraphBuilder  # noqa: E402


def _network(*shapes, ends=("Relu",), **attributes):
    """A chain of convolutions with weights of these shapes, each with a bias and these operators behind it."""
    rng, g = np.random.RandomState(0), GraphBuilder("chain")
    x = g.input("x", np.float32, ("N", "C", "H", "W"))
    for shape in shapes:
        weight, bias = rng.randn(*shape).astype(np.float32), rng.randn(shape[0]).astype(np.float32)
        pads = [shape[2] // 2, shape[3] // 2] * 2
        x = g.add("Conv", [x, g.constant(weight), g.constant(bias)], kernel_shape=shape[2:],
                  **{"pads": pads, **attributes})
        for op_type in ends:
            x = g.add(op_type, [x])
    g.output(x, "y", np.float32, [None] * 4)
    return g.model()


def _check(run_onnx, model, most_bytes=1000, channels=4):
    x = {"x": np.random.RandomState(1).randn(2, channels, 9, 13).astype(np.float32)}
    arranged = arrange(model, most_bytes)
    expected, actual = run_onnx(model, x)[0], run_onnx(arranged, x)[0]
    np.testing.assert_allclose(actual, expected, atol=1e-4 * abs(expected).max(), rtol=0)
    return [node.op_type for node in arranged.graph.node if node.op_type != "Identity"]


@pytest.mark.parametrize("ends", [(), ("Relu",), ("Sigmoid", "Relu")], ids=["bare", "activation", "another operator"])
def test_tall_kernels_become_wide(run_onnx, ends):
    nodes = _check(run_onnx, _network((6, 4, 5, 1), ends=ends))
    fused = [op_type for op_type in ends if ends[0] == "Relu"]
    assert nodes == ["Transpose", "Conv", *fused, "Transpose", *(ends if not fused else ())]


def test_every_side_has_its_own_numbers(run_onnx):
    _check(run_onnx, _network((6, 4, 5, 1), strides=[2, 1], pads=[3, 0, 1, 2], dilations=[2, 1]))


def test_an_output_that_several_nodes_read_is_exchanged_back(run_onnx):
    g = GraphBuilder("two readers")
    x = g.input("x", np.float32, ("N", 4, "H", "W"))
    y = g.add("Conv", [x, g.constant(np.random.RandomState(0).randn(4, 4, 3, 1).astype(np.float32))],
              kernel_shape=[3, 1], pads=[1, 0, 1, 0])
    g.output(g.add("Add", [g.add("Relu", [y]), y]), "y", np.float32, [None] * 4)
    assert _check(run_onnx, g.model()) == ["Transpose", "Conv", "Transpose", "Relu", "Add"]


@pytest.mark.parametrize("most_bytes, parts", [(2000, 1), (1000, 2), (500, 4), (1, 4)])
def test_large_weights_are_split(run_onnx, most_bytes, parts):
    nodes = _check(run_onnx, _network((8, 12, 3, 3)), most_bytes, 12)
    assert nodes.count("Conv") == parts and nodes.count("Add") == parts - 1


def test_other_convolutions_stay(run_onnx):
    for model in (_network((600, 4, 1, 1)), _network((6, 4, 1, 5))):
        assert _check(run_onnx, model) == ["Conv", "Relu"]
    assert _check(run_onnx, _network((4, 1, 5, 1), group=4)) == ["Conv", "Relu"]


def test_a_detector_with_everything_arranged(export, run_onnx):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(export / "model.onnx"))
    arranged = arrange(model, 1000)
    kinds = [node.op_type for node in arranged.graph.node]
    assert kinds.count("Conv") > [node.op_type for node in model.graph.node].count("Conv")
    unused = {tensor.name for tensor in arranged.graph.initializer} - {
        value for node in arranged.graph.node for value in node.input} - {"im_info"}
    assert not unused
    images = {"images": np.random.RandomState(0).randint(0, 256, (2, 3, 75, 96)).astype(np.float32)}
    for one, other in zip(run_onnx(model, images), run_onnx(arranged, images)):
        np.testing.assert_allclose(one, other, atol=0.05, rtol=1e-4)
