"""The detectors of others: what is exported of an SSD, and what is said where a package is missing."""
import sys

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import LibraryError
from light_head_rcnn.experiments.benchmarks.detectors import engine_models, gluoncv_peers, torch_peers
from light_head_rcnn.experiments.benchmarks.detectors.candidate import MXNET, NETWORK, ONNXRUNTIME, OPENVINO, Skipped

gluoncv = pytest.importorskip("gluoncv")


@pytest.fixture
def tiny_ssd():
    """An SSD on two maps of a 32x32 image, with GluonCV's own normalisation layer."""
    from gluoncv.model_zoo.ssd import SSD
    from gluoncv.model_zoo.ssd.vgg_atrous import Normalize

    class Features(mx.gluon.HybridBlock):
        def __init__(self):
            super().__init__()
            self.first = mx.gluon.nn.Conv2D(4, 3, 2, 1, activation="relu")
            self.norm = Normalize(4, 20)
            self.second = mx.gluon.nn.Conv2D(4, 3, 2, 1, activation="relu")

        def hybrid_forward(self, F, x):
            x = self.first(x)
            return [self.norm(x), self.second(x)]

    mx.random.seed(0)
    net = SSD(None, 32, lambda **_: Features(), None, [8, 16, 24], [[1, 2, 0.5]] * 2, [2, 4], ("cat", "dog"))
    net.initialize(mx.init.Xavier())
    return net


def test_an_ssd_answers_in_another_engine_as_in_mxnet_before_suppression(tiny_ssd, tmp_path):
    pytest.importorskip("onnxruntime")
    x = mx.nd.array(np.random.RandomState(0).normal(size=(1, 3, 32, 32)))
    tiny_ssd.set_nms(nms_thresh=-1, post_nms=-1)
    ids, best, boxes = (array.asnumpy()[0] for array in tiny_ssd(x))
    path = tmp_path / "ssd.onnx"
    gluoncv_peers.export_without_nms(tiny_ssd, 32, path)
    scores, exported = engine_models.open_model(path, ONNXRUNTIME, "float32", 1, x.asnumpy())(x.asnumpy())
    count = exported.shape[1]
    assert scores.shape == (1, count, 3) and len(ids) == 2 * count
    for number in range(2):  # GluonCV lists the boxes of one class after those of another
        rows = slice(number * count, (number + 1) * count)
        np.testing.assert_allclose(exported[0], boxes[rows], atol=1e-3)
        np.testing.assert_allclose(np.where(scores[0, :, 1 + number] > 0.01, scores[0, :, 1 + number], 0),
                                   best[rows, 0], atol=1e-5)


def test_the_work_of_an_ssd(tiny_ssd):
    x = mx.nd.array(np.random.RandomState(0).normal(size=(1, 3, 32, 32)))
    work = gluoncv_peers._calibrate(tiny_ssd, x)
    # 16x16 and 8x8 cells with four anchors each, two classes.
    assert 950 < work["candidates"] < 1050 and work["rois"] == 0 and 0 < work["detections"] <= 100


def test_matrix_products(tmp_path):
    pytest.importorskip("onnxruntime")
    found = list(engine_models.matrix_products(tmp_path, 1, 64))
    ran = {(entry.engine, entry.precision): entry for entry in found if not isinstance(entry, Skipped)}
    assert {(MXNET, "float32"), (ONNXRUNTIME, "float32"), (ONNXRUNTIME, "int8")} <= set(ran)
    assert all(entry.time(NETWORK, 2)[1] > 0 and entry.work["gflop"] == 8 * 2e-9 * 64 ** 3 for entry in ran.values())
    rng = np.random.RandomState(0)
    x, weight = rng.normal(0, 1, (64, 64)).astype(np.float32), rng.normal(0, 1 / 8, (64, 64)).astype(np.float32)
    for precision, tolerance in (("float32", 1e-4), ("int8", 0.6)):
        product, = engine_models.open_model(tmp_path / f"matrix_64_{precision}.onnx", ONNXRUNTIME, "float32", 1, x)(x)
        np.testing.assert_allclose(product, x @ np.linalg.matrix_power(weight, 8), atol=tolerance)


def test_an_engine_that_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(engine_models.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LibraryError, match="OpenVINO is not installed: pip install openvino"):
        engine_models.open_model("a.onnx", OPENVINO, "float32", 1)
    skipped = [entry for entry in engine_models.matrix_products(tmp_path, 1, 8) if isinstance(entry, Skipped)]
    assert len(skipped) == 5 and all("is not installed" in entry.reason for entry in skipped)


def test_a_model_that_an_engine_cannot_run(tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "a.onnx").write_bytes(b"no model")
    with pytest.raises(LibraryError, match="ONNX Runtime cannot run it: "):
        engine_models.open_model(tmp_path / "a.onnx", ONNXRUNTIME, "float32", 1)


def test_gluoncv_that_cannot_be_imported(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "gluoncv", None)
    entry, = gluoncv_peers.candidates([gluoncv_peers.SSD300], "photo.jpg", tmp_path, 1, print)
    assert entry.name == "GluonCV" and "cannot be imported" in entry.reason


def start(python, tmp_path):
    with torch_peers.worker(python, "photo.jpg", tmp_path, 1) as worker:
        return worker.ask("load", "x")


def test_torchvision_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setattr(torch_peers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LibraryError, match="torchvision are not installed; --peer-python"):
        start(None, tmp_path)
    with pytest.raises(LibraryError, match="no/python does not start"):
        start("no/python", tmp_path)
    with pytest.raises(LibraryError, match="has ended: it needs torch and torchvision"):
        start("/bin/true", tmp_path)


def fake_python(tmp_path, answer):
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\nwhile read line; do echo '{answer}'; done\n")
    script.chmod(0o755)
    return str(script)


def test_a_request_and_its_answer(tmp_path):
    assert start(fake_python(tmp_path, '{"rois": 7}'), tmp_path) == {"rois": 7}
    with pytest.raises(LibraryError, match="PyTorch: KeyError: 'x'"):
        start(fake_python(tmp_path, '{"error": "KeyError: \\u0027x\\u0027"}'), tmp_path)
