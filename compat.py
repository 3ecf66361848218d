"""Makes the surroundings fit MXNet 1.9.1. Runs once, before anything imports MXNet.

MXNet 1.9.1 and GluonCV 0.10 name NumPy attributes that NumPy 1.24 dropped and import ``distutils``, which Python 3.12
dropped. The GPU build of MXNet expects the CUDA 11 libraries where the dynamic loader looks, while pip puts them inside
``site-packages/nvidia``. GluonCV cannot be imported where PyTorch 2 is installed.
"""
import ctypes
import importlib
import importlib.abc
import importlib.metadata
import importlib.util
import os
import platform
import sys
import threading
import warnings
from types import ModuleType
from typing import Callable, Dict, Iterable, List, Mapping, Sequence

import numpy

from .errors import LibraryError
from .mxnet_imports import LateModulesForMXNet, NoScikitLearnForMXNet

NUMPY_ALIASES = {"bool": bool, "int": int, "float": float, "complex": complex, "object": object, "str": str}

# The CUDA libraries that libmxnet.so of the cu112 build names, each after those that it needs itself. Other libraries
# that these need are found by the wheels of pip themselves.
CUDA_LIBRARIES = ("libcudart.so.11.0", "libnvrtc.so.11.2", "libnvToolsExt.so.1", "libcublasLt.so.11", "libcublas.so.11",
                  "libcufft.so.10", "libcurand.so.10", "libcusolver.so.11", "libcudnn.so.8", "libnccl.so.2")
# The machine code in the cu112 wheel is for sm_50, 60, 70, 80 and 86, without PTX: the next generation cannot run it.
CAPABILITIES = ((5, 0), (9, 0))

_gluoncv_lock = threading.Lock()


def prepare() -> None:
    """Does everything that `import light_head_rcnn` needs of the functions below, in order.

    Where MXNet is not installed, what works without it can be used: configurations, and the reading of data sets. An
    import of MXNet then ends in an error that says how to install it.

    Raises:
        LibraryError: something that the installed MXNet needs is missing; the message says what to install.
    """
    if importlib.util.find_spec("mxnet") is None:
        sys.meta_path.append(MissingMXNet())
        return
    restore_numpy_names(numpy)
    restore_distutils()
    sys.meta_path[:0] = [NoScikitLearnForMXNet(), LateModulesForMXNet()]
    require_system_libraries(system_libraries(platform.machine(), is_pypi_arm_build()))
    if is_cuda_build():
        driver = open_driver()
        preload_cuda(nvidia_folders())
        for message in unserved_gpus(driver):
            warnings.warn(message, RuntimeWarning, stacklevel=4)


class MissingMXNet(importlib.abc.MetaPathFinder):
    """Stands last among Python's finders of modules, and answers an import of MXNet that no other one found."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raises LibraryError for MXNet, and finds nothing else."""
        if name == "mxnet":
            raise LibraryError("this needs MXNet 1.9.1, which is not installed. Install it with: "
                               "pip install 'light_head_rcnn[cpu]', or for NVIDIA GPUs 'light_head_rcnn[cu112]'")


def require_linux(system: str = platform.system()) -> None:
    """Checks that the operating system is Linux.

    Args:
        system: its name, as `platform.system()` returns it.

    Raises:
        LibraryError: it is another one.
    """
    if system != "Linux":
        name = {"Darwin": "macOS"}.get(system, system)
        raise LibraryError(f"light_head_rcnn runs on Linux alone, and this is {name}: its native operators are built "
                           f"for Linux. Use a Linux machine, a Linux container (Docker) or, on Windows, WSL 2. "
                           f"Exported detectors need neither MXNet nor this package.")


