"""Folders of exports that are damaged or come from a stranger."""
import hashlib
import json
import os

import numpy as np
import pytest

from light_head_rcnn.engine.deploy.onnx import reading
from light_head_rcnn.engine.deploy.onnx.folder import is_export
from light_head_rcnn.engine.deploy.onnx.reading import read_meta
from light_head_rcnn.errors import CheckpointError

META = {"kind": "light_head_rcnn detector", "format": 1, "classes": ["a"], "short_edge": 64, "long_edge": 96,
        "stride": 32, "least_side": 16, "means": [1.0, 2, 3.0]}


def write(folder, model=b"", **values):
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(model)
    meta = {**META, "sha256": hashlib.sha256(model).hexdigest(), **values}
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


def test_a_sound_folder(tmp_path):
    assert read_meta(write(tmp_path))["precision"] == "float32"
    assert read_meta(write(tmp_path, precision="int8"))["precision"] == "int8"
    assert read_meta(write(tmp_path, proposals=True, proposal_limit=300, map_stride=16))["proposal_limit"] == 300
    assert is_export(tmp_path)


@pytest.mark.parametrize("values, message", [
    ({"short_edge": -1}, "short_edge is -1, and must be a whole number from 1 to 20000"),
    ({"short_edge": 10 ** 4000}, "short_edge is 1000"), ({"stride": 0}, "stride is 0"),
    ({"long_edge": float("nan")}, "long_edge is nan"), ({"long_edge": "1"}, "long_edge is '1'"),
    ({"long_edge": True}, "long_edge is True"), ({"least_side": None}, "least_side is None"),
    ({"long_edge": 800.0}, "long_edge is 800.0"), ({"means": [1, float("nan"), 3]}, "means is list, and must be"),
    ({"means": [1, 2]}, "means is list"), ({"means": "abc"}, "means is 'abc'"),
    ({"classes": "abc"}, "classes is 'abc'"),
    ({"classes": []}, "classes is list, and must be a list of names"), ({"classes": ["a", 1]}, "classes is list"),
    ({"classes": {"a": 1}}, "classes is dict"),
    ({"precision": "float16"}, "precision is 'float16', and must be one of"),
    ({"proposals": 7}, "proposals is 7, and must be true or false"),
    ({"proposals": True}, "proposal_limit is None, and must be a whole number from 1 to 1000000"),
    ({"proposals": True, "proposal_limit": 2000, "map_stride": 0}, "map_stride is 0"),
    ({"precision": []}, "precision is list"), ({"short_edge": "x" * 10 ** 6}, "short_edge is 'xxx"),
    ({"format": 9}, "in format 1"), ({"kind": ["light_head_rcnn detector"]}, "in format 1"),
    ({"sha256": None}, "cut short or changed"), ({"classes": ["a" * 100] * 50000}, "meta.json is too large")])
def test_hostile_values(values, message, tmp_path):
    write(tmp_path, **values)
    with pytest.raises(CheckpointError, match=message) as error:
        read_meta(tmp_path)
    assert len(str(error.value)) < 400 + len(str(tmp_path))


def test_files_that_are_missing_or_no_files(tmp_path):
    for name in ("model.onnx", "meta.json"):
        folder = write(tmp_path / name)
        (folder / name).unlink()
        with pytest.raises(CheckpointError, match=f"not a whole one: there is no file .*{name}"):
            read_meta(folder)
        os.mkfifo(folder / name)  # reading it would wait for ever
        with pytest.raises(CheckpointError, match=f"not a whole one: there is no file .*{name}"):
            read_meta(folder)
        is_export(folder)


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    folder = write(tmp_path)
    with open(folder / "model.onnx", "wb") as file:
        file.truncate(3 << 30)
    monkeypatch.setattr(reading.script, "read_meta", None)
    with pytest.raises(CheckpointError, match="model.onnx is too large"):
        read_meta(folder)


def test_a_model_of_other_files_is_not_opened(tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs the package onnx")
    tensor = onnx.numpy_helper.from_array(np.zeros(2, np.float32), "w")
    onnx.external_data_helper.set_external_data(tensor, "../../etc/passwd")
    model = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], [tensor])).SerializeToString()
    with pytest.raises(CheckpointError, match="model.onnx takes numbers from other files"):
        read_meta(write(tmp_path, model))
    with pytest.raises(CheckpointError, match="model.onnx is no ONNX model: it was cut short"):
        read_meta(write(tmp_path, model[:-1]))
