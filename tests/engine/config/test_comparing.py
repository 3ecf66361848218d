"""What a resumed run, and a test of a checkpoint, may change."""
import json
import logging

import pytest

from light_head_rcnn.engine import config
from light_head_rcnn.engine.config import KEYS, load_config
from light_head_rcnn.errors import ConfigError

# A value that is not the default, for each key that trained weights depend on; models that have the key.
OTHER = {
    "CLASS_AGNOSTIC": False, "network.PIXEL_MEANS": (103.06, 115.90, 123.0), "network.PIXEL_STDS": (57, 57, 58),
    "network.ANCHOR_RATIOS": (0.5, 1, 2.5), "network.ANCHOR_SCALES": (4, 8, 16, 31), "network.STRIDE_IN_1X1": False,
    "network.OUTPUTS": ["res4", "res4"],
    "network.PADDED_POOL": True,
    "network.LIGHT_HEAD_RELU": "after_sum", "network.NECK": "pointwise", "network.ROI_POOL": "psroi_align",
    "network.POOL_LEVELS": [4, 2], "network.HEAD_UNITS": [8], "network.HEAD_RANKS": "fc6=8",
    "network.CLASS_SCORES": "one_vs_rest",
    "network.HIDDEN_UNITS": 0, "network.FPN_CANONICAL_SIDE": 112, "TRAIN.BBOX_MEANS": (0, 0, 0, 0.1),
    "TRAIN.BBOX_STDS": (0.1, 0.1, 0.2, 0.1)}
L, S, FPN = "light_head_rcnn_resnet101_v1_coco", "light_head_rcnn_xception_coco", "light_head_rcnn_fpn_xception_coco"


def saved(cfg):
    """As a checkpoint's JSON file gives it back."""
    return json.loads(json.dumps(config.saved_config(cfg)))


def test_changed_keys_are_those_that_change_the_losses():
    before = saved(load_config())
    free = load_config(None, ["gpus", "3", "TRAIN.end_epoch", 99, "TEST.NMS", 0.9, "default.frequent", 7,
                              "network.pretrained", "model/resnet", "network.pretrained_epoch", 3,
                              "TRAIN.KEEP_CHECKPOINTS", 0, "TRAIN.EARLY_STOP_TESTS", 3, "TRAIN.BEST_METRIC", "AP50"])
    assert config.changed_keys(before, free) == []
    other = load_config(None, ["TRAIN.lr", 7, "SCALES", "100,200"])
    assert config.changed_keys(before, other) == [
        "SCALES: [600, 1000] in the checkpoint, [100, 200] now", "TRAIN.lr: 0.0005 in the checkpoint, 7.0 now"]
    assert config.changed_keys(before, load_config(None, {"TRAIN.SCALES": [[1, 2]]})) == [
        "TRAIN.SCALES: [] in the checkpoint, [[1, 2]] now"]


def test_a_schedule_depends_on_the_keys_that_it_reads():
    cosine = {"TRAIN.lr_schedule": "cosine"}
    before = saved(load_config(None, cosine))
    unread = {"TRAIN.lr_step": "1", "TRAIN.lr_factor": 0.5}
    assert config.changed_keys(before, load_config(None, {**cosine, **unread})) == []
    assert config.changed_keys(before, load_config(None, {**cosine, "TRAIN.end_epoch": 9})) == [
        "TRAIN.end_epoch: 8 in the checkpoint, 9 now"]
    step = saved(load_config())
    assert config.changed_keys(step, load_config(None, {"TRAIN.end_epoch": 9})) == []
    assert config.changed_keys(step, load_config(None, {"TRAIN.lr_step": "1"})) == [
        "TRAIN.lr_step: '5.333' in the checkpoint, '1' now"]
    assert config.changed_keys(step, load_config(None, cosine)) == [
        "TRAIN.lr_schedule: 'step' in the checkpoint, 'cosine' now"]


def test_older_checkpoints_hold_the_keys_of_training_alone():
    cfg = load_config(None, ["TRAIN.lr", 0.25, "SCALES", "100,200", "TEST.NMS", 0.9])
    older = json.loads(json.dumps(config.training_keys(cfg)))
    assert "TEST.NMS" not in older and "output_path" not in older and older["TRAIN.lr"] == 0.25
    assert config.changed_keys(older, cfg) == []
    assert config.changed_keys({**older, "network.pretrained": "model/resnet"}, cfg) == []


def test_a_key_that_is_newer_than_the_checkpoint_counts_as_its_default():
    older = saved(load_config())
    del older["TRAIN.BBOX_LOSS_WEIGHT"], older["network.ROI_POOL"]
    assert config.changed_keys(older, load_config()) == [] and config.weight_conflicts(older, load_config()) == []
    cfg = load_config(None, {"TRAIN.BBOX_LOSS_WEIGHT": 2, "network.ROI_POOL": "psroi_align"})
    assert config.changed_keys(older, cfg) == [
        "TRAIN.BBOX_LOSS_WEIGHT: 1.0 in the checkpoint, 2.0 now",
        "network.ROI_POOL: 'psroi_pool' in the checkpoint, 'psroi_align' now"]
    assert config.weight_conflicts(older, cfg) == config.changed_keys(older, cfg)[1:]
    assert config.config_from_checkpoint(older) == load_config()


def test_the_table_of_other_values_is_whole():
    bound = {key.name for key in KEYS.values() if key.bound_to_weights}
    assert bound == set(OTHER) | {"symbol", "network.model"}


@pytest.mark.parametrize("key", OTHER)
def test_what_weights_depend_on_conflicts_by_name(key):
    cfg = load_config(None, {"network.model": FPN})
    other = config.with_values(cfg, {key: OTHER[key]})
    for before, now in ((cfg, other), (other, cfg)):
        line, = config.weight_conflicts(saved(before), now)
        assert line.startswith(f"{key}: ") and line.count(" in the checkpoint, ") == 1
        assert config.weight_conflicts(saved(now), now) == []


