"""Configuration: the port's files, inheritance, overrides, and errors that name the file and the key."""
from pathlib import Path

import pytest
import yaml
from yacs.config import CfgNode

from light_head_rcnn.errors import ConfigError
from light_head_rcnn.engine.config import loading as config
from light_head_rcnn.engine.config import kinds as config_values
from light_head_rcnn.engine.config import load_config

CFGS = sorted((Path(config.__file__).parents[2] / "experiments" / "cfgs").glob("*.yaml"))

# The keys that the port's end-to-end files set, with values of their kinds; FIXED_PARAMS and others one a line there.
PORT = """
---
MXNET_VERSION: "mxnet"
output_path: "./output/rfcn/coco"
symbol: resnet_v1_101_rfcn_light
gpus: '0,1,2,3'
CLASS_AGNOSTIC: true
SCALES:
- 600
- 1000
default: {frequent: 100, kvstore: device}
network:
  pretrained: "./model/pretrained_model/resnet_v1_101"
  pretrained_epoch: 0
  PIXEL_MEANS: [103.06, 115.90, 123.15]
  IMAGE_STRIDE: 0
  RCNN_FEAT_STRIDE: 16
  RPN_FEAT_STRIDE: 16
  FIXED_PARAMS: [conv1, bn_conv1, res2, bn2, gamma, beta]
  FIXED_PARAMS_SHARED: [conv1, bn_conv1, res2, bn2, res3, bn3, res4, bn4, gamma, beta]
  ANCHOR_RATIOS: [0.5, 1, 2]
  ANCHOR_SCALES: [4, 8, 16, 32]
  NUM_ANCHORS: 12
dataset: {NUM_CLASSES: 81, dataset: coco, dataset_path: "./data/coco", image_set: train2014+val2014,
          root_path: "./data", test_image_set: test-dev2015, proposal: rpn}
TRAIN:
  lr: 0.0005
  lr_step: '5.333'
  warmup: true
  warmup_lr: 0.00005
  warmup_step: 1000
  begin_epoch: 0
  end_epoch: 8
  model_prefix: 'rfcn_coco'
  RESUME: false
  FLIP: true
  SHUFFLE: true
  ENABLE_OHEM: true
  BATCH_IMAGES: 1
  END2END: true
  ASPECT_GROUPING: true
  BATCH_ROIS: -1
  BATCH_ROIS_OHEM: 128
  FG_FRACTION: 0.25
  FG_THRESH: 0.5
  BG_THRESH_HI: 0.5
  BG_THRESH_LO: 0.0
  BBOX_REGRESSION_THRESH: 0.5
  BBOX_WEIGHTS: [1.0, 1.0, 1.0, 1.0]
  RPN_BATCH_SIZE: 256
  RPN_FG_FRACTION: 0.5
  RPN_POSITIVE_OVERLAP: 0.7
  RPN_NEGATIVE_OVERLAP: 0.3
  RPN_CLOBBER_POSITIVES: false
  RPN_BBOX_WEIGHTS: [1.0, 1.0, 1.0, 1.0]
  RPN_POSITIVE_WEIGHT: -1.0
  CXX_PROPOSAL: false
  RPN_NMS_THRESH: 0.7
  RPN_PRE_NMS_TOP_N: 6000
  RPN_POST_NMS_TOP_N: 300
  RPN_MIN_SIZE: 0
  BBOX_NORMALIZATION_PRECOMPUTED: true
  BBOX_MEANS: [0.0, 0.0, 0.0, 0.0]
  BBOX_STDS: [0.1, 0.1, 0.2, 0.2]
  ALTERNATE: {RPN_BATCH_IMAGES: 1, RCNN_BATCH_IMAGES: 2, rpn1_lr: 0.001, rpn1_lr_step: '2', rpn1_epoch: 3,
              rfcn1_lr: 0.001, rfcn1_lr_step: '5', rfcn1_epoch: 8, rpn2_lr: 0.001, rpn2_lr_step: '2', rpn2_epoch: 3,
              rfcn2_lr: 0.001, rfcn2_lr_step: '5', rfcn2_epoch: 8, rpn3_lr: 0, rpn3_lr_step: '', rpn3_epoch: 0}
TEST: {HAS_RPN: true, BATCH_IMAGES: 1, CXX_PROPOSAL: false, RPN_NMS_THRESH: 0.7, RPN_PRE_NMS_TOP_N: 6000,
       RPN_POST_NMS_TOP_N: 300, RPN_MIN_SIZE: 0, PROPOSAL_NMS_THRESH: 0.7, PROPOSAL_PRE_NMS_TOP_N: 20000,
       PROPOSAL_POST_NMS_TOP_N: 2000, PROPOSAL_MIN_SIZE: 0, NMS: 0.3, test_epoch: 8, max_per_image: 100}
"""


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write


