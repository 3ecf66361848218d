"""Loads the native operator library into MXNet, once."""
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
    _loaded = True


def check(path):
    """Raises ImportError unless the library at ``path`` is there and was built from the sources at hand."""
    found = build.built_fingerprint(path)
    if found == build.fingerprint():
        return
    what = ("is missing: {}".format(path) if not os.path.exists(path)
            else "was built from other sources than those at hand: {}".format(path))
    raise ImportError("The native operator library {}\nBuild it with: make build   (or: python {})".format(
        what, build.__file__))
