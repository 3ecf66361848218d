"""Operators that compute each element by itself, softmax, and sums of arrays."""
from functools import partial

import numpy as np

from ..builder import FLOAT, GraphBuilder
from .table import TRANSLATORS, Call, translates

_PLAIN = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "exp": "Exp", "abs": "Abs", "sqrt": "Sqrt",
          "negative": "Neg", "floor": "Floor", "ceil": "Ceil",
          "elemwise_add": "Add", "broadcast_add": "Add", "elemwise_sub": "Sub", "broadcast_sub": "Sub",
          "elemwise_mul": "Mul", "broadcast_mul": "Mul", "elemwise_div": "Div", "broadcast_div": "Div",
          "_maximum": "Max", "broadcast_maximum": "Max", "_minimum": "Min", "broadcast_minimum": "Min", "add_n": "Sum"}
_SCALAR = {"_plus_scalar": "Add", "_minus_scalar": "Sub", "_mul_scalar": "Mul", "_div_scalar": "Div",
           "_maximum_scalar": "Max", "_minimum_scalar": "Min"}
_REVERSED_SCALAR = {"_rminus_scalar": "Sub", "_rdiv_scalar": "Div"}
_COMPARISONS = {"_greater_scalar": "Greater", "_greater_equal_scalar": "GreaterOrEqual", "_lesser_scalar": "Less",
                "_lesser_equal_scalar": "LessOrEqual"}
_ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softrelu": "Softplus", "softsign": "Softsign"}


def _plain(op_type: str, g: GraphBuilder, call: Call) -> str:
    call.ignore("num_args")
    return g.add(op_type, call.inputs)


def _with_scalar(op_type: str, is_reversed: bool, g: GraphBuilder, call: Call) -> str:
    call.expect(is_int=True)
    pair = [call.inputs[0], g.constant(np.float32(call.get("scalar")))]
    return g.add(op_type, pair[::-1] if is_reversed else pair)


def _comparison(op_type: str, g: GraphBuilder, call: Call) -> str:
    """MXNet answers 0 and 1 in the type of the input."""
    return g.add("Cast", [_with_scalar(op_type, False, g, call)], to=FLOAT)


TRANSLATORS.update({op: partial(_plain, op_type) for op, op_type in _PLAIN.items()})
TRANSLATORS.update({op: partial(_with_scalar, op_type, False) for op, op_type in _SCALAR.items()})
TRANSLATORS.update({op: partial(_with_scalar, op_type, True) for op, op_type in _REVERSED_SCALAR.items()})
TRANSLATORS.update({op: partial(_comparison, op_type) for op, op_type in _COMPARISONS.items()})


@translates("_copy", "identity", "BlockGrad", "Dropout")
def identity(g: GraphBuilder, call: Call) -> str:
    """Nothing: outside of training the value goes on as it is."""
    call.ignore("p", "mode", "axes", "cudnn_off")
    return call.inputs[0]


@translates("Activation")
def activation(g: GraphBuilder, call: Call) -> str:
    """Relu, Sigmoid, Tanh, Softplus or Softsign."""
    return g.add(_ACTIVATIONS[call.get("act_type")], call.inputs)


@translates("clip")
def clip(g: GraphBuilder, call: Call) -> str:
    """Clip."""
    return g.add("Clip", [call.inputs[0], *(g.constant(np.float32(call.get(key))) for key in ("a_min", "a_max"))])


@translates("hard_sigmoid")
def hard_sigmoid(g: GraphBuilder, call: Call) -> str:
    """HardSigmoid."""
    return g.add("HardSigmoid", call.inputs, alpha=float(call.get("alpha", 0.2)), beta=float(call.get("beta", 0.5)))


@translates("softmax")
def softmax(g: GraphBuilder, call: Call) -> str:
    """Softmax along one axis."""
    call.expect(temperature=None, use_length=False, dtype=None)
    return g.add("Softmax", call.inputs, axis=call.get("axis", -1))
