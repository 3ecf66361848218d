"""Weights to start from: what is taken, new and left over; other classes; other keys; where missing files are found."""
import json
import re

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.engine.building import pretrained
from light_head_rcnn.engine.building.initialization import initialize
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.building.pretrained import pretrained_file, read_pretrained
from light_head_rcnn.engine.config import load_config, saved_config
from light_head_rcnn.errors import CheckpointError, ConfigError
from light_head_rcnn.gluon_models import registry
from light_head_rcnn.gluon_models.weights import BACKBONE, Weights

S = "light_head_rcnn_xception_coco"


def save_detector(path, classes, arrays=None, **keys):
    """A detector with random weights and, if its classes are to be known, its JSON file; returns its arrays."""
    cfg = load_config(None, {"network.model": S, **keys})
    net = build_net(cfg, classes)
    net.initialize(mx.init.Normal(0.5))
    saved = {"arg:" + name: parameter.data() for name, parameter in net.collect_params().items()}
    mx.nd.save(str(path), {**saved, **(arrays or {})})
    path.with_suffix(".json").write_text(json.dumps({"classes": classes, "config": saved_config(cfg)}))
    return {name.partition(":")[2]: array.asnumpy() for name, array in saved.items()}


def start(path, classes, **keys):
    """Initialises a detector with a file; returns its arrays and the report."""
    cfg = load_config(None, {"network.model": S, "network.pretrained": str(path), **keys})
    net = build_net(cfg, classes)
    report = initialize(cfg, net, [mx.cpu()])
    return {name: parameter.data().asnumpy() for name, parameter in net.collect_params().items()}, report


def same_layers(saved, found):
    return {name[:-len("_weight")] for name in found
            if name.endswith("_weight") and np.array_equal(saved[name], found[name])}


def layers(found):
    return {name[:-len("_weight")] for name in found if name.endswith("_weight")}


def test_the_table_of_a_detector_for_other_classes(tmp_path):
    path = tmp_path / "x.params"
    saved = save_detector(path, ["a", "b"], {"arg:extra_weight": mx.nd.ones(1)})
    found, report = start(path, ["c", "d", "e"])
    assert re.search(r"weights from .*x.params \(MXNet parameter file, the detector " + S, report.text)
    assert re.search(r"taken +(\d+) of \1 arrays of the backbone, rpn_conv_3x3, .*bbox_pred\n", report.text)
    assert "  new        cls_score\n" in report.text and not report.problems
    assert "  left over  cls_score (for other classes, or of another shape), extra" in report.text
    assert "cls_score" not in same_layers(saved, found) and "bbox_pred" in same_layers(saved, found)


@pytest.mark.parametrize("agnostic, new", [(True, {"cls_score"}), (False, {"cls_score", "bbox_pred"})])
def test_as_many_other_classes_have_new_layers_too(tmp_path, agnostic, new):
    path = tmp_path / "x.params"
    saved = save_detector(path, ["a", "b"], CLASS_AGNOSTIC=agnostic)
    found, _ = start(path, ["a", "c"], CLASS_AGNOSTIC=agnostic)
    assert layers(found) - same_layers(saved, found) == new
    found, report = start(path, ["a", "b"], CLASS_AGNOSTIC=agnostic)
    assert "  new        nothing\n  left over  nothing" in report.text
    assert layers(found) == same_layers(saved, found)


@pytest.mark.parametrize("agnostic, words", [(True, "cls_score is"), (False, "cls_score and bbox_pred are")])
def test_layers_for_classes_that_are_not_known_are_taken_with_a_warning(tmp_path, agnostic, words):
    path = tmp_path / "x.params"
    saved = save_detector(path, ["a", "b"], CLASS_AGNOSTIC=agnostic)
    _, report = start(path, ["a", "b"], CLASS_AGNOSTIC=agnostic)
    assert "does not say its classes" not in report.text
    path.with_suffix(".json").unlink()
    found, report = start(path, ["c", "d"], CLASS_AGNOSTIC=agnostic)
    assert layers(found) == same_layers(saved, found)
    assert f"the file does not say its classes, which are as many: {words} taken as if for the same" in report.text
    _, report = start(path, ["c", "d", "e"], CLASS_AGNOSTIC=False)
    assert "does not say its classes" not in report.text and "  new        cls_score, bbox_pred\n" in report.text


def test_a_layer_is_taken_as_a_whole_or_not_at_all(tmp_path):
    """The bias of a hidden layer fits whatever its input is; without its weight it is of no use."""
    path = tmp_path / "x.params"
    saved = save_detector(path, ["a"], {"arg:fc_new_1_bias": mx.nd.ones(2048)})
    found, report = start(path, ["a"], **{"network.ROI_POOL": "roi_pool"})
    assert saved["fc_new_1_weight"].shape != found["fc_new_1_weight"].shape and not found["fc_new_1_bias"].any()
    assert "  new        fc_new_1\n  left over  fc_new_1 (for other classes, or of another shape)" in report.text


def test_other_values_of_keys_are_told(tmp_path):
    path = tmp_path / "x.params"
    save_detector(path, ["a"], **{"network.PIXEL_MEANS": [1, 2, 3], "TRAIN.lr": 0.3, "network.NORM": "batch"})
    _, report = start(path, ["a"])
    assert report.text.count(" there, ") == 1
    assert "network.PIXEL_MEANS: [1.0, 2.0, 3.0] there, [103.06, 115.9, 123.15] here" in report.text
    _, report = start(path, ["a"], **{"network.PIXEL_MEANS": [1, 2, 3]})
    assert "warning" not in report.text


