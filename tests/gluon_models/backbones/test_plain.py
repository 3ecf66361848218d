"""VGG-16, VGG_CNN_M_1024, CaffeNet and AlexNet: layers, sides, classifiers, values by hand, what is not trained."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn import get_model
from light_head_rcnn.engine.building.initialization import fix_parameters
from light_head_rcnn.errors import ModelError
from light_head_rcnn.gluon_models.backbones.plain import (NETWORKS, Conv, ConvReLU, HiddenLayers, LocalNorm, Norm,
                                                          PlainNetwork)

OF_VGG = [f"conv{stage}_{i}" for stage, count in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, count + 1)]


def layers_of(net):
    return list(dict.fromkeys(name.rpartition("_")[0] for name in net.collect_params()))


def test_layers_have_the_names_of_caffe(build_backbone):
    assert layers_of(build_backbone("vgg16")) == OF_VGG
    assert layers_of(build_backbone("vgg16", classes=5)) == [*OF_VGG, "fc6", "fc7", "fc8"]
    for name in list(NETWORKS)[1:]:
        assert layers_of(build_backbone(name, classes=5)) == [f"conv{i}" for i in range(1, 6)] + ["fc6", "fc7", "fc8"]


@pytest.mark.parametrize("name, detector", [
    ("vgg16", {"fc6": (4096, 512 * 49), "fc7": (4096, 4096)}),
    ("vgg_cnn_m_1024", {"fc6": (4096, 512 * 36), "fc7": (1024, 4096)}),
    ("caffenet", {"fc6": (4096, 256 * 36), "fc7": (4096, 4096)}),
    ("alexnet", {"fc6": (4096, 256 * 36), "fc7": (4096, 4096)})])
def test_fast_rcnn_has_the_hidden_layers_of_the_classifier(build_backbone, name, detector):
    net, classifier = get_model(f"fast_rcnn_{name}_voc"), build_backbone(name, classes=1000)
    shapes = {key: p.shape for key, p in net.collect_params().items()}
    assert {layer: shapes[f"{layer}_weight"] for layer in detector} == detector
    of_classifier = {key: p.shape for key, p in classifier.collect_params().items() if not key.startswith("fc8")}
    assert {key: shape for key, shape in shapes.items() if key in of_classifier} == of_classifier
    assert set(shapes) - set(of_classifier) == {f"{layer}_{end}" for layer in ("cls_score", "bbox_pred")
                                                for end in ("weight", "bias")}


@pytest.mark.parametrize("name, side", [("vgg16", 224), ("vgg_cnn_m_1024", 224), ("caffenet", 196), ("alexnet", 224)])
def test_at_the_published_size_the_hidden_layers_read_the_map_as_it_is(build_backbone, name, side):
    """Where the side that is pooled is theirs already, averaging to it changes nothing; CaffeNet is padded here."""
    net = build_backbone(name, classes=3)
    maps = PlainNetwork(name)(mx.sym.var("data"))[0]
    pooled = net.classifier[0].pool(maps)
    bins = net.pool_levels[0]
    assert pooled.infer_shape(data=(1, 3, side, side))[1][0][2:] == (bins, bins)
    assert maps.infer_shape(data=(1, 3, side, side))[1][0][2:] == (PlainNetwork(name).feature_size(side),) * 2


@pytest.mark.parametrize("name", NETWORKS)
def test_classifier_of_any_size(build_backbone, name):
    net = build_backbone(name, classes=5, frozen=False)
    _, (shape,), _ = net(mx.sym.var("data")).infer_shape(data=(2, 3, 100, 140))
    assert shape == (2, 5) and net.stages[-1].stride == 16 and net.out_channels == ()


def test_values_by_hand():
    """A grouped convolution with ReLU, and local normalisation with Caffe's numbers, against loops."""
    rng = np.random.RandomState(0)
    x = rng.normal(0, 3, (2, 6, 5, 7)).astype("float32")
    conv = ConvReLU(6, Conv("c", 8, 3, 2, 1, 2))
    conv.initialize(mx.init.Normal(0.5))
    weight, bias = conv.conv.weight.data().asnumpy(), rng.normal(0, 1, 8).astype("float32")
    conv.conv.bias.set_data(mx.nd.array(bias))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    expected = np.zeros((2, 8, 3, 4))
    for c, i, j in np.ndindex(8, 3, 4):
        window = padded[:, c // 4 * 3:c // 4 * 3 + 3, 2 * i:2 * i + 3, 2 * j:2 * j + 3]
        expected[:, c, i, j] = (window * weight[c]).sum(axis=(1, 2, 3)) + bias[c]
    np.testing.assert_allclose(conv(mx.nd.array(x)).asnumpy(), expected.clip(0), rtol=1e-4, atol=1e-4)

    found = LocalNorm(Norm(0.3, 2.0))(mx.nd.array(x)).asnumpy()
    for c in range(6):
        squares = (x[:, max(c - 2, 0):c + 3] ** 2).sum(axis=1)
        np.testing.assert_allclose(found[:, c], x[:, c] / (2 + 0.3 / 5 * squares) ** 0.75, rtol=1e-4)


def test_hidden_layers_by_hand():
    numbers = NETWORKS["vgg16"]._replace(hidden=(6, 5), bins=2)
    block = HiddenLayers(3, numbers)
    block.initialize(mx.init.Normal(0.5))
    x = np.random.RandomState(0).normal(0, 1, (2, 3, 9, 8)).astype("float32")  # pooled to 4 x 4, averaged to 2 x 2
    pooled = x[:, :, :8].reshape(2, 3, 4, 2, 4, 2).max(axis=(3, 5)).reshape(2, 3, 2, 2, 2, 2).mean(axis=(3, 5))
    values = pooled.reshape(2, -1)
    for layer in (block.fc6, block.fc7):
        values = (values @ layer.weight.data().asnumpy().T).clip(0)
    np.testing.assert_allclose(block(mx.nd.array(x)).asnumpy(), values[:, :, None, None], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name, channels", [("vgg16", 512), ("vgg_cnn_m_1024", 512), ("caffenet", 256),
                                            ("alexnet", 256)])
