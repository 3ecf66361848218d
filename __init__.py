"""Light-Head R-CNN for MXNet 1.9.1: detectors, their operators, and everything around training and testing them.

Importing this package first makes NumPy, Python and the CUDA libraries fit MXNet, so import it before ``mxnet``.
"""
from . import runtime

__version__ = "0.1.0"
__all__ = ["get_model", "__version__"]

runtime.prepare()


def __getattr__(name):
    # The models bring MXNet with them, which takes seconds: load them when they are first asked for.
    if name == "get_model":
        from .gluon_models import get_model
        return get_model
    raise AttributeError("module {!r} has no attribute {!r}".format(__name__, name))
