"""Backbones: the paper's multiply-adds, the port's names and shapes, sizes of the maps."""
import json

import mxnet as mx
import pytest

from light_head_rcnn.gluon_models.backbones import ResNet, Xception, XceptionClassifier


def multiply_adds(net, height, width):
    """Multiply-adds of the convolutions and fully connected layers, counted off the symbolic graph."""
    graph = net(mx.sym.var("data"))
    graph = graph if isinstance(graph, mx.sym.Symbol) else mx.sym.Group(list(graph))
    internals = graph.get_internals()
    _, shapes, _ = internals.infer_shape(data=(1, 3, height, width))
    shapes = dict(zip(internals.list_outputs(), shapes))
    total = 0
    for node in json.loads(graph.tojson())["nodes"]:
        if node["op"] in ("Convolution", "FullyConnected"):
            nodes = json.loads(graph.tojson())["nodes"]
            weight = shapes[nodes[node["inputs"][1][0]]["name"]]
            output = shapes[node["name"] + "_output"]
            per_value = 1
            for size in weight[1:]:
                per_value *= size
            values = 1
            for size in output[1:]:
                values *= size
            total += per_value * values
    return total


def test_xception_counts_the_papers_multiply_adds():
    assert multiply_adds(XceptionClassifier(), 224, 224) == pytest.approx(145e6, rel=0.02)


def test_counting_is_right_for_a_known_network():
    """ResNet-50's 25.56M parameters at 1000 classes hold 2.05M in its last layer, which is not part of the backbone."""
    net = ResNet(50)
    count = sum(_size(p) for name, p in net.collect_params().items() if "moving" not in name)
    assert count == pytest.approx(25.56e6 - 2.049e6, rel=1e-3)


def _size(parameter):
    size = 1
    for side in parameter.shape:
        size *= side
    return size


@pytest.mark.parametrize("build", [lambda: ResNet(50), Xception])
@pytest.mark.parametrize("height, width", [(64, 96), (75, 131), (97, 100)])
def test_feature_size_is_that_of_the_maps(build, height, width):
    net = build()
    graph = mx.sym.Group(list(net(mx.sym.var("data"))))
    _, shapes, _ = graph.infer_shape(data=(2, 3, height, width))
    for shape, channels in zip(shapes, net.out_channels):
        assert shape == (2, channels, net.feature_size(height), net.feature_size(width))


@pytest.mark.parametrize("in_1x1", [True, False])
def test_stride_placement(in_1x1):
    net = ResNet(50, stride_in_1x1=in_1x1)
    graph = mx.sym.Group(list(net(mx.sym.var("data"))))
    attributes = graph.attr_dict()
    strides = {branch: attributes["res3a_branch2%s_fwd" % branch]["stride"] for branch in "ab"}
    assert strides == {"a": "(2, 2)" if in_1x1 else "(1, 1)", "b": "(1, 1)" if in_1x1 else "(2, 2)"}


def test_resnet101_has_the_ports_parameters(port):
    expected = {name: shape for name, (shape, _) in port.items() if name.startswith(("conv1", "bn", "res"))}
    assert {name: p.shape for name, p in ResNet(101).collect_params().items()} == expected
