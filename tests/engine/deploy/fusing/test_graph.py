"""Graphs in fused form against the networks that they come from: what is folded, and that the answers are the same."""
import json

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon

from light_head_rcnn.engine.deploy.fusing.graph import block_of, fuse_graph, parameter_file_arrays, with_onednn
from light_head_rcnn.gluon_models.layers import BatchNorm, ConvBN, clip6, relu, relu6


class Net(gluon.HybridBlock):
    """A function of a map with six channels, and layers for it."""

    def __init__(self, function):
        super().__init__(prefix="")
        self.function = function
        with self.name_scope():
            self.norm = BatchNorm(6, False, "norm_")
            self.other = BatchNorm(8, False, "other_")
            self.conv = gluon.nn.Conv2D(8, 3, in_channels=6, prefix="conv_")
            self.padded = gluon.nn.Conv2D(8, 3, padding=1, in_channels=6, prefix="padded_")
            self.grouped = gluon.nn.Conv2D(9, 2, groups=3, use_bias=False, in_channels=6, prefix="grouped_")
            self.one_by_one = gluon.nn.Conv2D(8, 1, in_channels=8, prefix="one_by_one_")
            self.frozen = ConvBN(6, 6, 3, "frozen_conv", "frozen_bn", True, padding=1, activation=relu6)
            self.same = ConvBN(6, 6, 3, "same_conv", "same_bn", False, stride=2, same=True, activation=clip6)

    def hybrid_forward(self, F, x):
        return self.function(self, F, x)


# What a network computes, and its operators in fused form.
NETWORKS = {
    "norm behind a convolution": (lambda net, F, x: net.other(net.padded(x)), "Convolution"),
    "norm before a convolution": (lambda net, F, x: net.conv(net.norm(x)), "Convolution"),
    "norm before a grouped convolution": (lambda net, F, x: net.grouped(net.norm(x)), "Convolution"),
    "norm before one that pads": (lambda net, F, x: net.padded(net.norm(x)), "BatchNorm Convolution"),
    "norms on both sides": (lambda net, F, x: net.one_by_one(net.other(net.conv(net.norm(x)))),
                            "Convolution Convolution"),
    "norm before an activation": (lambda net, F, x: net.conv(relu(F, net.norm(x))),
                                  "Activation BatchNorm Convolution"),
    "norm that is read twice": (lambda net, F, x: F.concat(*(lambda y: (net.conv(y), F.slice_axis(
        y, axis=2, begin=1, end=-1).slice_axis(axis=3, begin=1, end=-1)))(net.norm(x)), dim=1),
        "BatchNorm Concat Convolution slice_axis slice_axis"),
    "norm that is answered": (lambda net, F, x: (lambda y: [net.conv(y), y])(net.norm(x)), "BatchNorm Convolution"),
    "frozen": (lambda net, F, x: net.frozen(x), "Convolution clip"),
    "crop between": (lambda net, F, x: net.same(x), "Convolution clip slice"),
    "crop of the batch": (lambda net, F, x: net.other(F.slice(net.padded(x), begin=(0,), end=(1,))),
                          "BatchNorm Convolution slice"),
}


def _operators(symbol):
    return " ".join(sorted(node["op"] for node in json.loads(symbol.tojson())["nodes"] if node["op"] != "null"))


@pytest.mark.parametrize("onednn", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_answers_are_the_same(name, onednn, randomize):
    function, _ = NETWORKS[name]
    net = randomize(Net(function))
    graph = fuse_graph(net, ["x"], net, onednn)
    block = block_of(with_onednn(graph.symbol) if onednn else graph.symbol, ["x"], graph.arrays, [mx.cpu()])
    block.hybridize(static_alloc=onednn)
    for shape in ((1, 6, 8, 8), (2, 6, 7, 9), (1, 6, 8, 8)):
        x = mx.nd.array(np.random.RandomState(0).uniform(-1, 1, shape))
        for one, other in zip(_flat(net(x)), _flat(block(x))):
            np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)


def _flat(answer):
    return [array.asnumpy() for array in (answer if isinstance(answer, (list, tuple)) else [answer])]


@pytest.mark.parametrize("name", NETWORKS)
def test_operators_of_the_fused_form(name, randomize):
    function, operators = NETWORKS[name]
    net = randomize(Net(function))
    graph = fuse_graph(net, ["x"], net)
    assert _operators(graph.symbol) == operators
    assert graph.norms_left == operators.count("BatchNorm")


def test_bounds_stay_as_they_are_without_onednns_passes(randomize):
    net = randomize(Net(NETWORKS["frozen"][0]))
    assert _operators(fuse_graph(net, ["x"], net, for_onednn=False).symbol) == "Activation Convolution _minimum_scalar"


def test_onednn_adds_and_rectifies_within_convolutions(randomize):
    net = randomize(Net(lambda net, F, x: relu(F, net.padded(x) + net.one_by_one(net.padded(x)))))
    assert set(_operators(with_onednn(fuse_graph(net, ["x"], net).symbol)).split()) == {"_sg_mkldnn_conv"}


def test_statistics_of_norms_that_stay_are_auxiliary(randomize):
    net = randomize(Net(lambda net, F, x: net.padded(net.norm(x))))
    names = set(parameter_file_arrays(fuse_graph(net, ["x"], net)))
    assert {"aux:norm_moving_mean", "aux:norm_moving_var", "arg:norm_gamma", "arg:padded_weight"} <= names


def test_the_network_keeps_its_parameters(randomize):
    net = randomize(Net(lambda net, F, x: net.other(net.padded(x))))
    before = {name: parameter.data().asnumpy() for name, parameter in net.collect_params().items()}
    graph = fuse_graph(net, ["x"], net)
    block_of(graph.symbol, ["x"], graph.arrays, [mx.cpu()])(mx.nd.ones((1, 6, 8, 8))).wait_to_read()
    for name, parameter in net.collect_params().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), before[name])
