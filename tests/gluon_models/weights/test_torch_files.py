"""Files of PyTorch are read by no PyTorch that they could run a program in."""
import sys
from types import SimpleNamespace

import pytest

from light_head_rcnn.errors import CheckpointError
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

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="2.10.0", load=load, Tensor=str))
    with pytest.raises(CheckpointError, match="file of PyTorch without tensors .* a dictionary of int"):
        read_tensors("weights.pth", "torch")
    assert asked == [("weights.pth", "cpu", True)]
