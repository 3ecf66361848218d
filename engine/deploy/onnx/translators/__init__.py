"""How each operator of MXNet is written in ONNX: one small function an operator, in files by kind."""
from . import convolutions, detection, elementwise, selections, shapes  # noqa: F401  (they enter their operators in the table)
from .table import Call, translate_node

__all__ = ["Call", "translate_node"]
