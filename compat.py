"""Makes the surroundings fit MXNet 1.9.1. Runs once, before anything imports MXNet.

MXNet 1.9.1 and GluonCV 0.10 name NumPy attributes that NumPy 1.24 dropped and import ``distutils``, which Python 3.12
dropped. The GPU build of MXNet expects the CUDA 11 libraries where the dynamic loader looks, while pip puts them inside
``site-packages/nvidia``.
"""
import ctypes
import importlib
import importlib.metadata
import importlib.util
import os
import warnings

import numpy

NUMPY_ALIASES = {"bool": bool, "int": int, "float": float, "complex": complex, "object": object, "str": str}

# What libmxnet.so takes from the system, and Debian's packages of them.
SYSTEM_LIBRARIES = {"libgomp.so.1": "libgomp1", "libquadmath.so.0": "libquadmath0"}
# What libmxnet.so of the cu112 build names, each after those it needs; the wheels find their other parts themselves.
CUDA_LIBRARIES = ("libcudart.so.11.0", "libnvrtc.so.11.2", "libnvToolsExt.so.1", "libcublasLt.so.11", "libcublas.so.11",
                  "libcufft.so.10", "libcurand.so.10", "libcusolver.so.11", "libcudnn.so.8", "libnccl.so.2")
# The machine code in the cu112 wheel is for sm_50, 60, 70, 80 and 86, without PTX: the next generation cannot run it.
CAPABILITIES = ((5, 0), (9, 0))
# Which processors are threads of the same core.
TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def prepare():
    """Does everything below in order; called by ``import light_head_rcnn``.

    Raises ImportError where MXNet or something it cannot do without is missing; the message says what to install.
    """
    use_physical_cores(os.environ)
    restore_numpy_names(numpy)
    restore_distutils()
    if importlib.util.find_spec("mxnet") is None:
        raise ImportError("light_head_rcnn needs MXNet 1.9.1, which is not installed. Install it with: "
                          "pip install 'light_head_rcnn[cpu]', or for NVIDIA GPUs 'light_head_rcnn[cu112]'")
    require_system_libraries(SYSTEM_LIBRARIES)
    if is_cuda_build():
        driver = open_driver()
        preload_cuda(nvidia_folders())
        for message in unserved_gpus(driver):
            warnings.warn(message, RuntimeWarning, stacklevel=3)


def use_physical_cores(environment, cpus=None, topology=TOPOLOGY):
    """Lets MXNet's CPU operators use every physical core, unless ``OMP_NUM_THREADS`` is set already.

    MXNet itself takes half of the processors it sees: too few wherever a core is one processor, as on most small
    virtual machines.
    """
    cpus = os.sched_getaffinity(0) if cpus is None else cpus
    cores = set()
    for cpu in cpus:
        try:
            with open(topology.format(cpu), encoding="ascii") as file:
                cores.add(file.read().strip())
        except OSError:
            cores.add(cpu)
    environment.setdefault("OMP_NUM_THREADS", str(max(len(cores), 1)))


def restore_numpy_names(module):
    """Gives NumPy 1.20 to 1.26 back the names of Python's own types (``np.bool`` and so on), without a warning."""
    if int(module.__version__.split(".")[0]) >= 2:
        raise ImportError("MXNet 1.9.1 needs NumPy below 2, found {}. Install it with: pip install 'numpy<2'"
                          .format(module.__version__))
    for name, python_type in NUMPY_ALIASES.items():
        if name not in vars(module):
            setattr(module, name, python_type)


def restore_distutils():
    """On Python 3.12 lets setuptools stand in for the ``distutils`` that MXNet imports."""
    if importlib.util.find_spec("distutils") is None:
        try:
            importlib.import_module("setuptools")
        except ImportError:
            raise ImportError("MXNet 1.9.1 needs distutils, which this Python lacks. Install its stand-in with: "
                              "pip install setuptools") from None


def require_system_libraries(packages):
    """ImportError naming each library in ``packages`` that cannot be loaded and the Debian package that has it."""
    missing = [name for name in packages if not loads(name)]
    if missing:
        raise ImportError("MXNet needs {}, which this system lacks. On Debian: apt install {}".format(
            " and ".join(missing), " ".join(packages[name] for name in missing)))


def loads(name):
    """True where the dynamic loader finds and loads the library ``name``."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def is_cuda_build():
    """True where the installed distribution of MXNet is one for NVIDIA GPUs (``mxnet-cu112`` and its like)."""
    return any((dist.metadata["Name"] or "").lower().replace("_", "-").startswith("mxnet-cu")
               for dist in importlib.metadata.distributions())


def open_driver(name="libcuda.so.1"):
    """Returns the NVIDIA driver library; ImportError where there is none, since the GPU build cannot load then."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        raise ImportError("The installed MXNet is a GPU build and this machine has no NVIDIA driver ({} cannot be "
                          "loaded). Install the driver, or use the CPU build: pip uninstall mxnet-cu112 && "
                          "pip install 'light_head_rcnn[cpu]'".format(name)) from None


def nvidia_folders():
    """Folders of libraries that the ``nvidia-*-cu11`` wheels brought, such as ``site-packages/nvidia/cudnn/lib``."""
    spec = importlib.util.find_spec("nvidia")
    roots = list(spec.submodule_search_locations or ()) if spec else []
    return [os.path.join(root, part, "lib") for root in roots for part in sorted(os.listdir(root))
            if os.path.isdir(os.path.join(root, part, "lib"))]


def preload_cuda(folders, names=CUDA_LIBRARIES, load=ctypes.CDLL):
    """Loads the CUDA libraries so that MXNet finds them by name, from ``folders`` or else from the system.

    Raises ImportError naming every library that is in neither place.
    """
    missing = []
    for name in names:
        paths = [path for path in (os.path.join(folder, name) for folder in folders) if os.path.exists(path)]
        try:
            load(paths[0] if paths else name, mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            missing.append(str(error))
    if missing:
        raise ImportError("The GPU build of MXNet needs CUDA 11 libraries that cannot be loaded; install them with: "
                          "pip install 'light_head_rcnn[cu112]'\n  " + "\n  ".join(missing))


def unserved_gpus(driver):
    """Messages, one a visible GPU that MXNet 1.9.1 has no machine code for (Hopper and later, or before Maxwell)."""
    major_attribute, minor_attribute = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
    count, messages = ctypes.c_int(0), []
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return messages  # no GPU to speak of: MXNet then answers for itself
    for index in range(count.value):
        device, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        name = ctypes.create_string_buffer(128)
        driver.cuDeviceGet(ctypes.byref(device), index)
        driver.cuDeviceGetName(name, len(name), device)
        driver.cuDeviceGetAttribute(ctypes.byref(major), major_attribute, device)
        driver.cuDeviceGetAttribute(ctypes.byref(minor), minor_attribute, device)
        if not CAPABILITIES[0] <= (major.value, minor.value) < CAPABILITIES[1]:
            messages.append("GPU {} ({}, compute capability {}.{}) cannot run MXNet 1.9.1, whose machine code serves "
                            "{}.{} up to below {}.{}; use mx.cpu() on this machine.".format(
                                index, name.value.decode(), major.value, minor.value, *CAPABILITIES[0],
                                *CAPABILITIES[1]))
    return messages
