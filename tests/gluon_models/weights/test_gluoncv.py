"""Backbones of GluonCV's model zoo, in both forms in which Gluon saves parameters: the outputs are the same."""
import sys

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models import registry
from light_head_rcnn.gluon_models.backbones import ResNet
from light_head_rcnn.gluon_models.weights import read_weights


@pytest.fixture(scope="module")
def model_zoo():
    if "torch" not in sys.modules:  # GluonCV's import dies where PyTorch 2 is installed
        sys.modules["torch"] = None
    from gluoncv import model_zoo
    return model_zoo


def saved_forms(net, folder):
    """Saves a network in both forms, and yields the weights that are read."""
    net.save_parameters(str(folder / "places.bin"))
    net.collect_params().save(str(folder / "names.bin"))
    for form in ("places", "names"):
        yield read_weights(str(folder / f"{form}.bin"))


@pytest.mark.parametrize("name, size", [
    ("resnet50_v1", (65, 98)), ("resnet50_v1b", (65, 98)), ("resnet50_v1c", (65, 98)), ("resnet50_v1d", (65, 98)),
    ("resnet50_v1s", (65, 98)), ("resnext50_32x4d", (65, 98)), ("densenet121", (224, 224)), ("alexnet", (224, 224))])
def test_outputs_are_those_of_gluoncv(model_zoo, randomize, give_values, tmp_path, name, size):
    x = mx.nd.array(np.random.RandomState(1).normal(size=(1, 3, *size)))
    net = model_zoo.get_model(name, classes=5)
    net.initialize(mx.init.Zero())
    net(x)  # only now are the shapes known
    randomize(net)
    expected = net(x).asnumpy()
    for weights in saved_forms(net, tmp_path):
        assert weights.model == name and weights.pixels.stds == (58.395, 57.12, 57.375)
        if name == "resnet50_v1":
            assert weights.settings == {"network.STRIDE_IN_1X1": True, "network.PADDED_POOL": True}
            own = ResNet(50, padded_pool=True, classes=5)
        else:
            assert weights.settings == {}
            own = registry.BACKBONES.get(name).build(classes=5)
        give_values(own, {key: weights.arrays[key.replace("fc1000_", "fc_")] for key in own.collect_params()})
        found = own(x).asnumpy()
        assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.slow
def test_the_map_of_vgg16_and_its_hidden_layers(model_zoo, randomize, give_values, tmp_path):
    x = mx.nd.array(np.random.RandomState(1).normal(size=(1, 3, 64, 96)))
    net = model_zoo.get_model("vgg16", classes=5)
    net.initialize(mx.init.Zero())
    net(x)
    randomize(net)
    expected = net.features[:30](x).asnumpy()  # the last pooling comes next
    for weights in saved_forms(net, tmp_path):
        assert weights.model == "vgg16"
        own = registry.BACKBONES.get("vgg16").build()
        give_values(own, {key: weights.arrays[key] for key in own.collect_params()})
        found = own(x)[-1].asnumpy()
        assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
        for layer, of_gluoncv in (("fc6", net.features[31]), ("fc7", net.features[33]), ("fc8", net.output)):
            np.testing.assert_array_equal(weights.arrays[f"{layer}_weight"], of_gluoncv.weight.data().asnumpy())


@pytest.mark.parametrize("name", ["resnet18_v1b", "se_resnet50_v1", "se_resnext50_32x4d", "vgg16_bn"])
def test_others_are_refused(model_zoo, tmp_path, name):
    """Also those that have all layers of a backbone here, and others among them."""
    net = model_zoo.get_model(name)
    net.initialize(mx.init.Zero())
    net(mx.nd.zeros((1, 3, 64, 64)))
    net.save_parameters(str(tmp_path / "places.params"))
    net.collect_params().save(str(tmp_path / "names.params"))
    for form in ("places", "names"):
        with pytest.raises(CheckpointError, match="has no counterpart here; those that have are resnet50, resnet101"):
            read_weights(str(tmp_path / f"{form}.params"))


