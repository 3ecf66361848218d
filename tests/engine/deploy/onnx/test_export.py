"""The folder of an ONNX export: its files, its description, and what happens where a folder exists or a write fails."""
import hashlib
import json
import os

import pytest

from light_head_rcnn.engine.deploy.onnx import detect as script
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.symbolic.detector import SymbolDetector
from light_head_rcnn.errors import LibraryError, ModelError, UsageError

FILES = ["detect.py", "meta.json", "model.onnx"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_files_and_description(export, small_detector):
    assert names(export) == FILES and names(export.parent) == ["cups"]
    meta = json.loads((export / "meta.json").read_text())
    assert meta["kind"] == "light_head_rcnn detector" and meta["format"] == 1 and meta["precision"] == "float32"
    assert meta["classes"] == ["cup", "spoon", "plate"] and (meta["short_edge"], meta["long_edge"]) == (64, 96)
    assert meta["means"] == [123, 117, 104] and meta["stds"] == [58, 57, 57.5] and meta["stride"] == 32
    assert meta["thresholds"] == {"nms": 0.5} and meta["model"] == "the_model" and meta["opset"] == 16
    assert meta["sha256"] == hashlib.sha256((export / "model.onnx").read_bytes()).hexdigest()
    assert set(meta["versions"]) == {"light_head_rcnn", "mxnet", "onnx"}
    with open(script.__file__, encoding="utf-8") as file:
        assert (export / "detect.py").read_text(encoding="utf-8") == file.read()
    assert os.stat(export).st_mode & 0o777 == os.stat(export.parent).st_mode & 0o777 | 0o055 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_configuration_of_a_test_is_kept_without_private_paths():
    pytest.importorskip("onnx", reason="needs the package onnx")
    from light_head_rcnn.engine.deploy.onnx.export import _test_config
    assert _test_config({
        "output_path": "/home/me/secret", "network.pretrained": "/home/me/weights", "TRAIN.lr": 0.1,
        "dataset.dataset_path": "/home/me/data", "dataset.train": "~/train.json", "dataset.val": "data/val.json",
        "dataset.proposal_files": ["here.npz", "/home/me/p.npz"],
        "dataset.classes": ["a"], "TEST.NUM_WORKERS": 2, "TEST.NMS": 0.3}) == {
            "dataset.dataset_path": None, "dataset.train": None, "dataset.val": "data/val.json",
            "dataset.proposal_files": None, "dataset.classes": ["a"], "TEST.NUM_WORKERS": 2}


def test_an_earlier_export_is_replaced_and_a_failure_leaves_it(export, small_detector, tmp_path, monkeypatch):
    from light_head_rcnn.engine.deploy.onnx import export as module
    from light_head_rcnn.engine.deploy.onnx import folder as writing
    folder = tmp_path / "models" / "cups"
    module.export_onnx(small_detector, folder)
    (folder / "__pycache__").mkdir()
    module.export_onnx(small_detector, folder, name="again")
    assert json.loads((folder / "meta.json").read_text())["model"] == "again" and names(folder) == FILES

    def fail(path, value):
        raise OSError("disk full")

    monkeypatch.setattr(writing, "write_json", fail)
    for target in (folder, tmp_path / "models" / "new"):
        with pytest.raises(UsageError, match="the export .* cannot be written: disk full"):
            module.export_onnx(small_detector, target)
    assert names(tmp_path / "models") == ["cups"] and names(folder) == FILES


def test_what_cannot_be_exported_leaves_nothing(small_detector, tmp_path, monkeypatch):
    pytest.importorskip("onnx", reason="needs the package onnx")
    from light_head_rcnn.engine.deploy.onnx import export as module

    def fail(*arguments):
        raise ModelError("Odd cannot be exported to ONNX")

    monkeypatch.setattr(module, "detector_model", fail)
    with pytest.raises(ModelError):
        module.export_onnx(small_detector, tmp_path / "new" / "cups")
    assert names(tmp_path) == []


def test_graphs_are_refused(small_detector, tmp_path):
    pytest.importorskip("onnx", reason="needs the package onnx")
    from light_head_rcnn.engine.deploy.onnx.export import export_onnx
    graph = Detector(SymbolDetector.__new__(SymbolDetector), ("a",), small_detector.preparation)
    with pytest.raises(ModelError, match="a graph .* is not exported to ONNX.* by the override symbol=''"):
        export_onnx(graph, tmp_path / "cups")
    assert names(tmp_path) == []


def test_without_the_package_onnx(small_detector, tmp_path, monkeypatch):
    import sys

    from light_head_rcnn.engine.deploy.onnx.export import export_onnx
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(LibraryError, match=r"pip install 'light_head_rcnn\[onnx\]'"):
        export_onnx(small_detector, tmp_path / "cups")
    assert names(tmp_path) == []


def test_folders_that_are_not_replaced(tmp_path):
    from light_head_rcnn.engine.deploy.onnx.folder import check_target
    check_target(tmp_path / "new")
    check_target(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file is not a folder"):
        check_target(tmp_path / "file")
    with pytest.raises(UsageError, match="is not an export that could be replaced"):
        check_target(tmp_path)
    (tmp_path / "meta.json").write_text(json.dumps({"kind": script.KIND}))
    with pytest.raises(UsageError, match=r"other files in its folder too \(file\)"):
        check_target(tmp_path)
    (tmp_path / "file").unlink()
    check_target(tmp_path)
    (tmp_path / "meta.json").unlink()
    for name in (script.MODEL, "detect.py"):
        (tmp_path / name).write_text("somebody's own")
    with pytest.raises(UsageError, match="is not an export that could be replaced"):
        check_target(tmp_path)
