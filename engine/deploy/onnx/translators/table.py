"""The table of operators, and what a translating function gets to see of a node."""
import ast
from typing import Any, Callable, Dict, Optional, Sequence, Tuple, Union

import numpy as np

from .....errors import ModelError
from ..builder import GraphBuilder
from ...graphs.symbol_graph import Node

_UNSET = object()


class Call:
    """One node of MXNet while it is translated.

    Args:
        node: the node.
        inputs: names of the ONNX values that it reads.

    Attributes:
        inputs: as given.
        arrays: the values of those inputs that are constants; None for the others.
        shapes: of the inputs, for the sample shapes of the network's inputs; images and RoIs vary when it runs.
        axes: how many axes each input has.
    """

    def __init__(self, node: Node, inputs: Sequence[str]):
        self._node, self._read = node, set()
        self.inputs = tuple(inputs)
        self.arrays: Tuple[Optional[np.ndarray], ...] = tuple(value.node.array for value in node.inputs)
        self.shapes = tuple(value.node.shapes[value.index] for value in node.inputs)
        self.axes = tuple(map(len, self.shapes))

    def get(self, key: str, default: Any = _UNSET) -> Any:
        """Returns an argument of the operator: a number, a truth value, None, a tuple, or else its text.

        Raises:
            ModelError: it is not there, and there is no default.
        """
        self._read.add(key)
        if key not in self._node.attributes:
            if default is _UNSET:
                raise self.error(f"lacks its argument {key}")
            return default
        text = self._node.attributes[key]
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text
        return tuple(value) if isinstance(value, list) else value

    def expect(self, **values: Any) -> None:
        """Checks that arguments, where they are given, have the values that the translation stands for.

        Raises:
            ModelError: one has another value.
        """
        for key, value in values.items():
            if self.get(key, value) != value:
                raise self.error(f"has {key}={self._node.attributes[key]}, and only {value} is translated")

    def ignore(self, *keys: str) -> None:
        """Passes over arguments that do not change the answer."""
        self._read.update(keys)

    def expect_no_more(self) -> None:
        """Checks that every argument was read: one that was not might change the answer.

        Raises:
            ModelError: one was not.
        """
        for key in self._node.attributes:
            if key not in self._read and not key.startswith("__"):
                raise self.error(f"has an argument {key}={self._node.attributes[key]}, which is not translated")

    def error(self, what: str) -> ModelError:
        """The error that names the operator and the node, then says `what`."""
        return ModelError(f"the operator {self._node.op} (node {self._node.name}) {what}")


Translator = Callable[[GraphBuilder, Call], Union[str, Sequence[str]]]
TRANSLATORS: Dict[str, Translator] = {}


def translates(*ops: str) -> Callable[[Translator], Translator]:
    """Decorator: enters a function in the table, for operators by MXNet's names.

    The function gets the builder and the call, adds nodes of ONNX, and returns the name of the output, or of each of
    several outputs.
    """
    def enter(function: Translator) -> Translator:
        TRANSLATORS.update(dict.fromkeys(ops, function))
        return function

    return enter


def translate_node(g: GraphBuilder, node: Node, inputs: Sequence[str]) -> Tuple[str, ...]:
    """Adds what computes a node of MXNet.

    Args:
        g: builder of the ONNX graph.
        node: the node, an operator.
        inputs: names of the ONNX values that it reads.

    Returns:
        The names of its outputs.

    Raises:
        ModelError: the operator, or an argument of it, cannot be translated.
    """
    call = Call(node, inputs)
    if node.op not in TRANSLATORS:
        raise call.error("cannot be written in ONNX: there is no translation of it")
    outputs = TRANSLATORS[node.op](g, call)
    call.expect_no_more()
    return (outputs,) if isinstance(outputs, str) else tuple(outputs)
