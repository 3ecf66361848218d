"""lhrcnn export --precision: what the command writes and says, and what does not go together."""
import json
import logging
import sys
from types import SimpleNamespace

import pytest

from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.checkpoints.checkpoint_files import Content, write_checkpoint
from light_head_rcnn.engine.checkpoints.parameters import parameter_arrays
from light_head_rcnn.engine.config import saved_config
from light_head_rcnn.experiments.commands import precisions


@pytest.fixture(scope="module")
def run(configuring, tmp_path_factory):
    """The folder of a training, with a checkpoint."""
    configure = configuring(tmp_path_factory.mktemp("precisions"), "network: {model: light_head_rcnn_xception_coco}\n")
    cfg = configure("run")
    net = build_net(cfg, ("disc", "square", "triangle"))
    net.initialize()
    content = Content(parameter_arrays(net), {}, {}, net.classes)
    write_checkpoint(cfg.output_path + "/model", "0002", content, 2, 6, {"config": saved_config(cfg)})
    return cfg.output_path


@pytest.mark.slow
def test_int8_by_a_folder_with_a_broken_image(run, shapes, lhrcnn, tmp_path):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package, reason=f"needs the package {package}")
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "broken.jpg").write_text("no image")
    status, _, log = lhrcnn("export", "--checkpoint", run, "--cpu", "--format", "onnx", "--precision", "int8",
                            "--calibrate", photos, shapes, "--calibration-images", 4, "--out", tmp_path / "int8")
    assert status == 0 and "broken.jpg" in log and "without 1 of 4 images" in log and "in int8: " in log
    meta = json.loads((tmp_path / "int8" / "meta.json").read_text())
    assert meta["precision"] == "int8" and b"QuantizeLinear" in (tmp_path / "int8" / "model.onnx").read_bytes()
    status, _, log = lhrcnn("export", "--checkpoint", run, "--cpu", "--format", "onnx", "--precision", "int8",
                            "--calibrate", photos, "--out", tmp_path / "none")
    assert status == 2 and "none of the 1 images" in log and not (tmp_path / "none").exists()


def test_bfloat16_needs_no_images(run, lhrcnn, tmp_path):
    pytest.importorskip("onnx", reason="needs the package onnx")
    status, _, log = lhrcnn("export", "--checkpoint", run, "--cpu", "--format", "onnx", "--precision", "bfloat16",
                            "--out", tmp_path / "bfloat16")
    assert status == 0 and ("in bfloat16: " in log or "was not compared" in log)
    assert json.loads((tmp_path / "bfloat16" / "meta.json").read_text())["precision"] == "bfloat16"


@pytest.mark.parametrize("objects, found, status, message", [
    (0, 0, 0, "nothing was compared; name photographs by --check"), (4, 2, 0, "of 4 objects"),
    (4, 1, 1, "error: the exported detector does not give the same detections")])
def test_what_is_said_of_the_agreement(objects, found, status, message, monkeypatch, caplog):
    from light_head_rcnn.engine.deploy.engines import agreement
    monkeypatch.setattr(agreement, "agreement", lambda *_: agreement.Agreement(objects, found, 0.0, 0.0))
    exported = SimpleNamespace(engine="openvino", precision="int8")
    with caplog.at_level(logging.INFO):
        assert precisions.report_agreement(None, exported, ["a.jpg"], logging.getLogger("agreement")) == status
    assert message in caplog.text


@pytest.mark.parametrize("words, message", [
    (["--precision", "int8"], "belongs to the format onnx"),
    (["--format", "mxnet", "--precision", "bfloat16"], "belongs to the format onnx"),
    (["--format", "onnx", "--precision", "int8"], "by --calibrate"),
    (["--format", "onnx", "--calibrate", "photos"], "belong to --precision int8"),
    (["--calibrate", "photos"], "belong to --precision int8"),
    (["--format", "onnx", "--precision", "bfloat16", "--calibration-images", "4"], "belong to --precision int8"),
    (["--format", "onnx", "--precision", "int8", "--calibrate", "photos", "--calibration-images", "0"], "1 or more"),
    (["--format", "onnx", "--precision", "int8", "--calibrate", "photos"], "there is no image or folder photos"),
    (["--format", "onnx", "--precision", "int8", "--calibrate", "."], "there is no image in ."),
])
def test_what_does_not_go_together(words, message, run, lhrcnn, tmp_path, monkeypatch):
    if words[-1] in (".", "photos", "0"):
        pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    status, _, log = lhrcnn("export", "--checkpoint", run, "--cpu", "--out", tmp_path / "out", *words)
    assert status == 2 and message in log and log.count("error: ") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_without_onnxruntime(run, lhrcnn, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime.quantization", None)
    status, _, log = lhrcnn("export", "--checkpoint", run, "--cpu", "--format", "onnx", "--precision", "int8",
                            "--calibrate", ".", "--out", tmp_path / "out")
    assert status == 2 and "pip install 'light_head_rcnn[int8]'" in log and not list(tmp_path.iterdir())