def test_a_file_without_the_backbone_is_refused(tmp_path):
    mx.nd.save(str(tmp_path / "x.params"), {"conv1_weight": mx.nd.ones((24, 3, 3, 3)), "fc_weight": mx.nd.ones(1)})
    with pytest.raises(CheckpointError, match=r"x.params \(MXNet parameter file\) does not hold the backbone of "
                                              r"network.model light_head_rcnn_xception_coco:\n  miss"):
        start(tmp_path / "x.params", ["a"])


def test_weights_of_another_backbone_are_told_with_the_model_that_takes_them(tmp_path):
    net = registry.BACKBONES.get("vovnet27_slim").build(frozen=True)
    net.initialize()
    net.collect_params().save(str(tmp_path / "x.params"))
    with pytest.raises(CheckpointError, match=r"the backbone vovnet27_slim\) does not hold .*:(\n  missing.*){20}\n  "
                                              r"and \d+ more\nFor these weights set network.model=light_head_rcnn_"
                                              r"vovnet27_slim_coco, .*network.OUTPUTS=\[\]"):
        start(tmp_path / "x.params", ["a"])


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    path = tmp_path / "x.params"
    save_detector(path, ["a"], {"arg:conv1_weight": mx.nd.full((24, 3, 3, 3), np.nan)})
    with pytest.raises(CheckpointError, match=r"x.params: 1 of \d+ arrays hold NaN or infinity.*:\n  conv1_weight$"):
        start(path, ["a"])


def test_any_name_of_a_file(tmp_path):
    path = tmp_path / "x.params"
    saved = save_detector(path, ["a"])
    path.rename(tmp_path / "weights.of.mine")
    found, _ = start(tmp_path / "weights.of.mine", ["a"])
    np.testing.assert_array_equal(found["conv1_weight"], saved["conv1_weight"])


@pytest.mark.parametrize("keys, words", [
    ({"network.model": "light_head_rcnn_resnet101_v1_coco"},
     ["ImageNet weights of resnet101_v1", "get_model('resnet101_v1', pretrained=True)",
      "lhrcnn convert FILE --to ./model/w-0000.params", "docs/weights.md", "network.NORM=batch"]),
    ({"network.model": "rfcn_resnet50_v1b_voc"}, ["torchvision.models.resnet50(weights='DEFAULT')"]),
    ({"symbol": "resnet_v1_101_rfcn_light", "network.model": S}, ["ImageNet weights of resnet101_v1"]),
    ({"network.model": "light_head_rcnn_efficientnet_lite0_coco"}, ["network.pretrained=efficientnet_lite0"]),
    ({"network.model": S}, ["docs/weights.md says which are understood", "network.FIXED_PARAMS=[]"])])
def test_a_missing_file_says_where_weights_are_published(keys, words):
    cfg = load_config(None, {**keys, "network.pretrained": "./model/w"})
    with pytest.raises(CheckpointError, match="there is no file ./model/w-0000.params, nor ./model/w. ") as caught:
        pretrained_file(cfg)
    assert all(word in str(caught.value) for word in words)


def test_a_damaged_json_file_beside_weights_does_not_count(tmp_path, caplog):
    path = tmp_path / "x.params"
    save_detector(path, ["a"])
    for text in ("{", "[]", '{"config": 3}'):
        path.with_suffix(".json").write_text(text)
        caplog.clear()
        assert read_pretrained(str(path)).classes == ()
        assert "x.json does not count, so that the keys and classes of the weights" in caplog.text


def test_a_value_that_no_key_can_have_is_told_with_the_json_file(tmp_path):
    path = tmp_path / "x.params"
    save_detector(path, ["a"])
    path.with_suffix(".json").write_text('{"settings": {"network.STRIDE_IN_1X1": "maybe"}}')
    with pytest.raises(ConfigError, match="x.json: network.STRIDE_IN_1X1 must be true or false, got 'maybe'"):
        read_pretrained(str(path))


def zeros(backbone):
    """Arrays of a whole backbone, which take no memory."""
    parameters = registry.BACKBONES.get(backbone).build(frozen=True).collect_params()
    return {name: np.broadcast_to(np.float32(0), parameter.shape) for name, parameter in parameters.items()}


def test_a_deeper_network_is_refused(monkeypatch):
    """It has all layers of the backbone, and some between them."""
    weights = Weights(zeros("resnet101_v1b"), "file of the moon", "resnet101_v1b", BACKBONE)
    monkeypatch.setattr(pretrained, "pretrained_file", lambda cfg: "moon")
    monkeypatch.setattr(pretrained, "read_pretrained", lambda path: weights)

    def take(model):
        cfg = load_config(None, {"network.model": model})
        own = {name: parameter.shape for name, parameter in build_net(cfg, ["a"]).backbone.collect_params().items()}
        return pretrained.take_pretrained(cfg, own, own)[0]

    for model in ("light_head_rcnn_resnet50_v1b_coco", "light_head_rcnn_fpn_resnet50_v1b_coco"):
        with pytest.raises(CheckpointError, match="moon .* holds the backbone resnet101_v1b, a deeper network than "
                                                  "resnet50_v1b, .*: take a model on resnet101_v1b"):
            take(model)
    assert take("light_head_rcnn_resnet101_v1b_coco")
    weights = Weights(zeros("resnet152_v1"), "file of the moon", "resnet152_v1", BACKBONE)
    with pytest.raises(CheckpointError, match="the backbone resnet152_v1b, a deeper network than resnet101_v1b"):
        take("light_head_rcnn_resnet101_v1b_coco")
    assert take("light_head_rcnn_resnet152_v1b_coco")


def test_layers_that_outputs_leave_out_are_no_other_network():
    weights = Weights({**zeros("efficientnet_lite0"), "fc_weight": np.zeros(1)}, "file of the moon")
    pretrained.check_depth("moon", weights, "efficientnet_lite0")
