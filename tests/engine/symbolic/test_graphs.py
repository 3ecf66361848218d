"""The graph that runs answers as the one that is saved, and values that a graph lacks are refused."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import ConfigError, DataError
from light_head_rcnn.engine.symbolic import weights
from light_head_rcnn.engine.symbolic.blocks import graph_block
from light_head_rcnn.engine.symbolic.graphs import (
    FeatureSize,
    test_graph,
    training_graph,
    with_ignored_padding,
    with_native_pooling,
    with_plain_inputs,
)
from light_head_rcnn.gluon_models.backbones import Xception
from light_head_rcnn.operators.custom.base import NumpyOperatorProp

SHAPES = {"data": (1, 3, 64, 96), "rois": (1, 6, 5), "label": (1, 6), "bbox_target": (1, 6, 8),
          "bbox_weight": (1, 6, 8)}


def run(symbol, inputs, values):
    arguments, auxiliaries = weights.split_weights(symbol, values)
    gradients = {name: mx.nd.zeros(array.shape) for name, array in arguments.items()}
    executor = symbol.bind(mx.cpu(), dict(arguments, **inputs), gradients, aux_states=auxiliaries)
    outputs = [array.asnumpy() for array in executor.forward(is_train=True)]
    executor.backward()
    return outputs, {name: array.asnumpy() for name, array in gradients.items()}


@pytest.mark.parametrize("name, pools", [("xception_rfcn_light", 1), ("resnet_v1_101_rfcn", 2)])
def test_native_pooling_takes_the_place_of_mxnets(configure, name, pools):
    symbol = training_graph(configure("run", "symbol", name, "TRAIN.BATCH_IMAGES", 1), 4, "rcnn").symbol
    found = with_native_pooling(symbol, [mx.cpu(0), mx.cpu(1)])
    operators = [graph.tojson().count(f'"op": "{op}"') for graph in (symbol, found)
                 for op in ("_contrib_PSROIPooling", "ps_roi_pool")]
    assert operators == [pools, 0, 0, pools]
    assert symbol.attr_dict()["conv_new_1_weight"] == found.attr_dict()["conv_new_1_weight"]
    assert with_native_pooling(symbol, [mx.gpu(0)]) is with_native_pooling(symbol, [mx.cpu(), mx.gpu(0)]) is symbol
    if name.startswith("resnet"):
        return  # the same operators, and many more of others
    rng = np.random.RandomState(0)
    corners = rng.rand(6, 2) * [60, 40]
    inputs = {"data": rng.randn(*SHAPES["data"]) * 50, "label": rng.randint(0, 4, (1, 6)),
              "rois": np.concatenate([np.zeros((6, 1)), corners, corners + 30 * rng.rand(6, 2)], 1)[None],
              "bbox_target": rng.randn(1, 6, 8), "bbox_weight": np.ones((1, 6, 8))}
    inputs = {key: mx.nd.array(array) for key, array in inputs.items()}
    values = weights.initial_weights(configure("run"), weights.parameter_shapes(symbol, SHAPES))[0]
    (outputs, gradients), (expected, expected_gradients) = (run(graph, inputs, values) for graph in (found, symbol))
    for one, other in zip(outputs, expected):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    for key, gradient in expected_gradients.items():
        np.testing.assert_allclose(gradients[key], gradient, rtol=1e-3, atol=1e-4 * abs(gradient).max() + 1e-7,
                                   err_msg=key)
    assert expected_gradients["conv_new_2_weight"].any()


def test_rows_of_padding_have_no_gradient():
    """A row of label -1 pulls at nothing; the gradients of other rows are those of the graph as it was."""
    logits, label = mx.nd.array([[1, 2, 3], [0, 1, 0], [3, 1, 1]]), mx.nd.array([0, -1, 2])
    plain = mx.sym.SoftmaxOutput(mx.sym.Variable("x"), mx.sym.Variable("label"), normalization="valid", name="loss")
    gradients = []
    for symbol in (plain, with_ignored_padding(plain)):
        executor = symbol.bind(mx.cpu(), {"x": logits, "label": label}, {"x": mx.nd.zeros((3, 3))})
        executor.forward(is_train=True)
        executor.backward()
        gradients.append(executor.grad_dict["x"].asnumpy())
    assert gradients[0][1].any() and not gradients[1][1].any()
    np.testing.assert_array_equal(gradients[1][[0, 2]], gradients[0][[0, 2]])
    assert with_ignored_padding(with_ignored_padding(plain)).tojson() == with_ignored_padding(plain).tojson()


@pytest.mark.parametrize("name, key, value", [
    ("xception_rfcn_light", "NECK", "pointwise"), ("resnet_v1_101_rfcn_light", "HIDDEN_UNITS", 0),
    ("resnet_v1_101_rfcn_light", "ROI_POOL", "psroi_align_max"), ("xception_rfcn_light", "ROI_POOL", "roi_pool"),
    ("xception_rfcn_light", "STRIDE_IN_1X1", False), ("resnet_v1_101_rfcn", "ROI_POOL", "psroi_align"),
    ("resnet_v1_101_rfcn", "LIGHT_HEAD_RELU", "after_sum")])
def test_values_that_a_graph_lacks_are_refused(configure, name, key, value):
    cfg = configure("run", "symbol", name, "network." + key, value)
    message = f"^network.{key} is {value!r}; {name} has only "
    for build in (lambda: test_graph(cfg, 4), lambda: training_graph(cfg, 4, "rcnn"), lambda: training_graph(cfg, 4)):
        with pytest.raises(ConfigError, match=message):
            build()


def test_feature_size_is_that_of_the_same_gluon_backbone(configure):
    cells = FeatureSize(training_graph(configure("run"), 4).symbol, 256, 8)
    gluon = Xception(frozen=True).feature_size
    assert [cells(side) for side in range(16, 257, 8)] == [gluon(side) for side in range(16, 257, 8)]
    with pytest.raises(DataError, match="264 pixels wide or high .* takes 16 to 256 pixels"):
        cells(264)


class Seen(NumpyOperatorProp):
    """Passes an array on, and keeps a copy of it."""

    arguments, outputs = ("data",), ("output",)
    arrays = []

    def parse(self):
        return lambda array: (self.arrays.append(array.copy()) or array,)

    def shapes(self, shape):
        return [shape]


def test_operators_in_python_get_what_convolutions_give():
    """Their number of channels is a multiple of 8, for which oneDNN has a layout of its own."""
    mx.operator.register("seen_by_test_graphs")(Seen)
    convolution = mx.sym.Convolution(mx.sym.var("data"), kernel=(1, 1), num_filter=48, name="conv")
    symbol = mx.sym.Group([mx.sym.Custom(convolution, op_type="seen_by_test_graphs", name="seen"), convolution])
    values = {"conv_weight": mx.nd.random.normal(shape=(48, 64, 1, 1)), "conv_bias": mx.nd.zeros(48)}
    block = graph_block(symbol, ["data"], [mx.cpu()], values)
    for _ in range(20):
        del Seen.arrays[:]
        passed_on, expected = block(mx.nd.random.normal(shape=(1, 64, 20, 20)))
        np.testing.assert_array_equal(passed_on.asnumpy(), expected.asnumpy())
        np.testing.assert_array_equal(Seen.arrays[0], expected.asnumpy())
    assert with_plain_inputs(symbol, [mx.gpu(0)]) is symbol
    assert with_plain_inputs(convolution, [mx.cpu()]) is convolution
    assert with_plain_inputs(symbol, [mx.cpu()]).list_outputs() == symbol.list_outputs()
