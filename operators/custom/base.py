"""Custom operators of MXNet as functions of NumPy arrays, and the parsing of their attributes."""
import ast
from typing import Any, Callable, List, Optional, Sequence, Tuple

import mxnet as mx
import numpy as np

Shape = Sequence[int]


class _Generators:
    """Sources of random numbers, one for each device: in what order devices draw is up to MXNet."""

    def __init__(self):
        self._seed, self._others = 0, {}

    def seed(self, seed: int) -> None:
        """Seeds all of them."""
        np.random.seed(seed)
        self._seed, self._others = seed, {}

    def of(self, device: int) -> Any:
        """Returns that of a device, by its number; the first one has `numpy.random`, as in the MXNet original."""
        if device == 0:
            return np.random
        return self._others.setdefault(device, np.random.RandomState([self._seed, device]))


_GENERATORS = _Generators()
seed_operators = _GENERATORS.seed


class NumpyOperator(mx.operator.CustomOp):
    """Runs a function of NumPy arrays as an operator of MXNet. No gradient flows through it.

    Args:
        function: takes one array for each input and returns one for each output.
        device: number of the device whose source of random numbers the function gets as `rng`; None for a function
            that draws nothing.
    """

    def __init__(self, function: Callable[..., Sequence[np.ndarray]], device: Optional[int] = None):
        super().__init__()
        self._function, self._device = function, device

    def forward(self, is_train: bool, req: List[str], in_data: List[mx.nd.NDArray], out_data: List[mx.nd.NDArray],
                aux: List[mx.nd.NDArray]) -> None:
        """Computes the outputs; MXNet calls this."""
        rng = {} if self._device is None else {"rng": _GENERATORS.of(self._device)}
        outputs = self._function(*(array.asnumpy() for array in in_data), **rng)
        for target, request, values in zip(out_data, req, outputs):
            self.assign(target, request, mx.nd.array(values))

    def backward(self, req: List[str], out_grad: List[mx.nd.NDArray], in_data: List[mx.nd.NDArray],
                 out_data: List[mx.nd.NDArray], in_grad: List[mx.nd.NDArray], aux: List[mx.nd.NDArray]) -> None:
        """Sets the gradients of all inputs to 0; MXNet calls this."""
        for gradient, request in zip(in_grad, req):
            self.assign(gradient, request, 0)


class NumpyOperatorProp(mx.operator.CustomOpProp):
    """Describes a `NumpyOperator` to MXNet. Subclasses set `arguments` and `outputs` and write `parse` and `shapes`.

    MXNet makes an object of this class from the attributes of a node, which are all strings. An exception at that point
    would end the process, so an error of `parse` is kept and raised when shapes are inferred.

    Attributes:
        arguments: names of the inputs.
        outputs: names of the outputs.
        draws: whether the function takes `rng`, a source of random numbers.
    """

    arguments: Tuple[str, ...] = ()
    outputs: Tuple[str, ...] = ()
    draws = False

    def __init__(self, **attributes: str):
        super().__init__(need_top_grad=False)
        self._error: Optional[Exception] = None
        try:
            self._function = self.parse(**attributes)
        except (TypeError, ValueError) as error:
            self._error = error

    def parse(self, **attributes: str) -> Callable[..., Sequence[np.ndarray]]:
        """Returns the function of the operator for the attributes of a node.

        Raises:
            TypeError: an attribute is unknown or missing.
            ValueError: the value of an attribute is wrong; the message names it.
        """
        raise NotImplementedError

    def shapes(self, *inputs: Shape) -> List[Shape]:
        """Returns the shapes of the outputs.

        Raises:
            ValueError: an input has a wrong shape; the message names it.
        """
        raise NotImplementedError

    def list_arguments(self) -> List[str]:
        """Returns the names of the inputs; MXNet calls this."""
        return list(self.arguments)

    def list_outputs(self) -> List[str]:
        """Returns the names of the outputs; MXNet calls this."""
        return list(self.outputs)

    def infer_shape(self, in_shape: List[Shape]) -> Tuple[List[Shape], List[Shape], List[Shape]]:
        """Returns the shapes of inputs, outputs and auxiliary states; MXNet calls this."""
        if self._error is not None:
            raise self._error
        return in_shape, self.shapes(*in_shape), []

    def create_operator(self, ctx: Any, shapes: List[Shape], dtypes: List[type]) -> NumpyOperator:
        """Returns the operator itself; MXNet calls this."""
        # Such as "cpu(1)"; the arrays that MXNet hands over all say that they are on the first device.
        return NumpyOperator(self._function, int(str(ctx).rpartition("(")[2].rstrip(")")) if self.draws else None)

    def declare_backward_dependency(self, out_grad: List[int], in_data: List[int], out_data: List[int]) -> List[int]:
        """Returns which arrays the backward pass reads: none. MXNet calls this."""
        return []


def parse_numbers(text: str, name: str, length: Optional[int] = None) -> Tuple[float, ...]:
    """Reads numbers from a text such as "(0.5, 1, 2)".

    Args:
        text: the value of the attribute.
        name: of the attribute, for the message.
        length: how many numbers there must be; None allows any number from one on.

    Raises:
        ValueError: there are no such numbers.
    """
    try:
        values = tuple(float(value) for value in ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError):
        values = ()
    if not values or length not in (None, len(values)):
        raise ValueError(f"{name} must be {length or 'some'} numbers such as (0.5, 1, 2), got {text}")
    return values


def parse_integer(text: str, name: str, least: Optional[int] = None) -> int:
    """Reads an integer.

    Args:
        text: the value of the attribute.
        name: of the attribute, for the message.
        least: the smallest allowed value; None allows any.

    Raises:
        ValueError: the text is no integer, or a smaller one.
    """
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or (least is not None and value < least):
        bound = "" if least is None else f" of at least {least}"
        raise ValueError(f"{name} must be an integer{bound}, got {text}")
    return value


def parse_bool(text: str, name: str) -> bool:
    """Reads "True" or "False", in any case, "1" or "0".

    Raises:
        ValueError: the text is something else; the message names the attribute `name`.
    """
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise ValueError(f"{name} must be True or False, got {text}")
    return values[text.lower()]
