"""Files that Gluon's save_parameters wrote of networks of this package: their parameters get their own names."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models import get_classifier, get_model, registry
from light_head_rcnn.gluon_models.weights import read_weights
from light_head_rcnn.gluon_models.weights.own_places import with_parameter_names


def values(net):
    """Each parameter full of a number of its own, by its name."""
    found = {}
    for number, (name, parameter) in enumerate(net.collect_params().items()):
        parameter.set_data(mx.nd.full(parameter.shape, number))
        found[name[len(net.prefix):] if name.startswith(net.prefix) else name] = number
    return found


@pytest.mark.parametrize("model, content", [
    ("light_head_rcnn_vovnet27_slim_voc", "detector"), ("light_head_rcnn_fpn_resnet50_v1b_narrow_voc", "detector"),
    ("rfcn_xception_voc", "detector"), ("faster_rcnn_efficientnet_lite0_voc", "detector"),
    ("fast_rcnn_caffenet_voc", "backbone")])
def test_detectors(tmp_path, model, content):
    net = get_model(model)
    net.initialize(mx.init.Zero())
    expected = values(net)
    net.save_parameters(str(tmp_path / "x.params"))
    weights = read_weights(str(tmp_path / "x.params"))
    backbone = registry.composed_models()[model].backbone
    assert (weights.model, weights.content) == (model.replace("_voc", "_coco") if content == "detector" else backbone,
                                                content)
    assert set(weights.arrays) == set(expected)
    for name, number in expected.items():
        assert (weights.arrays[name] == number).all(), name


def test_classifiers(tmp_path):
    net = get_classifier("efficientnet_lite0", ["a", "b", "c"])
    net.initialize(mx.init.Zero())
    expected = values(net)
    net.save_parameters(str(tmp_path / "x.params"))
    weights = read_weights(str(tmp_path / "x.params"))
    assert weights.model == "efficientnet_lite0" and set(weights.arrays) == set(expected)
    assert (weights.arrays["_fc_weight"] == expected["_fc_weight"]).all() and expected["_fc_weight"]


def test_a_backbone_cut_short():
    """That of a detector whose head reads an earlier stage; it is not taken for another backbone."""
    net = registry.BACKBONES.get("resnet101_v1b").build(frozen=True, outputs=("layer3", "layer3"))
    arrays = {place: np.zeros(parameter.shape, "float32")
              for place, parameter in net._collect_params_with_prefix().items()}
    assert set(with_parameter_names("x", arrays)) == set(net.collect_params())


def test_places_of_two_networks_are_refused(tmp_path):
    net = registry.BACKBONES.get("resnet50_v1d").build(frozen=True)
    net.initialize(mx.init.Zero())
    net.save_parameters(str(tmp_path / "x.params"))
    with pytest.raises(CheckpointError, match="x.params has the places of layers for names, and these are the same in "
                                              "resnet50_v1c and resnet50_v1d: write"):
        read_weights(str(tmp_path / "x.params"))


def test_other_names_stay():
    arrays = {"stem.0.conv.weight": np.ones((1, 2, 3, 4)), "conv1_weight": np.ones(1), "features.x": np.ones(1)}
    assert set(with_parameter_names("x", arrays)) == set(arrays)
