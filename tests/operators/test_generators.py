"""Operators that draw have a source of random numbers for each device, whatever the order in which devices run."""
import mxnet as mx
import numpy as np
import pytest
from light_head_rcnn.operators.custom import base


class Drawing(base.NumpyOperatorProp):
    """Draws one number a row."""

    arguments, outputs, draws = ("data",), ("output",), True

    def parse(self):
        return lambda data, rng: [rng.uniform(size=len(data)).astype(np.float32)]

    def shapes(self, data):
        return [(data[0],)]


mx.operator.register("drawing_of_a_test")(Drawing)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_draws_do_not_depend_on_the_order_of_devices(order):
    base.seed_operators(5)
    drawn = {}
    for device in order:
        for _ in range(2):
            drawn.setdefault(device, []).append(
                mx.nd.Custom(mx.nd.ones((3, 1), ctx=mx.cpu(device)), op_type="drawing_of_a_test").asnumpy())
    np.testing.assert_array_equal(drawn[0], np.random.RandomState(5).uniform(size=(2, 3)).astype(np.float32))
    for device in (1, 2):
        expected = np.random.RandomState([5, device]).uniform(size=(2, 3)).astype(np.float32)
        np.testing.assert_array_equal(drawn[device], expected)
