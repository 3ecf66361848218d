"""Fixtures: the slow versions of the custom operators, and the operators themselves as functions of NumPy arrays."""
import mxnet as mx
import pytest

from light_head_rcnn.operators import custom# noqa: F401  (registers the operators)


@pytest.fixture(scope="session")
def reference(module_at):
    """The functions of reference.py."""
    return module_at("operators/custom/reference.py")


@pytest.fixture(scope="session")
def run():
    """Function (op_type, arrays, attributes) to the operator's outputs."""
    def run(op_type, *arrays, **attributes):
        outputs = mx.nd.Custom(*map(mx.nd.array, arrays), op_type=op_type, **attributes)
        return [output.asnumpy() for output in (outputs if isinstance(outputs, list) else [outputs])]
    return run
