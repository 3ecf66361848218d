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


class LateModulesForMXNet(importlib.abc.MetaPathFinder):
    """Stands first among Python's finders of modules, and gives MXNet a `LateModule` for some that it imports.

    Nobody else sees these: once MXNet is loaded, they stand in its modules alone, and an import of such a module
    anywhere finds the module itself. One that is not installed is not found, and one that has been imported before is
    taken, as ever.

    Attributes:
        is_loading: whether MXNet is being loaded.
    """

    def __init__(self):
        self.is_loading = False

    def find_spec(self, name: str, path: Optional[Sequence[str]] = None,
                  target: object = None) -> Optional[importlib.machinery.ModuleSpec]:
        """Finds MXNet, and late modules while that is being loaded."""
        if name != "mxnet" and not (self.is_loading and name in _late):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        if name != "mxnet":
            return importlib.machinery.ModuleSpec(name, _LateLoader())
        spec.loader = _MXNetLoader(spec.loader, self)
        return spec


class _MXNetLoader(importlib.abc.Loader):
    """Loads MXNet with late modules, and then takes these out of where Python looks for modules."""

    def __init__(self, loader: Any, finder: LateModulesForMXNet):
        self._loader, self._finder = loader, finder

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Optional[ModuleType]:
        """Makes the module as MXNet's own loader does."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Loads MXNet; its module then tells of its own loader."""
        module.__spec__.loader = module.__loader__ = self._loader
        self._finder.is_loading = True
        try:
            self._loader.exec_module(module)
        finally:
            self._finder.is_loading = False
            for name in tuple(_late):
                _hide(name)


def _hide(name: str) -> None:
    """Takes a late module out of `sys.modules` and out of the package around it."""
    module = sys.modules.get(name)
    if isinstance(module, LateModule):
        del sys.modules[name]
        package, _, own_name = name.rpartition(".")
        if package:
            delattr(sys.modules[package], own_name)


class _LateLoader(importlib.abc.Loader):
    """Makes late modules, and loads nothing."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """Leaves it to Python to make a module."""

    def exec_module(self, module: ModuleType) -> None:
        """Makes it a late one."""
        module.__class__ = LateModule


class LateModule(ModuleType):
    """Stands for a module that is loaded when something of it is asked for."""

    def __getattr__(self, attribute: str) -> Any:
        name = self.__spec__.name
        with _lock:
            _late.discard(name)
            _hide(name)
        return getattr(importlib.import_module(name), attribute)
