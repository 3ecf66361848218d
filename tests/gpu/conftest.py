"""The kernels' C interface, built without MXNet, and a GPU that PyTorch can use."""
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def module(path):
    """Module of a file, whatever package it lies in."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="session")
def torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("PyTorch sees no GPU here")
    return torch


@pytest.fixture(scope="session")
def library(torch):
    """Path of the kernels' library, which stays beside this file until its sources change."""
    build = module("operators/native/build.py")
    if not build.nvcc():
        pytest.skip("nvcc is not there")
    return build.build(str(ROOT / "tests" / "gpu" / "liblhrcnn_kernels.so"), mxnet=False, cuda=True)


@pytest.fixture(scope="session")
def cases():
    return module("tests/operators/cuda/cases.py")


@pytest.fixture(scope="session")
def pair(library, cases):
    interface = module("tests/operators/cuda/interface.py")
    # The GPU has an exp() of its own.
    return cases.Pair(interface.Kernels(library), interface.Kernels(library, interface.TorchDevice()), exact=False)
