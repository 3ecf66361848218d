"""ResNet v1 and the Xception-like network: multiply-adds of the paper, names of the MXNet original, sizes of maps."""
import mxnet as mx
import pytest

from light_head_rcnn.experiments.benchmarks.counting import count_network
from light_head_rcnn.gluon_models.backbones import PyramidResNet, PyramidXception, ResNet, Xception, XceptionClassifier
from light_head_rcnn.gluon_models.layers import BatchNorm


def test_xception_counts_the_papers_multiply_adds():
    assert count_network(XceptionClassifier(), 224, 224)[1] == pytest.approx(145e6, rel=0.02)


def test_counting_is_right_for_a_known_network():
    """ResNet-50's 25.56M parameters at 1000 classes hold 2.05M in its last layer, which is not part of the backbone."""
    count, _ = count_network(ResNet(50), 64, 64)
    assert count == pytest.approx(25.56e6 - 2.049e6, rel=1e-3)


@pytest.mark.parametrize("build", [lambda: ResNet(50), Xception])
@pytest.mark.parametrize("height, width", [(64, 96), (75, 131), (97, 100)])
def test_feature_size_is_that_of_the_maps(build, height, width):
    net = build()
    graph = mx.sym.Group(list(net(mx.sym.var("data"))))
    _, shapes, _ = graph.infer_shape(data=(2, 3, height, width))
    for shape, channels in zip(shapes, net.out_channels):
        assert shape == (2, channels, net.feature_size(height), net.feature_size(width))


@pytest.mark.parametrize("height, width", [(64, 96), (75, 131), (97, 100), (33, 62)])
def test_feature_sizes_are_those_of_the_levels(height, width):
    net = PyramidResNet(50)
    graph = mx.sym.Group(list(net(mx.sym.var("data"))))
    _, shapes, _ = graph.infer_shape(data=(2, 3, height, width))
    assert shapes == [(2, channels, *sides) for channels, *sides in
                      zip(net.out_channels, net.feature_size(height), net.feature_size(width))]


@pytest.mark.parametrize("in_1x1", [True, False])
def test_last_stage_of_a_pyramid_strides_and_is_not_dilated(in_1x1):
    attributes = mx.sym.Group(list(PyramidResNet(50, stride_in_1x1=in_1x1)(mx.sym.var("data")))).attr_dict()
    for stage in "345":
        strides = {branch: attributes[f"res{stage}a_branch2{branch}_fwd"]["stride"] for branch in "ab"}
        assert strides == {"a": "(2, 2)" if in_1x1 else "(1, 1)", "b": "(1, 1)" if in_1x1 else "(2, 2)"}
    assert {attributes[f"res5{unit}_branch2b_fwd"]["dilate"] for unit in "abc"} == {"(1, 1)"}


@pytest.mark.parametrize("in_1x1", [True, False])
def test_stride_placement(in_1x1):
    net = ResNet(50, stride_in_1x1=in_1x1)
    graph = mx.sym.Group(list(net(mx.sym.var("data"))))
    attributes = graph.attr_dict()
    strides = {branch: attributes[f"res3a_branch2{branch}_fwd"]["stride"] for branch in "ab"}
    assert strides == {"a": "(2, 2)" if in_1x1 else "(1, 1)", "b": "(1, 1)" if in_1x1 else "(2, 2)"}


def test_resnet101_has_the_parameters_of_the_mxnet_original(original_parameters):
    expected = {name: shape for name, (shape, _) in original_parameters.items()
                if name.startswith(("conv1", "bn", "res"))}
    assert {name: p.shape for name, p in ResNet(101).collect_params().items()} == expected


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("build, widening", [
    (lambda frozen: ResNet(50, frozen=frozen), set()), (lambda frozen: PyramidResNet(50, frozen=frozen), set()),
    (Xception, {"2a", "3a", "4a"}), (PyramidXception, {"2a", "3a", "4a"})])
def test_first_values_of_the_normalisation(build, widening, frozen):
    """Trained from scratch, a residual branch that is added starts at zero; other values change no activation."""
    net = build(frozen=frozen)
    net.initialize()
    zeros = set()
    for name, parameter in net.collect_params().items():
        kind, values = name.rpartition("_")[2], parameter.data().asnumpy()
        if kind == "gamma" and not values.any():
            zeros.add(name)
        elif kind != "weight":
            assert (values == (1 if kind in ("gamma", "var") else 0)).all(), name
    branches = {name for name in net.collect_params() if name.endswith("_branch2c_gamma")}
    assert len(branches) > len(widening)
    assert zeros == (set() if frozen else branches - {f"bn{unit}_branch2c_gamma" for unit in widening})
    frozen_layers = {block._options["use_global_stats"] for block in blocks_of(net, BatchNorm)}
    assert frozen_layers == {frozen}


def blocks_of(block, kind):
    """All blocks of a kind inside a block."""
    found = [block] if isinstance(block, kind) else []
    return found + [inner for child in block._children.values() for inner in blocks_of(child, kind)]
