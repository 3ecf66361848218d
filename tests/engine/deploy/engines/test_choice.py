"""Which engine runs what."""
import importlib.util
import json

import pytest

from light_head_rcnn.engine.deploy.detectors import load_detector
from light_head_rcnn.engine.deploy.engines.choice import check_engine, choose_engine, choose_precision
from light_head_rcnn.errors import CheckpointError, LibraryError, UsageError


@pytest.fixture
def installing(monkeypatch):
    """Function that makes it look as if some engines alone were installed."""
    def install(*names):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in names else None)

    return install


@pytest.mark.parametrize("installed, wanted, chosen", [
    (("onnxruntime", "openvino"), None, "openvino"), (("onnxruntime",), None, "onnxruntime"),
    (("onnxruntime", "openvino"), "onnxruntime", "onnxruntime")])
def test_the_first_that_is_installed(installed, wanted, chosen, installing):
    installing(*installed)
    assert choose_engine(wanted) == chosen


def test_engines_that_are_not_installed(installing):
    installing("onnxruntime")
    with pytest.raises(LibraryError, match="the engine openvino, which is not installed.*pip install openvino 'numpy"):
        choose_engine("openvino")
    installing()
    with pytest.raises(LibraryError, match="one of the engines openvino and onnxruntime, of which none is installed"):
        choose_engine(None)


def test_bfloat16_is_for_openvino(installing):
    installing("onnxruntime", "openvino")
    assert choose_engine(None, "bfloat16") == "openvino" and choose_engine(None, "int8") == "openvino"
    with pytest.raises(UsageError, match="onnxruntime does not compute in bfloat16"):
        choose_engine("onnxruntime", "bfloat16")
    installing("onnxruntime")
    with pytest.raises(LibraryError, match="the engine openvino, which is not installed"):
        choose_engine(None, "bfloat16")


def test_precisions_that_stand_for_each_other():
    for saved in ("float32", "bfloat16", "int8"):
        assert choose_precision("x", saved, None) == choose_precision("x", saved, saved) == saved
    assert choose_precision("x", "float32", "bfloat16") == "bfloat16"
    assert choose_precision("x", "bfloat16", "float32") == "float32"
    for saved, asked, message in [("float32", "int8", "--precision int8 --calibrate FOLDER"),
                                  ("int8", "float32", "in int8, which cannot be undone.*--precision float32"),
                                  ("float32", "float16", "the precisions are float32, bfloat16, int8, got 'float16'")]:
        with pytest.raises(UsageError, match=message):
            choose_precision("x", saved, asked)


def test_engines_and_files(tmp_path):
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "meta.json").write_text(json.dumps({"kind": "light_head_rcnn detector"}))
    assert check_engine(tmp_path / "onnx", None) and check_engine(tmp_path / "onnx", "openvino")
    assert not check_engine(tmp_path, None) and not check_engine(tmp_path, "mxnet")
    with pytest.raises(UsageError, match="the engines are mxnet, openvino, onnxruntime, got 'tensorrt'"):
        check_engine(tmp_path, "tensorrt")
    with pytest.raises(UsageError, match="is an ONNX export, which MXNet cannot run"):
        load_detector(tmp_path / "onnx", engine="mxnet")
    with pytest.raises(UsageError, match="onnxruntime runs ONNX exports alone, and .* is none"):
        load_detector(tmp_path, engine="onnxruntime")
    with pytest.raises(UsageError, match="a precision is chosen for ONNX exports alone, and .* is none"):
        load_detector(tmp_path, precision="bfloat16")
    with pytest.raises(UsageError, match="thresholds and sizes are fixed"):
        load_detector(tmp_path / "onnx", overrides={"TEST.NMS": 0.5})


def test_a_damaged_export(tmp_path, installing):
    installing("onnxruntime")
    (tmp_path / "meta.json").write_text(json.dumps({"kind": "light_head_rcnn detector"}))
    with pytest.raises(CheckpointError, match="not a whole one: .*model.onnx"):
        load_detector(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(CheckpointError, match="meta.json does not describe a detector"):
        load_detector(tmp_path)
