"""Keeps out of each process what MXNet 1.9.1 imports and hardly ever uses.

That is scikit-learn, for a class that MXNet retired long ago; SciPy's statistics, for one mode of its own quantization
and for tests of its random numbers; and requests, for downloads. Together they cost every process most of a second of
a processor and some 70 MB.
"""
import importlib
import importlib.abc
import importlib.machinery
import sys
import threading
from types import ModuleType
from typing import Any, Optional, Sequence

# Modules that MXNet gets when it first uses them.
_late = {"scipy.stats", "requests"}
_lock = threading.Lock()


class NoScikitLearnForMXNet(importlib.abc.MetaPathFinder):
    """Stands first among Python's finders of modules, and tells MXNet alone that there is no scikit-learn.

    MXNet 1.9.1 derives `mx.model.FeedForward`, which `mx.module` replaced, from a class of scikit-learn where it finds
    that. With it comes pandas. A scikit-learn that has been imported before is taken, as ever.
    """

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raises ImportError for scikit-learn while `mxnet.model` is being loaded, and finds nothing else."""
        model = sys.modules.get("mxnet.model") if name == "sklearn" else None
        if model is not None and not hasattr(model, "FeedForward"):  # the module has come as far as its imports
            raise ImportError("MXNet does without scikit-learn, see light_head_rcnn.mxnet_imports")


class LateModulesForMXNet(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands first among Python's finders of modules, and gives MXNet a `LateModule` for some that it imports.

    A module that is not installed is not found, and one that has been imported before is taken, as ever.
    """

    def find_spec(self, name: str, path: Optional[Sequence[str]] = None,
                  target: object = None) -> Optional[importlib.machinery.ModuleSpec]:
        """Finds a late module while `mxnet` is being loaded."""
        mxnet_spec = getattr(sys.modules.get("mxnet"), "__spec__", None)
        if name not in _late or not getattr(mxnet_spec, "_initializing", False):
            return None
        return importlib.machinery.PathFinder.find_spec(name, path) and importlib.machinery.ModuleSpec(name, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Leaves it to Python to make a module."""

    def exec_module(self, module: ModuleType) -> None:
        """Loads nothing yet."""
        module.__class__ = LateModule


class LateModule(ModuleType):
    """Stands for a module until something of it is asked for, and has all that the module has from then on."""

    def __getattr__(self, attribute: str) -> Any:
        name = self.__spec__.name
        with _lock:
            _late.discard(name)
            if sys.modules.get(name) is self:
                del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)
