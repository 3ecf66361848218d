"""Loads the native operator library into MXNet, once."""
import ctypes
import os
import shlex
import sys
import warnings
from typing import Set

import mxnet as mx
from mxnet.base import _LIB, OpHandle, c_str, check_call, mx_uint, py_str
from mxnet.ndarray.register import _make_ndarray_function
from mxnet.symbol.register import _make_symbol_function

from ..errors import LibraryError
from .native import build

_loaded = False


def load() -> None:
    """Registers the native operators with MXNet, as ``mx.nd.ps_roi_align`` and so on. Later calls do nothing.

    The first call warns if the installed MXNet is a GPU build and the library has no kernels for GPUs.

    Raises:
        LibraryError: the library is missing, was built from other sources than those beside it, or cannot be loaded.
            The message holds the command that builds it.
    """
    global _loaded
    if _loaded:
        return
    check(build.LIBRARY)
    warn_without_gpu_kernels(build.LIBRARY)
    try:
        # Python, unlike MXNet, binds all names at once. Horovod's library, where it is loaded later, would lend the
        # names that are still open MXNet's own C++ library, with which the operators crash.
        ctypes.CDLL(build.LIBRARY)
        _register(build.LIBRARY)
    except (mx.MXNetError, OSError) as error:
        raise LibraryError(f"MXNet cannot load the native operator library {build.LIBRARY}: {error}\n"
                           f"Delete it and build it on this machine with: {build_command()}") from None
    flush_denormals()
    _loaded = True


def _register(path: str) -> None:
    """Loads a library of operators into MXNet, and makes their functions in mx.nd and mx.sym.

    mx.library.load makes the functions of MXNet's own thousand operators once more, which takes half a second of every
    start, and writes the names of its modules `op`, __name__ and __doc__ among them, over those of mx.nd and mx.sym.
    """
    known = _operator_names()
    check_call(_LIB.MXLoadLib(c_str(path), mx_uint(0)))
    for name in _operator_names() - known:
        handle = OpHandle()
        check_call(_LIB.NNGetOpHandle(c_str(name), ctypes.byref(handle)))
        for module, make in ((mx.nd, _make_ndarray_function), (mx.sym, _make_symbol_function)):
            function = make(handle, name, name)
            function.__module__ = module.__name__
            for place in [module._internal] if name.startswith("_") else [module, module.op]:
                setattr(place, name, function)


def _operator_names() -> Set[str]:
    names, count = ctypes.POINTER(ctypes.c_char_p)(), ctypes.c_uint()
    check_call(_LIB.MXListAllOpNames(ctypes.byref(count), ctypes.byref(names)))
    return {py_str(names[number]) for number in range(count.value)}


def flush_denormals() -> None:
    """Makes MXNet's CPU threads treat denormal numbers as 0; Python's own threads keep them.

    The momenta of weights that no longer get a gradient shrink until they are denormal, and an operation on a denormal
    number takes about a hundred times as long as on any other. Threads inherit the setting from the thread that starts
    them, so this must come before MXNet's first operation on the CPU.
    """
    kernels = ctypes.CDLL(build.LIBRARY)
    before = kernels.lhrcnn_flush_denormals(1)
    try:
        mx.nd.zeros(1, ctx=mx.cpu()).wait_to_read()
    finally:
        kernels.lhrcnn_flush_denormals(before)


def check(path: str) -> None:
    """Checks that the library at `path` exists and was built from the sources at hand.

    Raises:
        LibraryError: it does not; the message holds the command that builds it.
    """
    if build.built_fingerprint(path) == build.fingerprint():
        return
    fault = (f"was built from other sources than those at hand: {path}" if os.path.exists(path)
             else f"is missing: {path}")
    raise LibraryError(f"The native operator library {fault}\nBuild it with: {build_command()}")


def warn_without_gpu_kernels(path: str) -> None:
    """Warns if the installed MXNet is a GPU build and the library at `path` has no kernels for GPUs."""
    name = build.gpu_mxnet()
    if name is None or build.has_cuda(path):
        return
    warnings.warn(
        f"The installed MXNet is a GPU build ({name}), but the native operators of light_head_rcnn were built without "
        f"kernels for GPUs, and detectors cannot run on one. (pip builds them so: in its isolated build environment "
        f"MXNet is the CPU build.) Install nvcc and build them again with: {build_command(cuda=True)}",
        RuntimeWarning, stacklevel=2)


def build_command(cuda: bool = False) -> str:
    """Returns the shell command that builds the library of this installation.

    Args:
        cuda: demand the kernels for GPUs.
    """
    command = f"{shlex.quote(sys.executable)} {shlex.quote(build.__file__)}"
    if cuda:
        return f"LHRCNN_CUDA=1 {command}"
    checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return f"make build   (or: {command})" if os.path.exists(os.path.join(checkout, "Makefile")) else command