def test_what_differs_on_purpose_does_not_conflict():
    cfg = load_config("coco_resnet101_l", {
        "SCALES": [300, 500], "TEST.SCALES": [[300, 400]], "TEST.NMS": 0.4, "TEST.RPN_POST_NMS_TOP_N": 50,
        "TEST.FLIP": True, "TEST.USE_SOFTNMS": True, "dataset.dataset": "voc", "dataset.dataset_path": "elsewhere",
        "network.NORM": "batch", "network.FIXED_PARAMS": [], "network.IMAGE_STRIDE": 64, "network.pretrained": "",
        "network.RPN_FEAT_STRIDE": [16], "TRAIN.lr": 1, "TRAIN.BBOX_LOSS_WEIGHT": 1, "seed": 5})
    assert config.weight_conflicts(saved(load_config("coco_resnet101_l")), cfg) == []


@pytest.mark.parametrize("before, now, keys", [
    ({"network.model": L}, {"network.model": S}, ["network.model"]),
    ({"network.model": L}, {"network.model": L.replace("coco", "voc")}, []),
    ({"network.model": L}, {"network.model": L.replace("light_head_rcnn", "rfcn")}, ["network.model"]),
    ({"network.model": FPN}, {"network.model": S}, ["network.model"]),
    # A graph and the Gluon model that equals it read each other's weights; network.model has no part in a graph.
    ({"network.model": S}, {"network.model": S, "symbol": "xception_rfcn_light"}, []),
    ({"network.model": L, "symbol": "xception_rfcn_light"}, {"network.model": S}, []),
    ({"network.model": L, "symbol": "xception_rfcn_light"}, {"network.model": S, "symbol": "xception_rfcn_light"}, []),
    ({"network.model": S, "symbol": "xception_rfcn_light"}, {"network.model": L}, ["symbol", "network.model"]),
    ({"symbol": "resnet_v1_101_rfcn_light"}, {"symbol": "resnet_v1_101_rfcn"}, ["symbol"]),
    ({"symbol": "resnet_v1_101_rfcn_light"}, {"network.model": L}, []),
    ({"symbol": "resnet_v1_101_rfcn"}, {"network.model": "rfcn_resnet101_v1_voc"}, []),
    ({"symbol": "resnet_v1_101_rfcn"}, {"network.model": L}, ["symbol"]),
    ({"symbol": "of_another_package"}, {"symbol": "of_another_package"}, []),
    ({"symbol": "of_another_package"}, {"symbol": "xception_rfcn_light"}, ["symbol"]),
])
def test_architectures(before, now, keys):
    lines = config.weight_conflicts(saved(load_config(None, before)), load_config(None, now))
    assert [line.partition(":")[0] for line in lines] == keys


def test_a_checkpoint_without_configuration_conflicts_with_none():
    cfg = load_config("shapes_s")
    assert config.weight_conflicts(None, cfg) == config.weight_conflicts({}, cfg) == []


@pytest.mark.parametrize("name", ["shapes_s", "bccd_s_symbol", "paper/fpn", "shapes_s_alternate", "paper/voc_s"])
def test_a_configuration_comes_back_from_its_checkpoint(name, caplog):
    cfg = load_config(name, {"TEST.NMS": 0.45, "TEST.SCALES": [[300, 400], [400, 500]], "gpus": "0,2"})
    assert config.config_from_checkpoint(saved(cfg)) == cfg and not caplog.records
    changed = config.config_from_checkpoint(saved(cfg), ["TEST.NMS=0.1", "dataset.dataset_path", "data/x"])
    assert changed == config.with_values(cfg, {"TEST.NMS": 0.1, "dataset.dataset_path": "data/x"})


def test_what_is_counted_follows_overrides_of_a_checkpoint():
    values = saved(load_config("bccd_s"))
    cfg = config.config_from_checkpoint(values, {"dataset.classes": ["cell"], "network.ANCHOR_SCALES": [1]})
    assert (cfg.dataset.NUM_CLASSES, cfg.network.NUM_ANCHORS) == (2, 3)
    assert config.weight_conflicts(values, cfg) == [
        "network.ANCHOR_SCALES: [1.1, 1.6, 2.4, 3.4, 4.8, 7] in the checkpoint, [1] now"]


def test_a_configuration_comes_back_from_an_older_checkpoint(caplog):
    cfg = load_config("bccd_s")
    older = json.loads(json.dumps(config.training_keys(cfg)))
    with caplog.at_level(logging.WARNING, "light_head_rcnn"):
        found = config.config_from_checkpoint(older, {"TEST.NMS": 0.4})
    assert "earlier version" in caplog.text
    assert config.training_keys(found) == config.training_keys(cfg)
    assert config.weight_conflicts(older, found) == [] and found.TEST.NMS == 0.4
    assert found.TEST.RPN_POST_NMS_TOP_N == 300 and found.output_path == load_config().output_path


def test_checkpoints_of_other_versions_and_wrong_overrides_are_refused():
    values = saved(load_config())
    with pytest.raises(ConfigError, match="the checkpoint's configuration: unknown key network.NEKC; did you mean"):
        config.config_from_checkpoint({**values, "network.NEKC": 1})
    with pytest.raises(ConfigError, match="the checkpoint's configuration: TRAIN.lr must be a number, got 'x'"):
        config.config_from_checkpoint({**values, "TRAIN.lr": "x"})
    with pytest.raises(ConfigError, match="override: TEST.NMS must be from 0 to 1"):
        config.config_from_checkpoint(values, ["TEST.NMS=2"])
