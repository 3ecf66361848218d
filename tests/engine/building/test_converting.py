"""Converted weights: the three files, which test a detector or start a training, and what does not fit."""
import json

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.data.class_names import COCO_CLASSES, VOC_CLASSES
from light_head_rcnn.engine.building import converting
from light_head_rcnn.engine.building.converting import convert
from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.building.pretrained import read_pretrained
from light_head_rcnn.engine.checkpoints.arrays import write_arrays
from light_head_rcnn.engine.checkpoints.parameters import parameter_arrays
from light_head_rcnn.engine.config import load_config, saved_config, with_values
from light_head_rcnn.engine.inference.loading import load_network
from light_head_rcnn.errors import CheckpointError, ConfigError, ModelError, UsageError
from light_head_rcnn.gluon_models import get_classifier, registry
from light_head_rcnn.gluon_models.backbones import plain
from light_head_rcnn.gluon_models.registry import composed_models
from light_head_rcnn.gluon_models.weights import DETECTOR, Pixels, Weights

S = "light_head_rcnn_xception_coco"


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A detector of setting S for COCO as if it came from another framework: per-class boxes, other means."""
    cfg = load_config(None, {"network.model": S, "CLASS_AGNOSTIC": False})
    net = build_net(cfg, COCO_CLASSES)
    net.initialize(mx.init.Normal(0.05))
    arrays = {name: parameter.data().asnumpy() for name, parameter in net.collect_params().items()}
    weights = Weights({**arrays, "logits_weight": np.ones(2)}, "file of the moon", S, DETECTOR,
                      {"CLASS_AGNOSTIC": False, "network.ROI_POOL": "psroi_align_max", "TEST.NMS": 0.5},
                      Pixels((1.0, 2.0, 3.0)), ("A note.",), COCO_CLASSES)
    monkeypatch.setattr("light_head_rcnn.engine.building.converting.read_pretrained",
                        lambda path: weights if path == "moon" else read_pretrained(path))
    return weights


def test_a_detector_is_ready_for_use(source, tmp_path):
    done = convert("moon", str(tmp_path / "new" / "moon.params"))
    assert [path.rpartition("/")[2] for path in done.files] == ["moon.params", "moon.json", "moon.yaml"]
    assert done.is_detector and "left over  logits" in done.text and "A note." in done.text
    # Its configuration tests it without a training...
    cfg = load_config(done.files[2])
    assert (cfg.network.PIXEL_MEANS, cfg.network.ROI_POOL, cfg.TEST.NMS, cfg.CLASS_AGNOSTIC) == (
        (3.0, 2.0, 1.0), "psroi_align_max", 0.5, False)
    assert cfg.network.model == S and "A note." in open(done.files[2]).read()
    # ... and it is a checkpoint.
    for found in (load_network(cfg, [mx.cpu()]), load_network(None, [mx.cpu()], done.files[0])):
        assert found.net.classes == COCO_CLASSES and found.cfg.network.ROI_POOL == "psroi_align_max"
        for name, parameter in found.net.collect_params().items():
            np.testing.assert_array_equal(parameter.data().asnumpy(), source.arrays[name])


def test_a_backbone_brings_the_hidden_layers_of_its_classifier_along(tmp_path, monkeypatch):
    """Those with which Fast R-CNN starts; the layer of the classes is left over."""
    monkeypatch.setitem(plain.NETWORKS, "alexnet", plain.NETWORKS["alexnet"]._replace(hidden=(6, 5)))
    classifier = get_classifier("alexnet", ["x"] * 4)
    classifier.initialize(mx.init.Normal(0.1))
    arrays = {name: parameter.data() for name, parameter in classifier.collect_params().items()}
    mx.nd.save(str(tmp_path / "classifier.params"), arrays)
    done = convert(str(tmp_path / "classifier.params"), str(tmp_path / "new.params"))
    assert not done.is_detector and "left over  fc8" in done.text
    found = read_pretrained(done.files[0]).arrays
    assert set(found) == {name for name in arrays if not name.startswith("fc8")}
    for name, array in found.items():
        np.testing.assert_array_equal(array, arrays[name].asnumpy())


def test_a_detector_that_was_trained_as_a_graph_becomes_a_gluon_model(source, tmp_path):
    weights = source._replace(settings={**source.settings, "symbol": "xception_rfcn_light"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("light_head_rcnn.engine.building.converting.read_pretrained", lambda path: weights)
        done = convert("graph", str(tmp_path / "x.params"))
    cfg = load_config(done.files[2])
    assert cfg.symbol == "" and load_network(cfg, [mx.cpu()]).net.classes == COCO_CLASSES
    assert load_network(None, [mx.cpu()], done.files[0]).cfg.symbol == ""
    cfg = load_config(None, {"symbol": "xception_rfcn_light", "network.pretrained": done.files[0],
                             "output_path": str(tmp_path)})
    with pytest.raises(CheckpointError, match="there is no checkpoint .*\nWeights that .* not by a symbol: lhrcnn"):
        load_network(cfg, [mx.cpu()])


def test_its_backbone_alone_is_a_backbone(source, tmp_path):
    done = convert("moon", str(tmp_path / "x"), "xception")
    assert not done.is_detector and set(mx.nd.load(done.files[0])) == {
        ("aux:" if "moving" in name else "arg:") + name
        for name in registry.BACKBONES.get("xception").build(frozen=True).collect_params()}
    cfg = load_config(done.files[2])
    assert cfg.network.pretrained == done.files[0]
    with pytest.raises(CheckpointError, match="there is no checkpoint .*holds a backbone, not a detector"):
        load_network(cfg, [mx.cpu()])


def test_keys_travel_with_a_backbone(tmp_path):
    arrays = {name: mx.nd.ones(parameter.shape) for name, parameter in
              registry.BACKBONES.get("resnet50_v1b").build(frozen=True).collect_params().items()}
    mx.nd.save(str(tmp_path / "a"), arrays)
    done = convert(str(tmp_path / "a"), str(tmp_path / "b.params"), "light_head_rcnn_resnet50_v1_voc")
    cfg = load_config(done.files[2])
    assert (cfg.network.model, cfg.network.STRIDE_IN_1X1, cfg.network.PADDED_POOL) == (
        "light_head_rcnn_resnet50_v1_voc", False, True)
    found = read_pretrained(done.files[0])
    assert found.settings == {"network.STRIDE_IN_1X1": False, "network.PADDED_POOL": True}
    assert "config" not in json.load(open(done.files[1])) and "res5c_branch2c_weight" in found.arrays


def test_a_checkpoint_in_the_other_names_becomes_a_configuration_of_the_named_backbone(monkeypatch, tmp_path):
    """Its JSON file has the defaults of keys that its own model does not have."""
    net = registry.BACKBONES.get("resnet50_v1b").build(frozen=True)
    weights = Weights({name: np.broadcast_to(np.float32(1), parameter.shape)
                       for name, parameter in net.collect_params().items()},
                      "file of the moon", "light_head_rcnn_resnet50_v1b_coco", DETECTOR,
                      {"network.model": "light_head_rcnn_resnet50_v1b_coco", "network.STRIDE_IN_1X1": True,
                       "network.PADDED_POOL": False, "network.NECK": "pointwise", "network.PIXEL_STDS": [2.0] * 3})
    monkeypatch.setattr(converting, "read_pretrained", lambda path: weights)
    network = load_config(convert("moon", str(tmp_path / "x"), "resnet50_v1").files[2]).network
    assert (network.model, network.STRIDE_IN_1X1, network.PADDED_POOL, network.NECK, network.PIXEL_STDS) == (
        "light_head_rcnn_resnet50_v1_coco", False, True, "large_separable", (2.0, 2.0, 2.0))


def trained(path, values, classes=("a", "b")):
    """Writes a detector with random weights and the JSON file of its training; returns its configuration."""
    cfg = load_config(None, values)
    net = build_net(cfg, classes)
    net.initialize(mx.init.Normal(0.05))
    write_arrays(f"{path}.params", parameter_arrays(net))
    path.with_suffix(".json").write_text(json.dumps({"classes": classes, "config": saved_config(cfg)}))
    return cfg


LITE = "light_head_rcnn_efficientnet_lite0_coco"


@pytest.mark.parametrize("values", [
    {"network.model": LITE, "network.OUTPUTS": ["stage5", "stage5"]},
    {"network.model": S, "network.NECK": "pointwise", "network.HEAD_RANKS": "fc_new_1=64"}])
def test_detectors_of_this_package_are_known_by_their_json_file(tmp_path, values):
    cfg = trained(tmp_path / "x", {**values, "output_path": str(tmp_path)})
    start = with_values(cfg, {"network.pretrained": str(tmp_path / "x.params")})
    assert load_network(start, [mx.cpu()]).net.classes == ("a", "b")
    done = convert(str(tmp_path / "x.params"), str(tmp_path / "new"))
    assert done.is_detector and "left over  nothing" in done.text
    for found in (load_network(load_config(done.files[2]), [mx.cpu()]), load_network(None, [mx.cpu()], done.files[0])):
        assert {key: saved_config(found.cfg)[key] for key in values} == values
    backbone = composed_models()[cfg.network.model].backbone
    part = convert(str(tmp_path / "x.params"), str(tmp_path / "part"), backbone)
    assert load_config(part.files[2]).network.OUTPUTS == cfg.network.OUTPUTS and not part.is_detector


@pytest.mark.parametrize("classes, words", [
    (("a", "b"), "a network of as many takes the output layers as if for the same"),
    (VOC_CLASSES, "they are as many as VOC has, and are taken for those")])
def test_classes_that_are_not_known_are_told(tmp_path, classes, words):
    trained(tmp_path / "x", {"network.model": S}, classes)
    assert "its classes" not in convert(str(tmp_path / "x.params"), str(tmp_path / "known")).text
    (tmp_path / "x.json").unlink()
    done = convert(str(tmp_path / "x.params"), str(tmp_path / "new"))
    told = f'say its classes: {words}. If they are others, name them under "classes" in {done.files[1]}.'
    assert told in done.text and told in open(done.files[2]).read()
    assert "its classes" not in convert(str(tmp_path / "x.params"), str(tmp_path / "part"), "xception").text


def test_a_detector_that_is_not_known_whole_is_no_backbone_where_a_detector_is_named(tmp_path):
    trained(tmp_path / "x", {"network.model": S, "network.HIDDEN_UNITS": 0})
    (tmp_path / "x.json").unlink()
    with pytest.raises(CheckpointError, match=f"x.params .* is not known to be all of {S}, although it has cls_score "
                                              "and bbox_pred.*: put the JSON file .* --model xception"):
        convert(str(tmp_path / "x.params"), str(tmp_path / "new"), S)
    assert not convert(str(tmp_path / "x.params"), str(tmp_path / "new"), "xception").is_detector


def test_a_configuration_of_fast_rcnn_reads_proposals(tmp_path, monkeypatch):
    """That of a whole detector, and that of the backbone that one shall start with."""
    monkeypatch.setitem(plain.NETWORKS, "alexnet", plain.NETWORKS["alexnet"]._replace(hidden=(6, 5)))
    name = "fast_rcnn_alexnet_voc"
    trained(tmp_path / "x", {"network.model": name, "dataset.proposal": "file", "TRAIN.ENABLE_OHEM": False,
                             "TRAIN.BATCH_ROIS": 8, "network.HEAD_UNITS": [6, 5]})
    done = convert(str(tmp_path / "x.params"), str(tmp_path / "whole"))
    assert done.is_detector and done.on_proposals and "lhrcnn proposals" in done.text
    assert load_network(load_config(done.files[2]), [mx.cpu()]).net.needs_proposals
    (tmp_path / "classifier.params").write_bytes((tmp_path / "x.params").read_bytes())
    arrays = mx.nd.load(str(tmp_path / "classifier.params"))
    mx.nd.save(str(tmp_path / "classifier.params"), {key: array for key, array in arrays.items() if "_pred" not in key})
    cfg = load_config(convert(str(tmp_path / "classifier.params"), str(tmp_path / "part"), name).files[2])
    assert build_net(cfg, ("a", "b")).needs_proposals and not cfg.TRAIN.ENABLE_OHEM


def test_nothing_is_written_where_the_configuration_cannot_be(source, tmp_path, monkeypatch):
    monkeypatch.setattr(converting, "read_pretrained", lambda path: source._replace(pixels=Pixels((1.0, 2.0))))
    with pytest.raises(ConfigError, match="network.PIXEL_MEANS must be 3 numbers"):
        convert("moon", str(tmp_path / "x"), "xception")
    assert not list(tmp_path.iterdir())


def test_the_first_convolution_is_turned_round(source, tmp_path):
    done = convert("moon", str(tmp_path / "x"), bgr=True)
    found = mx.nd.load(done.files[0])
    np.testing.assert_array_equal(found["arg:conv1_weight"].asnumpy(), source.arrays["conv1_weight"][:, ::-1])
    np.testing.assert_array_equal(found["arg:fc_new_1_weight"].asnumpy(), source.arrays["fc_new_1_weight"])


def test_colours_are_as_the_user_says(source, tmp_path, monkeypatch):
    """A reader may have turned the first convolution round already."""
    monkeypatch.setattr("light_head_rcnn.engine.building.converting.read_pretrained",
                        lambda path: source._replace(turned=True))
    for bgr, step in ((None, 1), (True, 1), (False, -1)):
        found = mx.nd.load(convert("moon", str(tmp_path / "x"), bgr=bgr).files[0])
        np.testing.assert_array_equal(found["arg:conv1_weight"].asnumpy(), source.arrays["conv1_weight"][:, ::step])


def test_what_does_not_fit_is_refused_and_nothing_is_written(source, tmp_path):
    for model, error, message in (
            ("resnet50_v1", CheckpointError, "moon .*does not fit resnet50_v1:\n  .*\n  and 2.. more"),
            ("resnet5000", ModelError, "unknown model 'resnet5000'; known backbones: alexnet")):
        with pytest.raises(error, match=f"(?s){message}"):
            convert("moon", str(tmp_path / "x"), model)
    mx.nd.save(str(tmp_path / "y"), {"a": mx.nd.ones(1)})
    with pytest.raises(CheckpointError, match="no network that is known here; its first names: a.*--model NAME"):
        convert(str(tmp_path / "y"), str(tmp_path / "x"))
    assert [path.name for path in tmp_path.iterdir()] == ["y"]


def test_a_file_is_not_written_over_itself(tmp_path):
    mx.nd.save(str(tmp_path / "a.params"), {"a": mx.nd.ones(1)})
    for target in ("a.params", "a"):
        with pytest.raises(UsageError, match="a.params is the file that is to be converted: name another to write"):
            convert(str(tmp_path / "a.params"), str(tmp_path / target))
    for target in (f"{tmp_path}/", f"{tmp_path}/new/", ""):
        with pytest.raises(UsageError, match="names no file: .* such as .*NAME.params"):
            convert(str(tmp_path / "a.params"), target)


@pytest.mark.parametrize("there", ["x.params", "x.json", "x.yaml"])
def test_files_of_others_are_not_written_over(source, tmp_path, there):
    content = json.dumps({"format": 1, "epoch": 3, "step": 30})
    (tmp_path / there).write_text(content)
    with pytest.raises(UsageError, match=f"{there} is there, and no earlier conversion wrote it: name another file"):
        convert("moon", str(tmp_path / "x"))
    assert [path.name for path in tmp_path.iterdir()] == [there] and (tmp_path / there).read_text() == content


def test_an_earlier_conversion_is_replaced(source, tmp_path):
    first = convert("moon", str(tmp_path / "x"))
    assert convert("moon", str(tmp_path / "x")) == first
