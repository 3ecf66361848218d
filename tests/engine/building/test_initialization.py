"""The backbone of a pretrained file, with every parameter that it lacks."""
import logging

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.building.initialization import (
    caffe_meanings, fix_parameters, initialize, warn_of_fixed_layers, warn_of_idle_words)
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.errors import CheckpointError
from light_head_rcnn.gluon_models import get_classifier, get_model
from light_head_rcnn.gluon_models.backbones import plain, resnet


@pytest.fixture
def configure(configuring, tmp_path):
    return configuring(tmp_path, "")


@pytest.mark.parametrize("model", ["light_head_rcnn_xception_coco", "light_head_rcnn_fpn_resnet50_v1_coco"])
def test_pretrained_backbone(configure, tmp_path, monkeypatch, model):
    monkeypatch.setitem(resnet.DEPTHS, 50, ((1, 1, 1, 1), ()))
    cfg = configure("run", "network.model", model)
    net = build_net(cfg, ("a",))
    initialize(cfg, net, [mx.cpu()])
    arrays = {"arg:" + name: p.data() + 1 for name, p in net.backbone.collect_params().items()}
    arrays["arg:fc1000_weight"] = mx.nd.zeros((3, 3))
    mx.nd.save(str(tmp_path / "backbone-0000.params"), arrays)
    cfg = configure("run", "network.model", model, "network.pretrained", str(tmp_path / "backbone"))
    net = build_net(cfg, ("a",))
    initialize(cfg, net, [mx.cpu()])
    for name, parameter in net.backbone.collect_params().items():
        np.testing.assert_array_equal(parameter.data().asnumpy(), arrays["arg:" + name].asnumpy())
    del arrays["arg:conv1_weight"]
    mx.nd.save(str(tmp_path / "backbone-0000.params"), arrays)
    with pytest.raises(CheckpointError, match="missing in the file: conv1_weight"):
        initialize(cfg, build_net(cfg, ("a",)), [mx.cpu()])
    with pytest.raises(CheckpointError, match="network.pretrained: there is no file .*backbone-0007.params"):
        cfg = configure("run", "network.model", model, "network.pretrained", str(tmp_path / "backbone"),
                        "network.pretrained_epoch", 7)
        initialize(cfg, build_net(cfg, ("a",)), [mx.cpu()])


def test_fast_rcnn_starts_with_the_hidden_layers_of_a_classifier(configure, tmp_path, monkeypatch):
    monkeypatch.setitem(plain.NETWORKS, "vgg16", plain.NETWORKS["vgg16"]._replace(hidden=(6, 5)))
    classifier = get_classifier("vgg16", ["x"] * 4)
    classifier.initialize(mx.init.Normal(0.1))
    arrays = {name: p.data() for name, p in classifier.collect_params().items()}
    mx.nd.save(str(tmp_path / "vgg.params"), arrays)
    cfg = configure("run", "network.model", "fast_rcnn_vgg16_voc", "network.pretrained", str(tmp_path / "vgg.params"),
                    "dataset.proposal", "file", "TRAIN.ENABLE_OHEM", False, "TRAIN.BATCH_ROIS", 64)
    net = build_net(cfg, ("a", "b"))
    report = initialize(cfg, net, [mx.cpu()])
    for name, parameter in net.collect_params().items():
        if name in arrays:
            np.testing.assert_array_equal(parameter.data().asnumpy(), arrays[name].asnumpy())
    assert set(net.collect_params()) - set(arrays) == {
        f"{layer}_{end}" for layer in ("cls_score", "bbox_pred") for end in ("weight", "bias")}
    assert "26 of 26 arrays of the backbone, fc6, fc7" in report.text and "fc8" in report.text
    scales = [layer.weight.data().asnumpy().std() for layer in net.output_layers]
    assert 0.005 < scales[0] < 0.02 and 0.0005 < scales[1] < 0.002


CAFFES_WORDS = ("conv1", "bn_conv1", "res2", "bn2", "gamma", "beta")  # the default of network.FIXED_PARAMS


@pytest.mark.parametrize("model, starts", [
    ("light_head_rcnn_resnet50_v1_voc", ("conv1_", "bn_conv1_", "res2", "bn2")),
    ("rfcn_resnet50_v1b_voc", ("conv1_", "bn1_", "layer1_")),
    ("faster_rcnn_densenet121_voc", ("features_conv0_", "features_norm0_", "features_denseblock1_",
                                     "features_transition1_norm_")),
    ("light_head_rcnn_fpn_vovnetv2_19_slim_voc", ("stem_", "stage2_")),
    ("light_head_rcnn_vgg16_voc", ("conv1_", "conv2_")),
    ("light_head_rcnn_efficientnet_lite0_voc", ("_conv_stem_", "_bn0_", "_blocks_0_", "_blocks_1_", "_blocks_2_"))])
def test_default_words_fix_the_stem_the_first_stage_and_all_norms(model, starts):
    net = get_model(model)
    fixed = fix_parameters(net, CAFFES_WORDS)
    trained = {name for name, p in net.collect_params().items() if not name.endswith(("_moving_mean", "_moving_var"))}
    assert set(fixed) == {name for name in trained if name.startswith(starts) or name.endswith(("_gamma", "_beta"))}
    assert all((p.grad_req == "null") == (name in fixed or name not in trained)
               for name, p in net.collect_params().items())


def test_other_words_are_parts_of_names():
    net = get_model("light_head_rcnn_vovnet27_slim_voc")
    assert set(fix_parameters(net, ["stage3", "res2", "rpn_conv"])) == {
        name for name in net.collect_params() if name.startswith(("stage3_", "rpn_conv"))
        and not name.endswith(("_moving_mean", "_moving_var"))
        or name.startswith("stage2_") and name.endswith("_weight")}


@pytest.mark.parametrize("model, words, idle", [
    ("light_head_rcnn_vovnet27_slim_voc", [*CAFFES_WORDS, "stage3", "res3"], []),
    ("light_head_rcnn_resnet50_v1_voc", ["res2", "layer1", "stem"], ["layer1", "stem"])])
def test_words_that_fix_nothing_are_named(configure, caplog, model, words, idle):
    net = get_model(model)
    cfg = configure("run", "network.FIXED_PARAMS", f"[{', '.join(words)}]")
    warn_of_idle_words(cfg, net.collect_params(), logging.getLogger("test"), caffe_meanings(net))
    assert len(caplog.messages) == bool(idle)
    if idle:
        assert "no parameter has a name with 'layer1' or 'stem' in it, so that nothing is fixed by them" in caplog.text


@pytest.mark.parametrize("norm, pretrained, fixed, warning", [
    ("frozen", "", ["conv1_weight"], "network.pretrained is empty"), ("batch", "", ["conv1_weight"], "fixes random"),
    ("batch", "x.params", ["bn_gamma", "conv1_weight"], "network.NORM is batch"),
    ("batch", "x.params", ["bn_gamma", "bn_beta"], None), ("frozen", "x.params", ["conv1_weight"], None),
    ("batch", "", [], None)])
def test_fixed_layers_that_are_not_kept_are_told(configure, caplog, norm, pretrained, fixed, warning):
    cfg = configure("run", "network.NORM", norm, "network.pretrained", pretrained)
    with caplog.at_level(logging.INFO, "told"):
        warn_of_fixed_layers(cfg, fixed, logging.getLogger("told"))
    assert [warning in record.getMessage() for record in caplog.records] == ([True] if warning else [])