def values_of(tree, parents=()):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from values_of(value, parents + (name,))
        else:
            yield parents + (name,), value


def test_port_files_load_with_every_value(write):
    cfg = load_config(write("port.yaml", PORT))
    assert isinstance(cfg, CfgNode) and cfg.is_frozen() and cfg.TRAIN.ALTERNATE.is_frozen()
    for path, value in values_of(yaml.safe_load(PORT)):
        found = cfg
        for name in path:
            found = found[name]
        assert found == (tuple(value) if isinstance(value, list) else value), path
    # Whole numbers stay whole: the graph's attributes are their text.
    assert str(cfg.network.ANCHOR_RATIOS) == "(0.5, 1, 2)" and str(cfg.network.ANCHOR_SCALES) == "(4, 8, 16, 32)"
    assert config.lr_steps(cfg) == (5.333,) and config.gpu_ids(cfg) == (0, 1, 2, 3)
    assert config.train_scales(cfg) == config.test_scales(cfg) == ((600, 1000),)
    assert config.pixel_means(cfg) == (123.15, 115.9, 103.06)
    assert config.checkpoint_prefix(cfg) == str(Path("output/rfcn/coco/rfcn_coco"))


def test_port_pyramid_and_voc_files_load(write):
    cfg = load_config(write("fpn.yaml", """
SCALES: [800, 1280]
TEST_SCALES: [[480, 800], [576, 900]]
network: {IMAGE_STRIDE: 32, RPN_FEAT_STRIDE: [4, 8, 16, 32, 64], ANCHOR_SCALES: [8], NUM_ANCHORS: 3}
dataset: {dataset: PascalVOC, image_set: 2007_trainval+2012_trainval, NUM_CLASSES: 21}
TRAIN: {lr: 0.01, lr_step: '4,6', wd: 0.0001, BATCH_ROIS_OHEM: 512}
TEST: {USE_SOFTNMS: true, SOFTNMS_THRESH: 0.6}
"""))
    assert cfg.network.RPN_FEAT_STRIDE == (4, 8, 16, 32, 64)
    assert config.test_scales(cfg) == ((480, 800), (576, 900)) and config.train_scales(cfg) == ((800, 1280),)
    assert config.dataset_kind(cfg) == "voc" and config.lr_steps(cfg) == (4.0, 6.0)


def test_port_files_of_demos_and_forks_load(write):
    """Keys and kinds of values that only some files of the port and of its forks with a light head have."""
    cfg = load_config(write("demo.yaml", """
symbol: resnet_v1_101_rfcn
gpus: '0'
dataset: {dataset: PascalVOC, dataset_path: "./data/VOCdevkit", proposal: selective_search}
TRAIN: {warmup: false, begin_epoch: 5, RESUME: true, END2END: false, BATCH_ROIS: -1}
TEST: {HAS_RPN: false, test_epoch: 7}
"""))
    assert cfg.symbol == "resnet_v1_101_rfcn" and cfg.TRAIN.begin_epoch == 5 and not cfg.TEST.HAS_RPN
    cfg = load_config(write("multi_scale.yaml", """
SCALES:
-
  - 800
  - 1200
-
  - 600
  - 1000
network: {FIXED_PARAMS: [bn_data, conv0, stage1], FIXED_PARAMS_SHARED: [bn_data, conv0, stage1, stage2, stage3]}
TRAIN: {RPN_MIN_SIZE: 1}
"""))
    assert config.train_scales(cfg) == ((800, 1200), (600, 1000)) and config.test_scales(cfg) == ((800, 1200),)
    cfg = load_config(write("rcnn.yaml", """
CLASS_AGNOSTIC: false
TRAIN: {ENABLE_OHEM: false, BATCH_ROIS: 128, BG_THRESH_LO: 0.1}
"""))
    assert not cfg.CLASS_AGNOSTIC and cfg.TRAIN.BATCH_ROIS == 128