def test_one_map_of_stride_16_for_the_rpn_and_the_head(build_backbone, name, channels):
    net = build_backbone(name)
    assert net.out_channels == (channels, channels) and net.strides == (16, 16)
    assert abs(net.feature_size(600) - 600 / 16) <= 2 and isinstance(net.feature_size(600), int)
    assert get_model(f"light_head_rcnn_{name}_voc").rpn.conv.weight.shape[1] == channels


def test_cells_of_caffenet_lie_16_pixels_apart_from_the_edge_on(build_backbone):
    """As RoI pooling takes for granted: what cell (i, j) sees has its centre at (16 i, 16 j)."""
    net = build_backbone("caffenet")
    net.initialize(mx.init.Constant(1.0))
    for centre in (7, 8):
        image = mx.nd.zeros((1, 3, 240, 240))
        image[0, :, 16 * centre, 16 * centre] = 1
        seen = np.argwhere(net(image)[0].asnumpy()[0].max(axis=0) > 0)
        assert (seen.min(axis=0) + seen.max(axis=0)).tolist() == [2 * centre, 2 * centre]


@pytest.mark.parametrize("name, words, first", [
    ("vgg16", ("conv1_", "conv2_"), "conv3_1"), ("vgg16", ("conv1", "res2", "bn2", "gamma"), "conv3_1"),
    ("vgg16", ("conv1",), "conv2_1"), ("caffenet", ("conv1",), "conv2"), ("caffenet", ("conv1", "res2"), "conv3")])
def test_layers_that_are_not_trained(name, words, first):
    net = get_model(f"fast_rcnn_{name}_voc", hidden=(8, 8))
    fixed = fix_parameters(net, words)
    names = list(net.collect_params())
    assert fixed == sorted(names[:names.index(f"{first}_weight")])


@pytest.mark.parametrize("name", NETWORKS)
def test_there_is_no_dilated_form_and_no_pyramid(name):
    with pytest.raises(ModelError, match=f"{name} cannot be dilated: output_stride must be 16 or 32"):
        PlainNetwork(name, output_stride=8)
    with pytest.raises(ModelError, match="the backbone has no stage of stride (4|32)"):
        PlainNetwork(name, outputs="pyramid")
    assert PlainNetwork(name, outputs=("conv3",)).stages[-1].name == "conv3"
