"""The loading of the native library: missing, stale, broken, without GPU kernels, and installed without a checkout."""
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import mxnet as mx
import pytest

from light_head_rcnn import errors
from light_head_rcnn.operators import library
from light_head_rcnn.operators.native import build

ROOT = Path(__file__).resolve().parents[2]


def test_loading_leaves_the_names_of_mxnet_alone():
    library.load()
    assert (mx.nd.__name__, mx.sym.__name__) == ("mxnet.ndarray", "mxnet.symbol")
    assert callable(mx.nd.ps_roi_align) and callable(mx.sym.ps_roi_align)


def test_a_second_load_does_nothing(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("loaded again")
    monkeypatch.setattr(mx.library, "load", refuse)
    monkeypatch.setattr(library, "warn_without_gpu_kernels", refuse)
    library.load()


def test_mxnets_threads_flush_denormals_and_pythons_keep_them():
    # A process of its own: here MXNet's threads may have been started by other tests before the library was loaded.
    code = """
import light_head_rcnn.operators, mxnet as mx, numpy as np
tiny = np.full(1 << 20, 1e-39, np.float32)  # long enough for every thread to take a share
print((tiny * np.float32(0.5)).any(), (mx.nd.array(tiny) * 0.5).asnumpy().any())
"""
    assert subprocess.check_output([sys.executable, "-c", code], universal_newlines=True).split() == ["True", "False"]


# ---- Missing, stale and broken libraries -----------------------------------------------------------------------------

def test_library_was_built_from_the_sources_at_hand():
    assert build.built_fingerprint() == build.fingerprint()
    library.check(build.LIBRARY)


@pytest.mark.parametrize("content, part", [
    (None, "is missing: "),
    (b"\x7fELF lhrcnn-sources:0123456789abcdef", "was built from other sources than those at hand: "),
    (b"something else", "was built from other sources than those at hand: "),
])
def test_missing_or_stale_library(tmp_path, content, part):
    path = tmp_path / "lib.so"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(errors.LibraryError) as error:
        library.check(str(path))
    first, second = str(error.value).splitlines()
    assert first == "The native operator library " + part + str(path)
    assert second == f"Build it with: make build   (or: {sys.executable} {build.__file__})"
    assert isinstance(error.value, ImportError) and isinstance(error.value, errors.LightHeadError)


def test_library_that_cannot_be_loaded(tmp_path, monkeypatch):
    """Such as one for another kind of processor: its stamp is right, and the loader refuses it."""
    path = tmp_path / "liblhrcnn.so"
    path.write_bytes(f"no library {build.STAMP}{build.fingerprint()}:cpu".encode())
    monkeypatch.setattr(build, "LIBRARY", str(path))
    monkeypatch.setattr(library, "_loaded", False)
    with pytest.raises(errors.LibraryError) as error:
        library.load()
    first, *_, last = str(error.value).splitlines()
    assert first.startswith(f"MXNet cannot load the native operator library {path}: ")
    assert last.startswith("Delete it and build it on this machine with: make build")
    assert not library._loaded


def test_command_of_an_installation_without_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "__file__", str(tmp_path / "operators" / "library.py"))
    assert library.build_command() == f"{sys.executable} {build.__file__}"


# ---- A library without GPU kernels beside an MXNet for GPUs ----------------------------------------------------------

def pretend_installed(folder, name):
    """Makes a distribution `name` that importlib.metadata finds in `folder`."""
    info = folder / f"{name.replace('-', '_')}-1.9.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.9.1\n")


def library_of_kind(path, kind):
    """Writes a file that has the stamp of a library and nothing else."""
    path.write_bytes(f"{build.STAMP}{build.fingerprint()}:{kind}".encode())
    return str(path)


@pytest.mark.parametrize("name, kind, warns", [
    ("mxnet-cu112", "cpu", True), ("mxnet_cu112", "cpu", True), ("mxnet-cu112", "cuda", False),
    ("mxnet", "cpu", False)])
def test_gpu_mxnet_with_a_library_without_gpu_kernels(tmp_path, monkeypatch, name, kind, warns):
    pretend_installed(tmp_path / "site", name)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    path = library_of_kind(tmp_path / "lib.so", kind)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        library.warn_without_gpu_kernels(path)
    assert len(caught) == warns
    if warns:
        message = str(caught[0].message)
        assert "MXNet is a GPU build (mxnet-cu112), but" in message and "without kernels for GPUs" in message
        assert message.endswith(f"build them again with: LHRCNN_CUDA=1 {sys.executable} {build.__file__}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The operators as a plain install lays them out in a site-packages folder, without a library."""
    site = tmp_path_factory.mktemp("site-packages")
    package = site / "light_head_rcnn"
    shutil.copytree(ROOT / "operators", package / "operators", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for path in ROOT.glob("*.py"):
        if path.name != "setup.py":
            shutil.copy(path, package)
    return site


def run(site, *words, fails=False, **environment):
    """Output of a command with `site` before the other site-packages, away from the checkout."""
    environment = dict(os.environ, PYTHONPATH=str(site), CXXFLAGS="-O0", **environment)
    done = subprocess.run(words, cwd="/", env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout


USE = """
import sys, light_head_rcnn
sys.path.insert(0, sys.argv[1])
import light_head_rcnn.operators, mxnet as mx
from light_head_rcnn.operators import library, ps_roi_align
library.load()
print(light_head_rcnn.operators.__file__)
print(ps_roi_align(mx.nd, mx.nd.ones((1, 8, 9, 9)), mx.nd.array([[0, 2, 2, 6, 6]]), 2, 2, 1).sum().asscalar())
"""


@pytest.mark.slow
def test_a_plain_install_names_commands_that_work(installed, tmp_path):
    """The command of the error builds the library for the CPU; the warning's demands GPU kernels of the same script."""
    pretend_installed(tmp_path / "gpu", "mxnet-cu112")
    script = [sys.executable, "-W", "default", "-c", USE, str(tmp_path / "gpu")]
    native = installed / "light_head_rcnn" / "operators" / "native"
    *_, last = run(installed, *script, fails=True).splitlines()
    assert last == f"Build it with: {sys.executable} {native / 'build.py'}"
    assert run(installed, "sh", "-c", last.split(": ", 1)[1]).splitlines() == [str(native / "liblhrcnn.so")]

    told, = [line for line in run(installed, *script).splitlines() if "RuntimeWarning" in line]
    command = told.rsplit("build them again with: ", 1)[1]
    assert command == f"LHRCNN_CUDA=1 {sys.executable} {native / 'build.py'}"
    without = run(installed, "sh", "-c", command, fails=True, NVCC="no-such-nvcc")
    assert without.startswith("LHRCNN_CUDA=1 demands the kernels for GPUs, but nvcc was not found")
    where, total = run(installed, sys.executable, "-W", "ignore", "-c", USE, str(tmp_path / "none")).splitlines()
    assert where == str(installed / "light_head_rcnn" / "operators" / "__init__.py") and total == "8.0"