@pytest.mark.parametrize("text, value", [("true", True), ("false", False), ("native", "native")])
def test_proposal_operators(text, value, write):
    assert load_config(write("a.yaml", "TRAIN: {CXX_PROPOSAL: %s}" % text)).TRAIN.CXX_PROPOSAL == value
    cfg = load_config(write("b.yaml", "seed: 1"), ["TEST.CXX_PROPOSAL", text])
    assert cfg.TEST.CXX_PROPOSAL == value and type(cfg.TEST.CXX_PROPOSAL) is type(value)


@pytest.mark.parametrize("path", CFGS, ids=lambda path: path.name)
def test_own_files_load(path):
    cfg = load_config(path)
    assert config.dataset_kind(cfg) in ("coco", "voc", "shapes")
    assert all(0 < step < cfg.TRAIN.end_epoch for step in config.lr_steps(cfg))
    assert len(path.read_text().splitlines()) < 40


def test_runs_do_not_share_checkpoints():
    prefixes = [config.checkpoint_prefix(load_config(path)) for path in CFGS
                if "model_prefix" in path.read_text()]
    assert len(prefixes) >= 5 and len(set(prefixes)) == len(prefixes)


def test_a_file_inherits_and_changes(write, tmp_path):
    (tmp_path / "sub").mkdir()
    write("base.yaml", "seed: 3\nTRAIN: {lr: 0.1, wd: 0.2}\n")
    write("middle.yaml", "_BASE_: base.yaml\nTRAIN: {lr: 0.01}\n")
    row = write("sub/row.yaml", "_BASE_: ../middle.yaml\nTRAIN: {lr_step: [1, 2.5]}\n")
    cfg = load_config(row, ["TRAIN.wd", "1e-4"])
    assert (cfg.seed, cfg.TRAIN.lr, cfg.TRAIN.wd, config.lr_steps(cfg)) == (3, 0.01, 1e-4, (1.0, 2.5))


def test_inheritance_mistakes(write):
    write("a.yaml", "_BASE_: b.yaml\n")
    with pytest.raises(ConfigError, match=r"b\.yaml: _BASE_ leads back"):
        load_config(write("b.yaml", "_BASE_: a.yaml\n"))
    with pytest.raises(ConfigError, match=r"gone\.yaml does not exist"):
        load_config(write("c.yaml", "_BASE_: gone.yaml\n"))
    # The file that holds the mistake is named, not the one that inherits it.
    write("base.yaml", "TRAIN: {lrr: 1}\n")
    with pytest.raises(ConfigError, match=r"base\.yaml: unknown key TRAIN\.lrr; did you mean TRAIN\.lr\?"):
        load_config(write("row.yaml", "_BASE_: base.yaml\n"))


