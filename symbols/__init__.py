"""The `mx.sym` graphs of the MXNet original, node for node, by name, and parts of them for alternate training."""
from . import networks  # noqa: F401  (registers the networks that this package brings)
from .detector_graphs import DetectorGraphs
from .registry import get_symbol, get_symbol_rcnn, get_symbol_rpn, register_symbol, symbol_names, symbol_options

__all__ = ["DetectorGraphs", "get_symbol", "get_symbol_rcnn", "get_symbol_rpn", "register_symbol", "symbol_names",
           "symbol_options"]
