"""The benchmark of streams: images a second of each detector, by turns, and the table."""
import mxnet as mx
import pytest
from PIL import Image

from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.experiments.benchmarks import streams


@pytest.fixture
def detector():
    def net(x, im_info):
        return [mx.nd.full((len(x), 1, size), -1) for size in (1, 1, 4)]

    return Detector(net, ("thing",), InputPreparation(((64, 80),), (0, 0, 0), (1, 1, 1), 1))


def test_images_have_the_size_of_the_input_and_rates_are_positive(detector, tmp_path):
    images = streams.write_images(tmp_path, detector, 3)
    assert [Image.open(image).size for image in images] == [(80, 64)] * 3
    found = streams.measure(detector, images, rounds=3)
    assert all(0 < found[name]["low"] <= found[name]["median"] <= found[name]["high"] for name in ("alone", "stream"))
    assert 0.05 < found["ratio"] < 20
    assert 0 < found["stream_processor"]["median"] < 10
    row = {"alone": {"median": 2, "low": 1, "high": 3}, "stream": {"median": 4, "low": 4, "high": 4}, "ratio": 2,
           "alone_processor": {"median": 0.5}, "stream_processor": {"median": 0.25}, "detector": "a", "engine": "mxnet"}
    line = streams.format_table([row])[2]
    assert line == "| a | mxnet | 2.00 (1.00-3.00) | 4.00 (4.00-4.00) | 2.00 | 500 ms | 250 ms |"


def test_engines(tmp_path):
    assert streams.engines_of(str(tmp_path)) == ["mxnet"]
    (tmp_path / "model.onnx").write_text("")
    (tmp_path / "detect.py").write_text("")
    assert set(streams.engines_of(str(tmp_path))) <= {"onnxruntime", "openvino"}
