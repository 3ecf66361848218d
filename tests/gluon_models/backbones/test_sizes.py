"""Sizes of all backbones: parameters, sides of the maps, strides."""
import math

import mxnet as mx
import pytest

from light_head_rcnn.errors import ModelError
from light_head_rcnn.gluon_models.registry import BACKBONES, PYRAMID_BACKBONES

# Millions of parameters, as published or counted by the authors' code, and the number of classes; 0 for no last layer.
PUBLISHED = {"resnet50_v1": (25.56, 1000), "resnet101_v1": (44.55, 1000), "resnet50_v1b": (25.56, 1000),
             "resnet101_v1b": (44.55, 1000), "resnet152_v1": (60.19, 1000), "resnet152_v1b": (60.19, 1000),
             "resnext50_32x4d": (25.03, 1000), "resnext101_32x4d": (44.18, 1000),
             "resnext101_64x4d": (83.46, 1000), "resnext101_32x8d": (88.79, 1000), "densenet121": (7.98, 1000),
             "densenet169": (14.15, 1000), "res2net50": (25.70, 1000), "res2net101": (45.21, 1000),
             "vovnet27_slim": (3.53, 1000), "vovnet39": (22.60, 1000), "vovnet57": (36.64, 1000),
             "vovnetv2_19_slim": (2.65, 0), "vovnetv2_19_dw": (5.52, 0), "vovnetv2_19": (10.18, 0),
             "vovnetv2_39": (25.18, 0), "vovnetv2_57": (41.45, 0), "vovnetv2_99": (69.52, 0),
             "efficientnet_lite0": (4.65, 1000), "vgg16": (138.36, 1000), "alexnet": (61.10, 1000),
             "caffenet": (60.97, 1000), "vgg_cnn_m_1024": (87.25, 1000)}
SIDES = [(45, 62), (64, 96), (75, 131), (97, 100), (127, 129), (224, 45), (63, 511)]
ALL = sorted(BACKBONES.entries)


def shapes(net, height, width):
    """Of the outputs for a batch of two images."""
    _, found, _ = mx.sym.Group(list(net(mx.sym.var("data")))).infer_shape(data=(2, 3, height, width))
    return found


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_parameters(build_backbone, name):
    millions, classes = PUBLISHED[name]
    net = build_backbone(name, classes=classes, output_stride=32)
    count = sum(math.prod(p.shape) for key, p in net.collect_params().items() if "_moving_" not in key)
    assert math.floor(count / 1e4 + 0.5) / 100 == millions or math.floor(count / 1e4) / 100 == millions


@pytest.mark.parametrize("narrow, whole", [("resnet50_v1b_narrow", "resnet50_v1b"), ("res2net50_narrow", "res2net50")])
def test_half_of_the_channels(build_backbone, narrow, whole):
    whole, narrow = (build_backbone(name, classes=3).collect_params() for name in (whole, narrow))
    assert list(narrow) == list(whole)
    for key, parameter in whole.items():
        sides = [(a, b) for a, b in zip(parameter.shape[:2], narrow[key].shape[:2]) if (a, b) not in ((3, 3), (1, 1))]
        assert sides == [(a, a // 2) for a, _ in sides] and parameter.shape[2:] == narrow[key].shape[2:], key


@pytest.mark.parametrize("name", ALL)
def test_two_maps_and_their_sides(build_backbone, name):
    net = build_backbone(name)
    graph = mx.sym.Group(list(net(mx.sym.var("data"))))
    assert net.strides == (16, 16)
    for height, width in SIDES:
        cells = net.feature_size(height), net.feature_size(width)
        assert graph.infer_shape(data=(2, 3, height, width))[1] == [(2, channels, *cells)
                                                                    for channels in net.out_channels]


@pytest.mark.parametrize("name", sorted(PYRAMID_BACKBONES.entries))
def test_levels_of_a_pyramid_and_their_sides(name):
    net = PYRAMID_BACKBONES.get(name).build()
    graph = mx.sym.Group(list(net(mx.sym.var("data"))))
    assert net.strides == (4, 8, 16, 32)
    for height, width in SIDES:
        sides = zip(net.out_channels, net.feature_size(height), net.feature_size(width))
        assert graph.infer_shape(data=(2, 3, height, width))[1] == [(2, *shape) for shape in sides]


@pytest.mark.parametrize("name", ["resnet50_v1", "resnet50_v1d", "res2net50", "densenet121", "vovnet39",
                                  "vovnetv2_19_dw", "efficientnet_lite0", "xception"])
def test_output_strides(build_backbone, name):
    for stride in (8, 16, 32):
        last = build_backbone(name).stages[-1].name
        net = build_backbone(name, outputs=(last,), output_stride=stride)
        side = 256 // stride
        assert net.strides == (stride,) and net.feature_size(256) == (side,)
        assert shapes(net, 256, 256) == [(2, net.out_channels[0], side, side)]
        assert max(stage.stride for stage in net.stages) == stride
        assert net.stages[-1].dilation == 32 // stride
    net = build_backbone(name, output_stride=8)
    assert net.strides == (8, 8) and net.feature_size(128) == 16 and shapes(net, 128, 128)[1][2:] == (16, 16)
    net = build_backbone(name, output_stride=32)
    assert net.strides == (16, 32) and net.feature_size(128) == (8, 4)


@pytest.mark.parametrize("options, words", [
    (dict(output_stride=4), "output_stride is 4; known: 8, 16, 32"),
    (dict(outputs="two"), "outputs names 'two'; known: two_maps, pyramid, stem, stage2, stage3, stage4, stage5"),
    (dict(outputs=("stage6",)), "outputs names 'stage6'"), (dict(outputs=()), "outputs is empty")])
def test_wrong_forms(build_backbone, options, words):
    with pytest.raises(ModelError, match=words):
        build_backbone("vovnet39", **options)
