"""Loads the native operator library into MXNet, once."""
import ctypes
import os

import mxnet as mx

from .native import build

_loaded = False


def load():
    """Registers the native operators with MXNet (``mx.nd.ps_roi_align`` and so on). Later calls do nothing.

    Raises ImportError where the library is missing or was built from other sources than those beside it; the message
    holds the command that builds it.
    """
    global _loaded
    if _loaded:
        return
    check(build.LIBRARY)
    # Loading registers every operator of MXNet anew, in module `op`, and copies that module's names over mx.nd's and
    # mx.sym's own, among them __name__ and __doc__. Take back all that is not new.
    modules = mx.nd, mx.sym
    before = [dict(vars(module)) for module in modules]
    mx.library.load(build.LIBRARY, verbose=False)
    for module, names in zip(modules, before):
        vars(module).update(names)
    flush_denormals()
    _loaded = True


def flush_denormals():
    """Lets MXNet's CPU threads take denormal numbers for 0; those of Python keep them.

    The momenta of weights that no longer get a gradient shrink until they are denormal, and each operation on such a
    number takes about a hundred times as long. Threads inherit the setting from the one that starts them: this has to
    come before MXNet's first operation on the CPU.
    """
    kernels = ctypes.CDLL(build.LIBRARY)
    before = kernels.lhrcnn_flush_denormals(1)
    try:
        mx.nd.zeros(1, ctx=mx.cpu()).wait_to_read()
    finally:
        kernels.lhrcnn_flush_denormals(before)


def check(path):
    """Raises ImportError unless the library at ``path`` is there and was built from the sources at hand."""
    found = build.built_fingerprint(path)
    if found == build.fingerprint():
        return
    what = ("is missing: {}".format(path) if not os.path.exists(path)
            else "was built from other sources than those at hand: {}".format(path))
    raise ImportError("The native operator library {}\nBuild it with: make build   (or: python {})".format(
        what, build.__file__))