def restore_numpy_names(module: ModuleType) -> None:
    """Gives NumPy 1.20 to 1.26 back the names of Python's own types (``np.bool`` and so on), without a warning.

    Args:
        module: numpy.

    Raises:
        LibraryError: it is NumPy 2 or later.
    """
    if int(module.__version__.split(".")[0]) >= 2:
        # An onnx from 1.19 on brings NumPy 2 along, and does not work with the earlier one.
        with_onnx = " 'onnx<1.19'" if importlib.util.find_spec("onnx") else ""
        raise LibraryError(f"MXNet 1.9.1 needs NumPy below 2, found {module.__version__}. Install it with: "
                           f"pip install 'numpy<2'{with_onnx}")
    for name, python_type in NUMPY_ALIASES.items():
        if name not in vars(module):
            setattr(module, name, python_type)


def restore_distutils() -> None:
    """Lets setuptools stand in for the ``distutils`` that MXNet imports, on Python 3.12.

    Raises:
        LibraryError: neither is there.
    """
    if importlib.util.find_spec("distutils") is None:
        try:
            importlib.import_module("setuptools")
        except ImportError:
            raise LibraryError("MXNet 1.9.1 needs distutils, which this Python lacks. Install its stand-in with: "
                               "pip install setuptools") from None


def system_libraries(machine: str, pypi_arm_build: bool) -> Dict[str, str]:
    """Returns the libraries that MXNet's wheel expects the system to have.

    Args:
        machine: the processor's architecture, as `platform.machine()` returns it.
        pypi_arm_build: whether the installed MXNet is the wheel for aarch64 of the Python package index.

    Returns:
        {file name: how to get it}.
    """
    needed = {"libgomp.so.1": "on Debian: apt install libgomp1"}
    if machine == "x86_64":
        needed["libquadmath.so.0"] = "on Debian: apt install libquadmath0"  # does not exist for other architectures
    if pypi_arm_build:
        needed["libarmpl_lp64_mp.so"] = ("it is part of the Arm Performance Libraries, to be had from "
                                         "developer.arm.com; name their folder in LD_LIBRARY_PATH")
    return needed


def require_system_libraries(needed: Mapping[str, str]) -> None:
    """Checks that libraries can be loaded.

    Args:
        needed: {file name: how to get it}.

    Raises:
        LibraryError: some cannot; the message names each of them.
    """
    missing = [f"{name} ({hint})" for name, hint in needed.items() if not can_load(name)]
    if missing:
        raise LibraryError(f"MXNet needs {' and '.join(missing)}, which this system lacks.")


