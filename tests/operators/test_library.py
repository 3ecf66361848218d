"""The build of the native library and its loading: missing, stale, without a compiler, without MXNet."""
import importlib.util
import os
import shutil
import subprocess
import sys

import mxnet as mx
import pytest

from light_head_rcnn.operators import library
from light_head_rcnn.operators.native import build


def test_loading_leaves_the_names_of_mxnet_alone():
    library.load()
    assert (mx.nd.__name__, mx.sym.__name__) == ("mxnet.ndarray", "mxnet.symbol")
    assert callable(mx.nd.ps_roi_align) and callable(mx.sym.ps_roi_align)


def test_denormals_are_zero_in_mxnets_threads_and_kept_in_pythons():
    # A process of its own: here MXNet's threads may have been started by other tests before the library was loaded.
    code = """
import light_head_rcnn.operators, mxnet as mx, numpy as np
tiny = np.full(1 << 20, 1e-39, np.float32)  # long enough for every thread to take a share
print((tiny * np.float32(0.5)).any(), (mx.nd.array(tiny) * 0.5).asnumpy().any())
"""
    assert subprocess.check_output([sys.executable, "-c", code], universal_newlines=True).split() == ["True", "False"]


def test_library_is_of_the_sources_at_hand():
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
    with pytest.raises(ImportError) as error:
        library.check(str(path))
    first, second = str(error.value).splitlines()
    assert first == "The native operator library " + part + str(path)
    assert "make build" in second and second.endswith("native{}build.py)".format(os.sep))


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The build module of a copy of the native folder without a library, compiling without optimisation."""
    folder = tmp_path / "native"
    shutil.copytree(build.FOLDER, folder, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    spec = importlib.util.spec_from_file_location("build_copy", folder / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("CXXFLAGS", "-O0")
    return module


def test_builds_once_and_again_when_a_source_changes(copy, capsys):
    assert copy.built_fingerprint() is None
    assert copy.build() == copy.LIBRARY
    assert copy.built_fingerprint() == copy.fingerprint() == build.fingerprint()
    assert capsys.readouterr().out == ""  # no warnings
    before = os.stat(copy.LIBRARY)
    copy.build()
    assert os.stat(copy.LIBRARY).st_mtime_ns == before.st_mtime_ns
    with open(os.path.join(copy.FOLDER, "geometry.h"), "a") as file:
        file.write("// changed\n")
    assert copy.built_fingerprint() != copy.fingerprint()


def test_failed_compilation_leaves_nothing(copy):
    files = set(os.listdir(copy.FOLDER))
    with open(os.path.join(copy.FOLDER, "cpu", "ps_roi_align.cc"), "a") as file:
        file.write("this is not C++\n")
    with pytest.raises(copy.BuildError, match="Compiling the native operators failed"):
        copy.build()
    assert set(os.listdir(copy.FOLDER)) == files


def test_no_compiler(copy, monkeypatch):
    files = set(os.listdir(copy.FOLDER))
    monkeypatch.setenv("CXX", "no-such-compiler -x")
    with pytest.raises(copy.BuildError, match="'no-such-compiler' was not found. Install g\\+\\+"):
        copy.build()
    assert set(os.listdir(copy.FOLDER)) == files


def test_no_mxnet_to_build_against(copy, monkeypatch):
    monkeypatch.setattr(copy.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(copy.BuildError, match="pip install mxnet==1.9.1"):
        copy.build()
