"""lhrcnn export --format onnx, and lhrcnn test and detect with such an export."""
import contextlib
import io
import json
import re
from pathlib import Path

import pytest

from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.checkpoints.checkpoint_files import Content, write_checkpoint
from light_head_rcnn.engine.checkpoints.parameters import parameter_arrays
from light_head_rcnn.engine.config import saved_config
from light_head_rcnn.experiments.commands import detect, export, test


@pytest.fixture(scope="module")
def run(configuring, tmp_path_factory):
    """The folder of a training, with a checkpoint."""
    configure = configuring(tmp_path_factory.mktemp("onnx"), "network: {model: light_head_rcnn_xception_coco}\n")
    cfg = configure("run", "dataset.test_image_set", "val")
    net = build_net(cfg, ("disc", "square", "triangle"))
    net.initialize()
    content = Content(parameter_arrays(net), {}, {}, net.classes)
    write_checkpoint(cfg.output_path + "/model", "0002", content, 2, 6, {"config": saved_config(cfg)})
    return cfg.output_path


@pytest.fixture(scope="module")
def log(run):
    """What lhrcnn export says while it writes RUN/export_onnx."""
    pytest.importorskip("onnx", reason="needs the package onnx")
    pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
        assert export.main(["--checkpoint", run, "--cpu", "--format", "onnx"]) == 0
    return stderr.getvalue()


@pytest.fixture(scope="module")
def exported(run, log):
    return run + "/export_onnx"


def test_the_command_says_what_it_wrote_and_compared(log, exported):
    assert f"{exported}/model.onnx, {exported}/meta.json, {exported}/detect.py" in log
    assert "found again, largest difference of a score" in log
    meta = json.loads(Path(exported, "meta.json").read_text())
    assert meta["model"] == "light_head_rcnn_xception_coco" and set(meta["thresholds"]) == {
        "score", "nms", "max_per_image"}


def test_an_export_is_tested_on_the_data_of_its_training(run, exported, shapes, tmp_path, capsys):
    words = ["--engine", "onnxruntime", "--checkpoint", exported]
    assert test.main(words) == 2
    assert "Add dataset.dataset_path=PATH" in capsys.readouterr().err
    words.append(f"dataset.dataset_path={shapes}")
    assert test.main([*words, "--out", str(tmp_path / "onnx")]) == 0
    assert test.main(["--checkpoint", run, "--cpu", "--out", str(tmp_path / "mxnet")]) == 0
    one, other = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("onnx", "mxnet"))
    assert len(one) == len(other) > 0
    assert [entry["score"] for entry in one] == pytest.approx([entry["score"] for entry in other], abs=1e-4)
    assert "coco" in json.loads((tmp_path / "onnx" / "metrics.json").read_text())


def test_an_export_detects(run, exported, shapes, tmp_path):
    for option in ("--checkpoint", "--exported"):
        assert detect.main([option, exported, "--engine", "onnxruntime", "--threshold", "0", "--out",
                            str(tmp_path / option), shapes]) == 0
        assert json.loads((tmp_path / option / "detections.json").read_text())[0]["detections"]


@pytest.mark.parametrize("command, words, message", [
    (export, ["--format", "onnx", "--name", "x"], "--name belongs to the format mxnet"),
    (test, ["--precision", "bfloat16"], "a precision is chosen for ONNX exports alone"),
    (test, ["--engine", "openvino"], "openvino runs ONNX exports alone, and .* is none"),
    (detect, ["--engine", "onnxruntime", "x.png"], "onnxruntime runs ONNX exports alone, and .* is none")])
def test_checkpoints_are_no_exports(command, words, message, run, capsys):
    assert command.main(["--checkpoint", run, "--cpu", *words]) == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize("command, words, message", [
    (test, ["--engine", "mxnet"], "is an ONNX export, which MXNet cannot run"),
    (test, ["TEST.NMS=0.5"], "is an export, in which TEST.NMS is fixed"),
    (test, ["--gpus", "0"], "runs on the CPU, and takes no --gpus"),
    (test, [], "Add dataset.dataset_path=PATH, or name a configuration by --cfg"),
    (detect, ["TEST.NMS=0.5", "x.png"], "thresholds and sizes are fixed")])
def test_what_exports_do_not_take(command, words, message, tmp_path, capsys):
    (tmp_path / "model.onnx").write_bytes(b"")
    (tmp_path / "meta.json").write_text(json.dumps({
        "kind": "light_head_rcnn detector", "format": 1, "classes": ["a"], "short_edge": 64, "long_edge": 96,
        "stride": 32, "least_side": 16, "means": [1, 2, 3],
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}))
    assert command.main(["--checkpoint", str(tmp_path), *words]) == 2
    assert message in capsys.readouterr().err
