"""What makes the surroundings fit MXNet, on stand-ins where a machine lacks the real thing."""
import importlib
import sys
import types

import pytest

from light_head_rcnn import compat
from light_head_rcnn.errors import LibraryError


def distribution(folder, name, **files):
    """Writes what pip leaves of an installed distribution of version 1.9.1, with more files by name."""
    info = folder / f"{name.replace('-', '_')}-1.9.1.dist-info"
    info.mkdir()
    for file, content in dict(files, METADATA=f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.9.1\n").items():
        (info / file).write_text(content)


@pytest.mark.parametrize("system, name", [("Darwin", "this is macOS"), ("Windows", "this is Windows")])
def test_other_systems_get_a_message(system, name):
    compat.require_linux("Linux")
    with pytest.raises(LibraryError, match=f"{name}.*Use a Linux machine"):
        compat.require_linux(system)


def test_import_on_macos_is_an_import_error_with_that_message(fresh_python):
    code = ("import os, platform; platform.system = lambda: 'Darwin'; del os.sched_getaffinity\n"
            "try: import light_head_rcnn\n"
            "except ImportError as error: print(type(error).__name__, error)")
    assert fresh_python(code).startswith("LibraryError light_head_rcnn runs on Linux alone, and this is macOS")


def test_numpy_names_return():
    numpy = types.ModuleType("numpy")
    numpy.__version__, numpy.bool = "1.26.4", "kept"
    compat.restore_numpy_names(numpy)
    assert (numpy.bool, numpy.int, numpy.object) == ("kept", int, object)


def test_numpy_2_is_refused():
    numpy = types.ModuleType("numpy")
    numpy.__version__ = "2.1.0"
    with pytest.raises(LibraryError, match="NumPy below 2, found 2.1.0.*pip install 'numpy<2'"):
        compat.restore_numpy_names(numpy)


@pytest.mark.parametrize("onnx, command", [(None, "'numpy<2'"), (object(), "'numpy<2' 'onnx<1.19'")])
def test_an_onnx_that_brought_numpy_2_is_noticed(onnx, command, monkeypatch):
    numpy = types.ModuleType("numpy")
    numpy.__version__ = "2.4.6"
    monkeypatch.setattr(importlib.util, "find_spec", {"onnx": onnx}.get)
    with pytest.raises(LibraryError, match=f"found 2.4.6. Install it with: pip install {command}$"):
        compat.restore_numpy_names(numpy)


@pytest.fixture
def hide(monkeypatch):
    """Function that makes modules look as if they were not installed."""
    def hide_modules(*names):
        find_spec, import_module = importlib.util.find_spec, importlib.import_module

        def import_visible(name):
            if name in names:
                raise ImportError(name)
            return import_module(name)

        monkeypatch.setattr(compat.importlib.util, "find_spec", lambda name: None if name in names else find_spec(name))
        monkeypatch.setattr(compat.importlib, "import_module", import_visible)
    return hide_modules


def test_missing_mxnet_names_the_extras_when_it_is_imported(hide, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    hide("mxnet")
    compat.prepare()
    finder = sys.meta_path[-1]
    with pytest.raises(LibraryError, match=r"pip install 'light_head_rcnn\[cpu\]'.*'light_head_rcnn\[cu112\]'"):
        finder.find_spec("mxnet")
    assert finder.find_spec("mxnet.nd") is None and finder.find_spec("other") is None


def test_setuptools_stand_in_for_distutils(hide):
    hide("distutils")
    compat.restore_distutils()
    hide("distutils", "setuptools")
    with pytest.raises(LibraryError, match="pip install setuptools"):
        compat.restore_distutils()


def test_missing_system_libraries_are_named():
    with pytest.raises(LibraryError, match=r"needs libno.so.7 \(on Debian: apt install libno7\), which this system"):
        compat.require_system_libraries({"libc.so.6": "", "libno.so.7": "on Debian: apt install libno7"})


def test_libraries_that_the_wheels_need():
    assert set(compat.system_libraries("x86_64", False)) == {"libgomp.so.1", "libquadmath.so.0"}
    assert set(compat.system_libraries("aarch64", False)) == {"libgomp.so.1"}  # MXNet built from source
    assert set(compat.system_libraries("aarch64", True)) == {"libgomp.so.1", "libarmpl_lp64_mp.so"}


@pytest.mark.parametrize("tag, answer", [("py3-none-manylinux2014_aarch64", True), ("py3-none-linux_aarch64", False),
                                         ("py3-none-manylinux2014_x86_64", False)])
def test_arm_wheel_is_told_by_its_tag(tmp_path, monkeypatch, tag, answer):
    distribution(tmp_path, "mxnet", WHEEL=f"Wheel-Version: 1.0\nTag: {tag}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert compat.is_pypi_arm_build() is answer


def test_no_mxnet_is_no_arm_wheel(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert compat.is_pypi_arm_build() is False


@pytest.mark.parametrize("name, answer", [("mxnet_cu112", True), ("mxnet-cu112", True), ("mxnet", False)])
def test_cuda_build_is_told_by_its_name(tmp_path, monkeypatch, name, answer):
    distribution(tmp_path, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert compat.is_cuda_build() is answer


def test_no_driver():
    with pytest.raises(LibraryError, match=r"no NVIDIA driver.*light_head_rcnn\[cpu\]"):
        compat.open_driver("libthere-is-none.so.1")


def test_cuda_libraries_are_taken_from_the_wheels_in_order(tmp_path, monkeypatch):
    for part, library in [("cublas", "libcublas.so.11"), ("cublas", "libcublasLt.so.11"), ("cudnn", "libcudnn.so.8")]:
        (tmp_path / "nvidia" / part / "lib").mkdir(parents=True, exist_ok=True)
        (tmp_path / "nvidia" / part / "lib" / library).touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    importlib.invalidate_caches()
    folders = compat.nvidia_folders()
    assert folders == [str(tmp_path / "nvidia" / part / "lib") for part in ("cublas", "cudnn")]

    loaded = []
    compat.preload_cuda(folders, load=lambda path, mode: loaded.append(path))
    names = [path.rsplit("/")[-1] for path in loaded]
    assert tuple(names) == compat.CUDA_LIBRARIES
    assert loaded[names.index("libcudnn.so.8")] == str(tmp_path / "nvidia/cudnn/lib/libcudnn.so.8")
    assert loaded[names.index("libnccl.so.2")] == "libnccl.so.2"  # in no wheel: left to the system


def test_no_nvidia_wheels(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    assert compat.nvidia_folders() == []


def test_missing_cuda_libraries_are_all_named():
    with pytest.raises(LibraryError) as error:
        compat.preload_cuda([], names=("libc.so.6", "libfirst.so.1", "libsecond.so.2"))
    for part in ("light_head_rcnn[cu112]", "libfirst.so.1", "libsecond.so.2"):
        assert part in str(error.value)


class Driver:
    """Stands in for libcuda with GPUs of the given compute capabilities."""

    def __init__(self, *capabilities, status=0):
        self.capabilities, self.status = capabilities, status

    def cuInit(self, flags):
        return self.status

    def cuDeviceGetCount(self, count):
        count._obj.value = len(self.capabilities)
        return 0

    def cuDeviceGet(self, device, index):
        device._obj.value = index

    def cuDeviceGetName(self, name, size, device):
        name.value = b"Card"

    def cuDeviceGetAttribute(self, value, attribute, device):
        value._obj.value = self.capabilities[device.value][{75: 0, 76: 1}[attribute]]


@pytest.mark.parametrize("capability, served", [((3, 7), False), ((5, 0), True), ((7, 5), True), ((8, 9), True),
                                                ((9, 0), False), ((12, 0), False)])
def test_gpus_that_mxnet_cannot_serve(capability, served):
    messages = compat.unserved_gpus(Driver((8, 6), capability))
    assert len(messages) == (not served)
    assert served or f"GPU 1 (Card, compute capability {capability[0]}.{capability[1]})" in messages[0]


def test_driver_without_gpus():
    assert compat.unserved_gpus(Driver(status=100)) == []


@pytest.fixture
def torch_2(tmp_path):
    """Folder with a package that passes for PyTorch 2."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("__version__ = '2.5.1'")
    return tmp_path


def test_detectors_do_not_mind_pytorch_2_beside(torch_2, fresh_python):
    code = ("import sys, light_head_rcnn as lh; lh.get_model('light_head_rcnn_xception_voc')\n"
            "print('gluoncv' in sys.modules, 'torch' in sys.modules)")
    assert fresh_python(code, torch_2) == "False False"


def test_gluoncv_is_imported_beside_pytorch_2_which_stays_importable(torch_2, fresh_python):
    with_fault = "import light_head_rcnn\ntry: import gluoncv\nexcept RuntimeError as error: print(error)"
    assert "Legacy torch==2.5.1" in fresh_python(with_fault, torch_2)  # the fault that the function is there for
    code = """
import sys, threading, light_head_rcnn
from light_head_rcnn.compat import import_gluoncv
found = []
threads = [threading.Thread(target=lambda name=name: found.append(import_gluoncv(name)))
           for name in ("gluoncv.model_zoo", "gluoncv.utils.metrics.voc_detection", "gluoncv.data")]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(module.__name__ for module in found), "torch" in sys.modules)
import gluoncv, torch
assert gluoncv.model_zoo is import_gluoncv("gluoncv.model_zoo")
print(callable(gluoncv.model_zoo.get_model), torch.__version__)
"""
    assert fresh_python(code, torch_2).splitlines() == [
        "['gluoncv.data', 'gluoncv.model_zoo', 'gluoncv.utils.metrics.voc_detection'] False", "True 2.5.1"]


def test_missing_gluoncv_is_named(hide, monkeypatch):
    hide("gluoncv")
    monkeypatch.delitem(sys.modules, "gluoncv", raising=False)
    with pytest.raises(LibraryError, match="pip install 'gluoncv>=0.10.5,<0.11'"):
        compat.import_gluoncv("gluoncv.data")
