"""Loads the native operator library into MXNet, once."""
import ctypes
import os
import shlex
import sys
import warnings

import mxnet as mx

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
    # While loading, MXNet registers all its operators anew in the modules `op` and copies all names of those modules,
    # __name__ and __doc__ among them, over the names of mx.nd and mx.sym. Restore all names that are not new.
    modules = mx.nd, mx.sym
    before = [dict(vars(module)) for module in modules]
    try:
        # Python, unlike MXNet, binds all names at once. Horovod's library, where it is loaded later, would lend the
        # names that are still open MXNet's own C++ library, with which the operators crash.
        ctypes.CDLL(build.LIBRARY)
        mx.library.load(build.LIBRARY, verbose=False)
    except (mx.MXNetError, OSError) as error:
        raise LibraryError(f"MXNet cannot load the native operator library {build.LIBRARY}: {error}\n"
                           f"Delete it and build it on this machine with: {build_command()}") from None
    for module, names in zip(modules, before):
        vars(module).update(names)
    flush_denormals()
    _loaded = True


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
