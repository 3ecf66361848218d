"""The slow reference, and custom operators as functions of NumPy arrays."""
import importlib.util
from pathlib import Path

import mxnet as mx
import pytest

from light_head_rcnn.operators import custom  # noqa: F401  (registers the operators)


@pytest.fixture(scope="session")
def reference():
    """The functions of reference.py."""
    spec = importlib.util.spec_from_file_location("reference", Path(__file__).with_name("reference.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def run():
    """Function (op_type, arrays, attributes) to the operator's outputs."""
    def run(op_type, *arrays, **attributes):
        outputs = mx.nd.Custom(*map(mx.nd.array, arrays), op_type=op_type, **attributes)
        return [output.asnumpy() for output in (outputs if isinstance(outputs, list) else [outputs])]
    return run
