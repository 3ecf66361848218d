"""Custom operators of MXNet as functions of NumPy arrays, and their attributes, which MXNet hands over as texts."""
import ast

import mxnet as mx


class Operator(mx.operator.CustomOp):
    """Runs a function from the inputs, as NumPy arrays, to a sequence of outputs. No gradient flows through it."""

    def __init__(self, function):
        super().__init__()
        self._function = function

    def forward(self, is_train, req, in_data, out_data, aux):
        outputs = self._function(*(array.asnumpy() for array in in_data))
        for target, request, values in zip(out_data, req, outputs):
            self.assign(target, request, mx.nd.array(values))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        for gradient, request in zip(in_grad, req):
            self.assign(gradient, request, 0)


class Prop(mx.operator.CustomOpProp):
    """What MXNet asks of a custom operator. Subclasses set `arguments` and `outputs`, names both, and write
    `parse(**attributes)`, which returns the function of `Operator`, and `shapes(*inputs)`, those of the outputs.

    Errors of `parse` come up when shapes are inferred: raised earlier, they would end the process.
    """

    def __init__(self, **attributes):
        super().__init__(need_top_grad=False)
        self._error = None
        try:
            self._function = self.parse(**attributes)
        except (TypeError, ValueError) as error:
            self._error = error

    def list_arguments(self):
        return list(self.arguments)

    def list_outputs(self):
        return list(self.outputs)

    def infer_shape(self, in_shape):
        if self._error is not None:
            raise self._error
        return in_shape, self.shapes(*in_shape), []

    def create_operator(self, ctx, shapes, dtypes):
        return Operator(self._function)

    def declare_backward_dependency(self, out_grad, in_data, out_data):
        return []


def numbers(text, name, length=None):
    """The floats in a text such as "(0.5, 1, 2)"; ValueError that names the attribute where there are none."""
    try:
        values = tuple(float(value) for value in ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError):
        values = ()
    if not values or length not in (None, len(values)):
        raise ValueError("%s must be %s numbers such as (0.5, 1, 2), got %s" % (name, length or "some", text))
    return values


def flag(text, name):
    """The truth value that a text such as "True", "false" or "1" stands for; ValueError that names the attribute."""
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise ValueError("%s must be True or False, got %s" % (name, text))
    return values[text.lower()]
