"""Light-Head R-CNN for MXNet 1.9.1: detectors, their operators, and everything around training and testing them.

Import this package before ``mxnet``: it decides about threads and caches, which MXNet reads when it is loaded, and
makes today's NumPy and Python fit MXNet. The names below are loaded when they are first used::

    import light_head_rcnn as lh

    detector = lh.load_detector("output/shapes_s")
    ids, scores, boxes = detector("photo.jpg")
"""
from importlib import import_module
from typing import TYPE_CHECKING, Any, List

from . import runtime
from .version import __version__

if TYPE_CHECKING:
    from .data import load_dataset, register_dataset
    from .engine.config import load_config
    from .engine.deploy.detectors import load_detector
    from .engine.deploy.api import export
    from .engine.evaluation.run import evaluate
    from .engine.inference.detector import Detector
    from .engine.reporting.drawing import draw
    from .engine.training.api import train
    from .engine.training.trainer import Trainer
    from .gluon_models import get_model, model_names, register_backbone, register_model

# Each public name, and the module that it comes from.
_PUBLIC = {
    "Detector": ".engine.inference.detector",
    "Trainer": ".engine.training.trainer",
    "draw": ".engine.reporting.drawing",
    "evaluate": ".engine.evaluation.run",
    "export": ".engine.deploy.api",
    "get_model": ".gluon_models",
    "load_config": ".engine.config",
    "load_dataset": ".data",
    "load_detector": ".engine.deploy.detectors",
    "model_names": ".gluon_models",
    "register_backbone": ".gluon_models",
    "register_dataset": ".data",
    "register_model": ".gluon_models",
    "train": ".engine.training.api",
}
__all__ = ["Detector", "Trainer", "draw", "evaluate", "export", "get_model", "load_config", "load_dataset",
           "load_detector", "model_names", "register_backbone", "register_dataset", "register_model", "train",
           "__version__"]

runtime.prepare()


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted(set(globals()) | set(_PUBLIC))