@pytest.mark.parametrize("text, message", [
    ("TRAIN: {NMS: 0.3}", "unknown key TRAIN.NMS; did you mean TEST.NMS?"),
    ("lr: 0.1", "unknown key lr; did you mean TRAIN.lr?"),
    ("TRAINS: {lr: 0.1}", "unknown key TRAINS"),
    ("qqqq: 1", "unknown key qqqq"),
    ("TRAIN: 5", "TRAIN is a section and takes entries, got 5"),
    ("seed: {a: 1}", "seed takes a value, not a section"),
    ("TRAIN: {lr: high}", "TRAIN.lr must be a number, got 'high'"),
    ("TRAIN: {lr: true}", "TRAIN.lr must be a number, got True"),
    ("TRAIN: {lr: .nan}", "TRAIN.lr must be a number"),
    ("TRAIN: {lr: -1}", "TRAIN.lr must be above 0, got -1"),
    ("TRAIN: {lr: 0}", "TRAIN.lr must be above 0"),
    ("TRAIN: {lr_factor: 0}", "TRAIN.lr_factor must be above 0 and at most 1"),
    ("TRAIN: {lr_factor: 1.5}", "TRAIN.lr_factor must be above 0 and at most 1"),
    ("TRAIN: {LIGHT_HEAD_LR_MULT: -1}", "TRAIN.LIGHT_HEAD_LR_MULT must be at least 0"),
    ("TRAIN: {BBOX_LOSS_WEIGHT: -1}", "TRAIN.BBOX_LOSS_WEIGHT must be at least 0"),
    ("TRAIN: {BATCH_ROIS_OHEM: 0}", "TRAIN.BATCH_ROIS_OHEM must be at least 1"),
    ("TRAIN: {RPN_MIN_SIZE: -1}", "TRAIN.RPN_MIN_SIZE must be at least 0"),
    ("TEST: {RPN_MIN_SIZE: -1}", "TEST.RPN_MIN_SIZE must be at least 0"),
    ("TRAIN: {BATCH_IMAGES: 0}", "TRAIN.BATCH_IMAGES must be at least 1"),
    ("TEST: {BATCH_IMAGES: 0}", "TEST.BATCH_IMAGES must be at least 1"),
    ("network: {ANCHOR_SCALES: [8, 0]}", "network.ANCHOR_SCALES must be above 0"),
    ("network: {ANCHOR_RATIOS: [-1, 1]}", "network.ANCHOR_RATIOS must be above 0"),
    ("network: {PIXEL_STDS: [1, 0, 1]}", "network.PIXEL_STDS must be above 0"),
    ("TRAIN: {ENABLE_OHEM: false}",
     "TRAIN.BATCH_ROIS must be from 1 to TRAIN.RPN_POST_NMS_TOP_N, which is 300, where TRAIN.ENABLE_OHEM is false, "
     "got -1"),
    ("TRAIN: {ENABLE_OHEM: false, BATCH_ROIS: 0}", "TRAIN.BATCH_ROIS must be from 1"),
    ("TRAIN: {ENABLE_OHEM: false, BATCH_ROIS: 301}", "TRAIN.BATCH_ROIS must be from 1"),
    ("TRAIN: {BATCH_ROIS: 9, RPN_POST_NMS_TOP_N: 8}",
     "TRAIN.BATCH_ROIS must be from 1 to TRAIN.RPN_POST_NMS_TOP_N, which is 8, or -1, got 9"),
    ("TRAIN: {BATCH_ROIS: 0}", "or -1, got 0"),
    ("TRAIN: {BATCH_ROIS: -2}", "or -1, got -2"),
    ("TRAIN: {end_epoch: 2.5}", "TRAIN.end_epoch must be a whole number, got 2.5"),
    ("TRAIN: {FLIP: 1}", "TRAIN.FLIP must be true or false, got 1"),
    ("TRAIN: {lr_step: '5,3'}", "TRAIN.lr_step must be rising numbers"),
    ("TRAIN: {BBOX_STDS: [0.1, 0.1]}", "TRAIN.BBOX_STDS must be 4 numbers"),
    ("TRAIN: {BBOX_STDS: [0.1, 0.1, 0.2, 0]}", "TRAIN.BBOX_STDS must be above 0"),
    ("TEST: {NMS: 1.5}", "TEST.NMS must be from 0 to 1"),
    ("TEST: {SOFTNMS_THRESH: 0}", "TEST.SOFTNMS_THRESH must be above 0"),
    ("TEST: {SCALES: [600, 800, 1000]}", "TEST.SCALES must be a list of"),
    ("SCALES: [1000, 600]", "SCALES must be [shorter edge, bound on the longer edge]"),
    ("SCALES: 600", "SCALES must be"),
    ("SCALES: []", "SCALES must be"),
    ("TRAIN: {CXX_PROPOSAL: fast}", "TRAIN.CXX_PROPOSAL must be true, false or native, got 'fast'"),
    ("TRAIN: {SCALES: [[600, 1000], 5]}", "TRAIN.SCALES must be a list of"),
    ("gpus: one", "gpus must be device numbers"),
    ("network: {NORM: sync}", "network.NORM must be one of frozen, batch, got 'sync'"),
    ("network: {FIXED_PARAMS: conv1}", "network.FIXED_PARAMS must be a list of names"),
    ("network: {ANCHOR_SCALES: []}", "network.ANCHOR_SCALES must be a list of numbers"),
    ("network: {NUM_ANCHORS: 9}", "network.NUM_ANCHORS is 9, but ANCHOR_RATIOS times ANCHOR_SCALES is 12"),
    ("output_path: 7", "output_path must be text, got 7"),
    ("dataset: {classes: [a, a]}", "dataset.classes holds a name twice"),
    ("dataset: {classes: [a, b], NUM_CLASSES: 2}", "dataset.NUM_CLASSES is 2, but dataset.classes names 2"),
    ("- a", "must hold KEY: VALUE entries, got list"),
    ("", "must hold KEY: VALUE entries, got NoneType"),
    ("a: [", "cannot be read as YAML"),
])
def test_mistakes_name_the_file_and_the_key(write, text, message):
    with pytest.raises(ConfigError) as caught:
        load_config(write("bad.yaml", text))
    assert message in str(caught.value) and "bad.yaml" in str(caught.value)


