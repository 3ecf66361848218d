"""What `import light_head_rcnn` does before MXNet is imported, on stand-ins where a machine lacks the real thing."""
import importlib
import subprocess
import sys
import types

import pytest

import light_head_rcnn
from light_head_rcnn import compat


def python(code, *options):
    """Output of ``code`` in a fresh interpreter, away from the checkout."""
    run = subprocess.run([sys.executable, *options, "-c", code], cwd="/", stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, universal_newlines=True)
    assert run.returncode == 0, run.stdout
    return run.stdout.strip()


def test_import_is_silent_and_leaves_mxnet_alone():
    out = python("import sys, light_head_rcnn, numpy\n"
                 "print(numpy.bool is bool, numpy.float is float, 'mxnet' in sys.modules)", "-W", "error")
    assert out == "True True False"


def test_gluoncv_and_mxnet_import_after_it_without_cv2(tmp_path):
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    code = "import sys; sys.path.insert(0, {!r}); import light_head_rcnn, gluoncv, mxnet; print(mxnet.__version__)"
    assert python(code.format(str(tmp_path)), "-W", "ignore") == "1.9.1"


def test_public_names():
    assert light_head_rcnn.__version__.count(".") == 2
    assert callable(light_head_rcnn.get_model)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        light_head_rcnn.nothing  # noqa: B018


def test_numpy_names_return():
    numpy = types.ModuleType("numpy")
    numpy.__version__, numpy.bool = "1.26.4", "kept"
    compat.restore_numpy_names(numpy)
    assert (numpy.bool, numpy.int, numpy.object) == ("kept", int, object)


def test_numpy_2_is_refused():
    numpy = types.ModuleType("numpy")
    numpy.__version__ = "2.1.0"
    with pytest.raises(ImportError, match="NumPy below 2, found 2.1.0.*pip install 'numpy<2'"):
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


def test_missing_mxnet_names_the_extras(hide):
    hide("mxnet")
    with pytest.raises(ImportError, match=r"pip install 'light_head_rcnn\[cpu\]'.*'light_head_rcnn\[cu112\]'"):
        compat.prepare()


def test_setuptools_stand_in_for_distutils(hide):
    hide("distutils")
    compat.restore_distutils()
    hide("distutils", "setuptools")
    with pytest.raises(ImportError, match="pip install setuptools"):
        compat.restore_distutils()


def test_missing_system_libraries_are_named():
    compat.require_system_libraries(compat.SYSTEM_LIBRARIES)
    with pytest.raises(ImportError, match="needs libno.so.7, which.*apt install libno7"):
        compat.require_system_libraries({"libc.so.6": "libc6", "libno.so.7": "libno7"})


@pytest.mark.parametrize("name, answer", [("mxnet_cu112", True), ("mxnet-cu112", True), ("mxnet", False)])
def test_cuda_build_is_told_by_its_name(tmp_path, monkeypatch, name, answer):
    folder = tmp_path / "mxnet-1.9.1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: {}\nVersion: 1.9.1\n".format(name))
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert compat.is_cuda_build() is answer


def test_no_driver():
    with pytest.raises(ImportError, match=r"no NVIDIA driver.*light_head_rcnn\[cpu\]"):
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
    with pytest.raises(ImportError) as error:
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
    assert served or "GPU 1 (Card, compute capability {}.{})".format(*capability) in messages[0]


def test_driver_without_gpus():
    assert compat.unserved_gpus(Driver(status=100)) == []


def test_every_physical_core_is_used_once(tmp_path):
    for cpu, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        (tmp_path / str(cpu)).write_text(siblings + "\n")
    topology = str(tmp_path / "{}")
    for cpus, expected in (({0, 1, 2, 3}, "2"), ({0, 2}, "1"), ({0, 1, 7}, "3")):
        environment = {}
        compat.use_physical_cores(environment, cpus, topology)
        assert environment == {"OMP_NUM_THREADS": expected}


def test_the_users_number_of_threads_stays():
    environment = {"OMP_NUM_THREADS": "5"}
    compat.use_physical_cores(environment)
    assert environment == {"OMP_NUM_THREADS": "5"}