def test_a_damaged_file_is_told(model_zoo, tmp_path):
    net = model_zoo.get_model("resnet50_v1")
    net.initialize(mx.init.Zero())
    net(mx.nd.zeros((1, 3, 64, 64)))
    net.save_parameters(str(tmp_path / "x.params"))
    arrays = mx.nd.load(str(tmp_path / "x.params"))
    del arrays["features.4.0.body.1.running_mean"]
    mx.nd.save(str(tmp_path / "x.params"), arrays)
    with pytest.raises(CheckpointError, match="x.params is damaged: layer1_0_bn1_moving_mean, .* is missing, and"):
        read_weights(str(tmp_path / "x.params"))


def test_numbers_of_layers_that_there_are_not(tmp_path):
    mx.nd.save(str(tmp_path / "x.params"), {"resnetv1c0_batchnorm7_gamma": mx.nd.ones(1)})
    with pytest.raises(CheckpointError, match="has no counterpart here"):
        read_weights(str(tmp_path / "x.params"))


@pytest.mark.parametrize("name", ["resnet50_v1e", "resnet50_v1b_gn"])
def test_versions_with_other_widths_or_normalisations_are_refused(model_zoo, tmp_path, name):
    net = model_zoo.get_model(name)
    net.initialize(mx.init.Zero())
    net(mx.nd.zeros((1, 3, 64, 64)))
    net.save_parameters(str(tmp_path / "x.params"))
    with pytest.raises(CheckpointError, match="has no counterpart here"):
        read_weights(str(tmp_path / "x.params"))


def run_on_few_proposals(detector, x):
    """Runs a detector of GluonCV once, so that the shapes of its parameters are known."""
    detector.rpn._test_post_nms = detector._rpn_test_post_nms = detector._rcnn_max_dets = 4
    detector(x)


@pytest.mark.parametrize("name, backbone", [("faster_rcnn_resnet50_v1b_coco", "resnet50_v1b"),
                                            ("mask_rcnn_resnet101_v1d_coco", "resnet101_v1d")])
def test_the_backbone_of_a_detector_is_taken(model_zoo, randomize, give_values, tmp_path, name, backbone):
    net = model_zoo.get_model(name, pretrained_base=False)
    net.initialize(mx.init.Zero())
    x = mx.nd.array(np.random.RandomState(1).normal(size=(1, 3, 64, 96)))
    run_on_few_proposals(net, x)
    for layers in (net.features, net.top_features):
        randomize(layers)
    expected = net.features(x)
    net.save_parameters(str(tmp_path / "x.params"))
    weights = read_weights(str(tmp_path / "x.params"))
    assert (weights.model, weights.content, weights.settings) == (backbone, "backbone", {})
    assert "whole detector of GluonCV" in weights.notes[0] and "rpn.conv1.0.weight" in weights.arrays
    own = registry.BACKBONES.get(backbone).build()
    give_values(own, {key: weights.arrays[key] for key in own.collect_params()})
    assert np.abs((own(x)[0] - expected).asnumpy()).max() < 1e-5 * np.abs(expected.asnumpy()).max()
    last = net.top_features[0][2]
    np.testing.assert_array_equal(weights.arrays["layer4_2_conv2_weight"], last.conv2.weight.data().asnumpy())
    np.testing.assert_array_equal(weights.arrays["layer4_2_bn3_moving_var"], last.bn3.running_var.data().asnumpy())


@pytest.mark.parametrize("name, norm", [("faster_rcnn_fpn_resnet50_v1b_coco", "batchnorm"),
                                        ("faster_rcnn_fpn_syncbn_resnet50_v1b_coco", "syncbatchnorm")])
def test_so_is_that_of_a_detector_on_a_pyramid(model_zoo, tmp_path, name, norm):
    net = model_zoo.get_model(name, pretrained_base=False)
    net.initialize(mx.init.Normal())
    run_on_few_proposals(net, mx.nd.zeros((1, 3, 64, 96)))
    net.save_parameters(str(tmp_path / "x.params"))
    arrays, weights = mx.nd.load(str(tmp_path / "x.params")), read_weights(str(tmp_path / "x.params"))
    assert weights.model == "resnet50_v1b"
    for own, place in (("conv1_weight", "conv0_weight"), ("bn1_gamma", f"{norm}0_gamma"),
                       ("layer3_5_conv3_weight", "layers3_conv17_weight"),
                       ("layer4_0_downsample_1_moving_var", f"down4_{norm}0_running_var")):
        np.testing.assert_array_equal(weights.arrays[own], arrays[f"features.resnetv1b_{place}"].asnumpy())