@pytest.mark.parametrize("key, text, value", [
    ("TRAIN.lr", "5e-4", 5e-4), ("TRAIN.lr", 1, 1.0), ("TRAIN.FLIP", "false", False), ("TRAIN.BATCH_ROIS", "-1", -1),
    ("gpus", "0,2", "0,2"), ("gpus", 1, "1"), ("TRAIN.lr_step", "1,2", "1,2"), ("TRAIN.lr_step", "", ""),
    ("SCALES", "600,1000", (600, 1000)), ("SCALES", [[600, 1000]], (600, 1000)),
    ("SCALES", "(600,1000),(700,1100)", ((600, 1000), (700, 1100))),
    ("TRAIN.SCALES", "(600,1000),(800,1200)", ((600, 1000), (800, 1200))),
    ("TRAIN.SCALES", "600,1000", ((600, 1000),)), ("TEST.SCALES", "[]", ()),
    ("dataset.classes", "RBC,WBC", ("RBC", "WBC")), ("dataset.classes", "RBC", ("RBC",)),
    ("dataset.dataset_path", "/data: x", "/data: x"), ("network.ANCHOR_SCALES", "8", (8,)),
    ("network.RPN_FEAT_STRIDE", "16", 16), ("network.RPN_FEAT_STRIDE", "(4,8)", (4, 8)),
])
def test_overrides(key, text, value):
    cfg = load_config(CFGS[0], ["dataset.NUM_CLASSES", 0, key, text])
    section, _, name = key.rpartition(".")
    assert (cfg[section] if section else cfg)[name] == value
    assert type((cfg[section] if section else cfg)[name]) is type(value)


@pytest.mark.parametrize("overrides, message", [
    (["TRAIN.lr"], "pairs"), ("TRAIN.lr 1", "pairs"), (["TRAIN", "1"], "TRAIN is a section; set its entries"),
    (["TRAIN.lr", "x"], "override: TRAIN.lr must be a number, got 'x'"), (["TRAIN.lr", "["], "must be a number"),
    (["TRAIN.lrs", "1"], "did you mean TRAIN.lr?"),
])
def test_override_mistakes(overrides, message):
    with pytest.raises(ConfigError) as caught:
        load_config(CFGS[0], overrides)
    assert message in str(caught.value)


def test_counts_are_filled_in(write):
    cfg = load_config(write("a.yaml", "network: {ANCHOR_SCALES: [2, 4]}\ndataset: {classes: [a, b]}\n"))
    assert cfg.network.NUM_ANCHORS == 6 and cfg.dataset.NUM_CLASSES == 3


def test_a_dumped_configuration_loads_again(write):
    cfg = load_config(write("port.yaml", PORT), ["TRAIN.SCALES", "600,1000"])
    assert load_config(write("dump.yaml", cfg.dump())) == cfg


@pytest.mark.parametrize("text", [
    "TRAIN: {ENABLE_OHEM: false, BATCH_ROIS: 8, RPN_POST_NMS_TOP_N: 8}",
    "TRAIN: {BATCH_ROIS: 1}", "TRAIN: {lr_factor: 1, LIGHT_HEAD_LR_MULT: 0, BBOX_LOSS_WEIGHT: 0, BATCH_ROIS_OHEM: 1}",
    "TRAIN: {FG_FRACTION: 0, FG_THRESH: 1, wd: 0}", "network: {ANCHOR_SCALES: [0.1]}"])
