"""Fixtures for ONNX: networks with random statistics, and their answers in MXNet and in engines side by side."""
import mxnet as mx
import numpy as np
import pytest


def _randomize(net):
    """Parameters under which maps neither vanish nor explode, and every number of a normalisation counts."""
    rng = np.random.RandomState(0)
    net.initialize(mx.init.Xavier(factor_type="in", magnitude=2))
    ranges = {"gamma": (0.6, 1.1), "moving_var": (0.5, 2), "moving_mean": (-0.4, 0.4), "beta": (-0.4, 0.4),
              "bias": (-0.4, 0.4)}
    for name, parameter in net.collect_params().items():
        for ending, (low, high) in ranges.items():
            if name.endswith(ending):
                parameter.set_data(mx.nd.array(rng.uniform(low, high, parameter.shape)))
    return net


@pytest.fixture
def randomize():
    """Function that initialises a network with random parameters and moving statistics, and returns it."""
    return _randomize


def _flat(outputs):
    if isinstance(outputs, (list, tuple)):
        return [array for part in outputs for array in _flat(part)]
    return [outputs]


@pytest.fixture
def as_model():
    """Function from a network and {input: (shape to trace with, declared shape)} to its ONNX model."""
    pytest.importorskip("onnx", reason="needs the package onnx")
    from light_head_rcnn.engine.deploy.onnx.builder import GraphBuilder
    from light_head_rcnn.engine.deploy.onnx.translation import translate

    def build(net, inputs):
        g = GraphBuilder("network")
        named = {name: (g.input(name, np.float32, declared), shape) for name, (shape, declared) in inputs.items()}
        answers = _flat(net(*(mx.nd.zeros(shape) for shape, _ in inputs.values())))
        for number, (value, answer) in enumerate(zip(translate(g, net, named), answers)):
            g.output(value, f"out{number}", np.float32, [None] * answer.ndim)
        return g.model()

    return build


@pytest.fixture
def run_onnx():
    """Function from a model and {input: array} to the answers of ONNX Runtime."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
    sessions = {}

    def run(model, inputs):
        if id(model) not in sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            sessions[id(model)] = model, onnxruntime.InferenceSession(model.SerializeToString(), options)
        return sessions[id(model)][1].run(None, inputs)

    return run


@pytest.fixture
def run_reference():
    """Function from a model and {input: array} to the answers of ONNX's reference evaluator, in NumPy."""
    reference = pytest.importorskip("onnx.reference", reason="needs the package onnx")
    return lambda model, inputs: reference.ReferenceEvaluator(model).run(None, inputs)


@pytest.fixture
def assert_close():
    """Function that compares lists of arrays: equal shapes, differences below 1e-4 of the largest number."""
    def compare(actual, expected, tolerance=1e-4):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected):
            assert one.shape == other.shape and np.isfinite(other).all()
            assert abs(one - other).max() <= tolerance * abs(other).max()

    return compare
