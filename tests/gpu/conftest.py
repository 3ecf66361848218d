"""Fixtures of the tests on a real GPU: the kernels' C interface, built without MXNet, on the arrays of PyTorch."""
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Stays beside this file until its sources change, for the next run and for benchmark.py.
LIBRARY = Path(__file__).resolve().parent / "liblhrcnn_kernels.so"


def load_module(path):
    """Loads the Python file at `path`, from the root of the checkout, without importing its package."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def torch():
    """PyTorch, or the test is skipped where it is not installed or sees no GPU."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("PyTorch sees no GPU here")
    return torch


@pytest.fixture(scope="session")
def library(torch):
    """Path of the library with the kernels' C interface."""
    build = load_module("operators/native/build.py")
    if not build.nvcc():
        pytest.skip("nvcc is not there")
    return build.build(str(LIBRARY), mxnet=False, cuda=True)


@pytest.fixture(scope="session")
def cases():
    """The module of checks that the emulator's tests use too."""
    return load_module("tests/operators/cuda/cases.py")


@pytest.fixture(scope="session")
def pair(library, cases):
    """The kernels of the CPU and those of the GPU, to be compared; the GPU computes exp() in its own way."""
    interface = load_module("tests/operators/cuda/interface.py")
    return cases.Pair(interface.Kernels(library), interface.Kernels(library, interface.TorchDevice()), exact=False)