def test_ends_of_the_bounds_are_allowed(write, text):
    load_config(write("row.yaml", text))


def test_defaults_lie_within_the_bounds():
    for key, value in config._flatten(config.DEFAULTS).items():
        assert config.check_bounds(key, value) == value
    assert set(config_values._BOUNDS) <= set(config._KNOWN)


@pytest.mark.parametrize("key, value, fault", [
    ("TRAIN.RPN_POSITIVE_WEIGHT", 0.5, "only -1.0"), ("TRAIN.BBOX_WEIGHTS", [1, 1, 2, 1], "only 1.0 four times"),
    ("TRAIN.RPN_BBOX_WEIGHTS", [0, 0, 0, 0], "only 1.0 four times"), ("TEST.HAS_RPN", False, "only True"),
    ("network.RPN_FEAT_STRIDE", [4, 8], "only 16"), ("network.RPN_FEAT_STRIDE", [4, 8, 16, 32, 64], "only 16"),
    ("network.RPN_FEAT_STRIDE", 8, "only 16"), ("network.RCNN_FEAT_STRIDE", 32, "only 16"),
    ("TRAIN.BBOX_NORMALIZATION_PRECOMPUTED", False, "only True"), ("dataset.proposal", "ss", "only 'rpn'"),
])
def test_what_is_not_implemented_is_refused(key, value, fault):
    cfg = load_config(CFGS[0], [key, value])
    with pytest.raises(ConfigError) as caught:
        config.reject_unimplemented(cfg)
    found = cfg
    for name in key.split("."):
        found = found[name]
    assert str(caught.value).startswith(f"{key} is {found!r}: ") and fault in str(caught.value)


def test_values_in_a_copy(write):
    cfg = load_config(write("row.yaml", "TRAIN: {lr: 0.5}"))
    other = config.with_values(cfg, {"TRAIN.lr": 0.25, "output_path": "x", "TRAIN.ALTERNATE.rpn1_lr": 1.0})
    assert (cfg.TRAIN.lr, other.TRAIN.lr, other.output_path, other.TRAIN.ALTERNATE.rpn1_lr) == (0.5, 0.25, "x", 1.0)
    assert cfg.TRAIN.ALTERNATE.rpn1_lr == 0.0 and other.is_frozen()


def test_what_is_implemented_passes(write):
    for path in CFGS:
        config.reject_unimplemented(load_config(path))
    config.reject_unimplemented(load_config(write("port.yaml", PORT), [
        "TEST.SCALES", "600,1000", "TEST_SCALES", "[[600,1000],[800,1200]]", "TEST.USE_SOFTNMS", "true",
        "network.RPN_FEAT_STRIDE", "[16]"]))


@pytest.mark.parametrize("stride, fault", [
    (16, None), ([4, 8, 16, 32, 64], None), ([4, 8, 16, 32], "[4, 8, 16, 32, 64] of the models"), (8, "only 16")])
def test_strides_of_a_pyramid(stride, fault):
    cfg = load_config(CFGS[0], ["network.model", "light_head_rcnn_fpn_resnet50_v1_coco", "symbol", "",
                                "network.RPN_FEAT_STRIDE", str(stride)])
    if fault is None:
        config.reject_unimplemented(cfg)
        return
    with pytest.raises(ConfigError) as caught:
        config.reject_unimplemented(cfg)
    assert fault in str(caught.value)


def test_checkpoints_come_within_long_epochs():
    assert load_config(CFGS[0]).TRAIN.CHECKPOINT_STEPS == 1000


def test_changed_keys_are_those_that_change_the_losses():
    before = config.training_keys(load_config(CFGS[0]))
    free = load_config(CFGS[0], ["gpus", "3", "TRAIN.end_epoch", 99, "TEST.NMS", 0.9, "default.frequent", 7])
    assert config.changed_keys(before, free) == []
    other = load_config(CFGS[0], ["TRAIN.lr", 7, "SCALES", "100,200"])
    lines = config.changed_keys(before, other)
    assert len(lines) == 2 and any("TRAIN.lr" in line and "7.0 now" in line for line in lines)
