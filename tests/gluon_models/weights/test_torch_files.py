"""Files of PyTorch are read by no PyTorch that they could run a program in, whatever else a training saved in them."""
import argparse
import contextlib
import datetime
import json
import os
import struct
import sys
import zipfile
from collections import defaultdict
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models.weights import torch_files
from light_head_rcnn.gluon_models.weights.torch_files import read_tensors


@pytest.mark.parametrize("version", ["1.13.1+cpu", "2.5.1"])
def test_an_old_pytorch_is_not_trusted(monkeypatch, version):
    def load(*args, **options):
        raise AssertionError("the file was loaded")

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__=version, load=load))
    with pytest.raises(CheckpointError, match=f"PyTorch {version.replace('+', '.')} can be made to run a program.*2.6"):
        read_tensors("weights.pth", "torch")


def test_a_new_pytorch_loads_tensors_alone(monkeypatch):
    asked = []

    def load(path, map_location, weights_only):
        asked.append((path, map_location, weights_only))
        return {"epoch": 3}

    serialization = SimpleNamespace(safe_globals=contextlib.nullcontext)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="2.10.0", load=load, Tensor=str,
                                                              serialization=serialization))
    with pytest.raises(CheckpointError, match="file of PyTorch without tensors .* a dictionary of int"):
        read_tensors("weights.pth", "torch")
    assert asked == [("weights.pth", "cpu", True)]


@pytest.fixture
def loading(monkeypatch):
    """Function that puts a PyTorch in place whose `load` returns something."""
    def put(content):
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(
            __version__="2.10.0", load=lambda *args, **options: content, Tensor=str,
            serialization=SimpleNamespace(safe_globals=contextlib.nullcontext)))

    return put


def test_more_tensors_than_weights_have_are_refused(loading, monkeypatch):
    monkeypatch.setattr(torch_files, "_MOST_TENSORS", 2)
    loading({"a": "", "b": {"c": "", "d": ""}})
    with pytest.raises(CheckpointError, match="weights.pth holds 3 tensors by name, more than the 2 of any weights"):
        read_tensors("weights.pth", "torch")


def archive(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x/data.pkl", b"a" * 50)
        file.writestr("x/data/0", b"b" * 50)


def test_changed_bytes_in_a_file_of_pytorch_are_found_by_its_checksums(loading, tmp_path):
    """PyTorch itself loads such a file."""
    archive(tmp_path / "x")
    loading({})
    with pytest.raises(CheckpointError, match="an empty dictionary"):
        read_tensors(str(tmp_path / "x"), "torch")
    content = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(content.replace(b"bbbb", b"bbbc", 1))
    with pytest.raises(CheckpointError, match="x is damaged: x/data/0 in it is not what was written"):
        read_tensors(str(tmp_path / "x"), "torch")
    place = content.rindex(b"PK\x01\x02") + 8  # flags of the last entry: it is encrypted
    (tmp_path / "x").write_bytes(content[:place] + b"\1" + content[place + 1:])
    with pytest.raises(CheckpointError, match="x is damaged: .*encrypted"):
        read_tensors(str(tmp_path / "x"), "torch")


def test_files_without_checksums_are_read(loading, tmp_path):
    """torch.serialization.set_crc32_options(False) leaves them out: they are 0."""
    archive(tmp_path / "x")
    content = bytearray((tmp_path / "x").read_bytes())
    for name in (b"x/data.pkl", b"x/data/0"):
        entry = content.rindex(b"PK\x01\x02", 0, content.rindex(name))
        content[entry + 16:entry + 20] = bytes(4)
    (tmp_path / "x").write_bytes(content)
    loading({})
    with pytest.raises(CheckpointError, match="an empty dictionary"):
        read_tensors(str(tmp_path / "x"), "torch")


class HistoryBuffer:
    """The losses of a training by mmengine, which are saved with a reference to each of their statistics."""

    def __init__(self):
        self.losses, self.statistics = np.arange(3.0), {"mean": HistoryBuffer.mean}

    @classmethod
    def mean(cls):
        raise AssertionError("something of the file was run")


@pytest.fixture
def history(monkeypatch):
    """Function that makes a `HistoryBuffer` that looks like mmengine's."""
    module = ModuleType("mmengine.logging.history_buffer")
    module.HistoryBuffer = HistoryBuffer
    monkeypatch.setattr(HistoryBuffer, "__module__", module.__name__)
    for name in ("mmengine", "mmengine.logging"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return HistoryBuffer


@pytest.mark.parametrize("zipped", [True, False])
def test_what_trainings_save_beside_the_weights_is_passed_over(tmp_path, history, zipped):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    weights = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    beside = {"args": argparse.Namespace(lr=0.1, output=Path("out")), "best": np.float64(0.5), "epochs": np.arange(4),
              "kind": np.dtype("float32"), "date": datetime.datetime(2026, 11, 27), "losses": history(),
              "history": defaultdict(list, {"AP": [1.0]}), "counts": defaultdict(int)}
    torch.save({"state_dict": {"conv1.weight": weights}, **beside}, tmp_path / "x",
               _use_new_zipfile_serialization=zipped)
    found = read_tensors(str(tmp_path / "x"), "torch")
    assert list(found) == ["state_dict.conv1.weight"]
    np.testing.assert_array_equal(found["state_dict.conv1.weight"], weights.numpy())


@pytest.mark.parametrize("dtype, gigabytes", [("I16", 5), ("F16", 3)])
def test_safetensors_are_not_read_where_they_are_too_large(tmp_path, dtype, gigabytes):
    """By the size of the file, and by that of its numbers as float32."""
    pytest.importorskip("safetensors", reason="needs safetensors")
    size = gigabytes << 30
    header = json.dumps({"conv1.weight": {"dtype": dtype, "shape": [size // 2], "data_offsets": [0, size]}}).encode()
    with open(tmp_path / "x", "wb") as file:  # a sparse file
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + size)
    with pytest.raises(CheckpointError, match="x holds tensors that take .* MB in memory, more than the 4096 MB"):
        read_tensors(str(tmp_path / "x"), "safetensors")


class Call:
    """Is saved as the call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("call", [
    Call(os.system, "touch {}"), Call(eval, "open('{}', 'w')"), Call(getattr, Call(__import__, "os"), "system"),
    Call(defaultdict, os.system)])
def test_a_file_that_calls_functions_is_refused(tmp_path, call):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    function, arguments = call.call
    made = tmp_path / "made"
    call = Call(function, *(text.format(made) if isinstance(text, str) else text for text in arguments))
    torch.save({"conv1.weight": torch.ones(1), "args": argparse.Namespace(call=call)}, tmp_path / "x")
    with pytest.raises(CheckpointError, match="is refused, and nothing of it was run"):
        read_tensors(str(tmp_path / "x"), "torch")
    assert not made.exists()