def can_load(name: str) -> bool:
    """Tells whether the dynamic loader finds and loads the library `name`."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def is_cuda_build() -> bool:
    """Tells whether the installed distribution of MXNet is one for NVIDIA GPUs (``mxnet-cu112`` and its like)."""
    return any((dist.metadata["Name"] or "").lower().replace("_", "-").startswith("mxnet-cu")
               for dist in importlib.metadata.distributions())


def is_pypi_arm_build() -> bool:
    """Tells whether the installed MXNet is the wheel for aarch64 of the Python package index, by the wheel's tag.

    That wheel, unlike one built from source, needs the Arm Performance Libraries and does not bring them.
    """
    try:
        return "manylinux2014_aarch64" in (importlib.metadata.distribution("mxnet").read_text("WHEEL") or "")
    except importlib.metadata.PackageNotFoundError:
        return False


def open_driver(name: str = "libcuda.so.1") -> ctypes.CDLL:
    """Returns the NVIDIA driver library.

    Raises:
        LibraryError: there is none, so that the GPU build cannot be loaded.
    """
    try:
        return ctypes.CDLL(name)
    except OSError:
        raise LibraryError(f"The installed MXNet is a GPU build and this machine has no NVIDIA driver ({name} cannot "
                           f"be loaded). Install the driver, or use the CPU build: pip uninstall mxnet-cu112 && "
                           f"pip install 'light_head_rcnn[cpu]'") from None


def nvidia_folders() -> List[str]:
    """Returns the folders of libraries that the wheels ``nvidia-*-cu11`` brought, such as
    ``site-packages/nvidia/cudnn/lib``."""
    spec = importlib.util.find_spec("nvidia")
    roots = list(spec.submodule_search_locations or ()) if spec else []
    return [os.path.join(root, part, "lib") for root in roots for part in sorted(os.listdir(root))
            if os.path.isdir(os.path.join(root, part, "lib"))]


def preload_cuda(folders: Sequence[str], names: Iterable[str] = CUDA_LIBRARIES,
                 load: Callable[..., object] = ctypes.CDLL) -> None:
    """Loads the CUDA libraries so that MXNet finds them by name.

    Args:
        folders: where to look first; a library that is in none of them is left to the system.
        names: of the libraries, in an order in which they can be loaded.
        load: called as ``load(path, mode=...)``.

    Raises:
        LibraryError: names every library that is in neither place.
    """
    missing = []
    for name in names:
        paths = [path for path in (os.path.join(folder, name) for folder in folders) if os.path.exists(path)]
        try:
            load(paths[0] if paths else name, mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            missing.append(str(error))
    if missing:
        listed = "\n  ".join(missing)
        raise LibraryError(f"The GPU build of MXNet needs CUDA 11 libraries that cannot be loaded; install them with: "
                           f"pip install 'light_head_rcnn[cu112]'\n  {listed}")


def unserved_gpus(driver: ctypes.CDLL) -> List[str]:
    """Returns a message for each visible GPU that MXNet 1.9.1 has no machine code for: Hopper and later, or older than
    Maxwell.

    Args:
        driver: from `open_driver`.
    """
    major_attribute, minor_attribute = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
    count, messages = ctypes.c_int(0), []
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return messages  # the driver sees no GPU; MXNet itself says so where one is asked for
    (low, high), (next_low, next_high) = CAPABILITIES
    for index in range(count.value):
        device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        name = ctypes.create_string_buffer(128)
        driver.cuDeviceGet(ctypes.byref(device), index)
        driver.cuDeviceGetName(name, len(name), device)
        driver.cuDeviceGetAttribute(ctypes.byref(major), major_attribute, device)
        driver.cuDeviceGetAttribute(ctypes.byref(minor), minor_attribute, device)
        if not CAPABILITIES[0] <= (major.value, minor.value) < CAPABILITIES[1]:
            messages.append(f"GPU {index} ({name.value.decode()}, compute capability {major.value}.{minor.value}) "
                            f"cannot run MXNet 1.9.1, whose machine code serves {low}.{high} up to below "
                            f"{next_low}.{next_high}; use mx.cpu() on this machine.")
    return messages


def import_gluoncv(name: str = "gluoncv") -> ModuleType:
    """Imports GluonCV or a part of it, also where PyTorch 2 is installed.

    GluonCV looks for PyTorch when it is imported and fails where it finds version 2 or later. Here it is told that
    there is none, by a module `gluoncv.check` whose function for PyTorch says so. PyTorch itself is not touched:
    other threads, and this one later, can import it.

    Args:
        name: such as "gluoncv.model_zoo"; anything but the parts that are written for PyTorch.

    Returns:
        The module.

    Raises:
        LibraryError: GluonCV is not installed.
    """
    with _gluoncv_lock:
        if "gluoncv" not in sys.modules:
            spec = importlib.util.find_spec("gluoncv")
            if spec is None:
                raise LibraryError("This needs GluonCV 0.10, which is not installed. Install it with: "
                                   "pip install 'gluoncv>=0.10.5,<0.11'")
            sys.modules["gluoncv.check"] = _check_without_pytorch(os.path.dirname(spec.origin))
        return importlib.import_module(name)


def _check_without_pytorch(folder: str) -> ModuleType:
    """Returns GluonCV's module `check`, from its folder, with a function that finds no PyTorch."""
    spec = importlib.util.spec_from_file_location("gluoncv.check", os.path.join(folder, "check.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def require_pytorch(*_: object) -> None:
        raise ImportError("light_head_rcnn uses GluonCV without PyTorch")

    module._require_pytorch_version = require_pytorch
    return module
