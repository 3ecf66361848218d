"""Fixtures for ONNX: networks with random statistics, and their answers in MXNet and in engines side by side."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.gluon_models import get_model


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


@pytest.fixture(scope="session")
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
        answers = mx.sym.Group(_flat(net(*map(mx.sym.Variable, inputs))))
        _, shapes, _ = answers.infer_shape(**{name: shape for name, (shape, _) in inputs.items()})
        for number, (value, shape) in enumerate(zip(translate(g, net, named), shapes)):
            g.output(value, f"out{number}", np.float32, [None] * len(shape))
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


@pytest.fixture(scope="module")
def small_detector():
    """A detector with random parameters and detections of all scores, for images of 64 to 96 pixels."""
    net = _randomize(get_model("light_head_rcnn_vovnetv2_19_slim_dw_voc", classes=("cup", "spoon", "plate"),
                               mid_channels=8, hidden=32, anchor_scales=(2, 4), rpn_channels=16, pre_nms=60,
                               post_nms=12, max_per_image=15, nms=0.5, rpn_min_size=40))
    for layer in (*net.head.output_layers, net.rpn.score):
        layer.weight.set_data(layer.weight.data() * 3)
    net.hybridize()
    return Detector(net, net.classes, InputPreparation(((64, 96),), (123.0, 117.0, 104.0), (58.0, 57.0, 57.5), 32))


@pytest.fixture(scope="module")
def export(small_detector, tmp_path_factory):
    """The folder of an ONNX export of `small_detector`."""
    pytest.importorskip("onnx", reason="needs the package onnx")
    from light_head_rcnn.engine.deploy.onnx.export import export_onnx
    folder = tmp_path_factory.mktemp("export") / "cups"
    export_onnx(small_detector, folder, {"nms": 0.5}, "the_model")
    return folder
