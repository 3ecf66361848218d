"""Loading: files of the MXNet original, inheritance, bundled names, and errors that name the file and the key."""
import logging
from pathlib import Path

import pytest
import yaml
from yacs.config import CfgNode

from light_head_rcnn.engine import config
from light_head_rcnn.engine.config import KEYS, checking, load_config
from light_head_rcnn.engine.config.tree import flatten
from light_head_rcnn.errors import ConfigError

CFGS = sorted((Path(config.__file__).parents[2] / "experiments" / "cfgs").glob("*.yaml"))


def test_files_of_the_original_load_with_every_value(write, original_text):
    cfg = load_config(write("original.yaml", original_text))
    assert isinstance(cfg, CfgNode) and cfg.is_frozen() and cfg.TRAIN.ALTERNATE.is_frozen()
    values = flatten(cfg)
    for key, value in flatten(yaml.safe_load(original_text)).items():
        assert values[key] == (tuple(value) if isinstance(value, list) else value), key
    # Whole numbers stay whole: the graph's attributes are their text.
    assert str(cfg.network.ANCHOR_RATIOS) == "(0.5, 1, 2)" and str(cfg.network.ANCHOR_SCALES) == "(4, 8, 16, 32)"
    assert config.lr_steps(cfg) == (5.333,) and config.gpu_ids(cfg) == (0, 1, 2, 3)
    assert config.train_scales(cfg) == config.test_scales(cfg) == ((600, 1000),)
    assert config.pixel_means(cfg) == (123.15, 115.9, 103.06)
    assert config.checkpoint_prefix(cfg) == str(Path("output/rfcn/coco/rfcn_coco"))


def test_pyramid_and_voc_files_of_the_original_load(write):
    path = write("fpn.yaml", """
SCALES: [800, 1280]
TEST_SCALES: [[480, 800], [576, 900]]
network: {IMAGE_STRIDE: 32, RPN_FEAT_STRIDE: [4, 8, 16, 32, 64], ANCHOR_SCALES: [8], NUM_ANCHORS: 3}
dataset: {dataset: PascalVOC, image_set: 2007_trainval+2012_trainval, NUM_CLASSES: 21}
TRAIN: {lr: 0.01, lr_step: '4,6', wd: 0.0001, BATCH_ROIS_OHEM: 512}
TEST: {USE_SOFTNMS: true, SOFTNMS_THRESH: 0.6}
""")
    cfg = load_config(path, ["network.model", "light_head_rcnn_fpn_resnet101_v1_voc"])
    assert cfg.network.RPN_FEAT_STRIDE == (4, 8, 16, 32, 64)
    assert config.test_scales(cfg) == ((480, 800), (576, 900)) and config.train_scales(cfg) == ((800, 1280),)
    assert config.dataset_kind(cfg) == "voc" and config.lr_steps(cfg) == (4.0, 6.0)


def test_files_of_demos_and_forks_load(write):
    """Keys and kinds of values that only some files of the MXNet original and of its forks with a light head have."""
    cfg = load_config(write("demo.yaml", """
symbol: resnet_v1_101_rfcn
gpus: '0'
dataset: {dataset: PascalVOC, dataset_path: "./data/VOCdevkit"}
TRAIN: {warmup: false, begin_epoch: 5, RESUME: true, END2END: false, BATCH_ROIS: -1}
TEST: {test_epoch: 7}
"""))
    assert cfg.symbol == "resnet_v1_101_rfcn" and cfg.TRAIN.begin_epoch == 5 and not cfg.TRAIN.END2END
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


@pytest.mark.parametrize("path", CFGS, ids=lambda path: path.name)
def test_bundled_files_load(path):
    cfg = load_config(path)
    assert config.dataset_kind(cfg) in ("auto", "coco", "voc", "shapes")
    assert all(0 < step < cfg.TRAIN.end_epoch for step in config.lr_steps(cfg))
    assert len(path.read_text().splitlines()) < 40


def test_runs_do_not_share_checkpoints():
    prefixes = [config.checkpoint_prefix(load_config(path)) for path in CFGS
                if "model_prefix" in path.read_text()]
    assert len(prefixes) >= 5 and len(set(prefixes)) == len(prefixes)


@pytest.mark.parametrize("name, prefix", [
    ("bccd_s", "output/bccd_s/bccd_s"), ("bccd_s.yaml", "output/bccd_s/bccd_s"), ("paper/b1", "output/paper/b1/b1"),
    ("paper/b1.yaml", "output/paper/b1/b1")])
def test_bundled_configurations_are_found_by_name(name, prefix, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert config.checkpoint_prefix(load_config(name)) == prefix
    assert name.replace(".yaml", "") in config.bundled_names()


def test_a_file_of_the_user_goes_before_a_bundled_one(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("bccd_s.yaml", "seed: 7")
    assert load_config("bccd_s.yaml").seed == 7 and load_config("bccd_s").seed == 0
    # A folder of data may have the name, too.
    (tmp_path / "shapes_s").mkdir()
    assert load_config("shapes_s").TRAIN.model_prefix == "shapes_s"


def test_a_file_inherits_from_a_bundled_one(write):
    cfg = load_config(write("mine.yaml", "_BASE_: bccd_s.yaml\nseed: 7"))
    assert (cfg.seed, cfg.TRAIN.model_prefix) == (7, "bccd_s")


@pytest.mark.parametrize("name, message", [
    ("bcd_s.yaml", "no configuration of that name comes with the package; the most similar names are bccd_s"),
    ("b3", "the most similar names are paper/b"), ("zzzz", "those are bccd_s, bccd_s_symbol"),
    ("elsewhere/shapes.yaml", "elsewhere/shapes.yaml does not exist")])
def test_unknown_names_list_the_nearest(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_config(name)
    assert message in str(caught.value)


def test_defaults_need_no_file():
    cfg = load_config()
    assert cfg == load_config(None) == load_config(None, [])
    expected = {key.name: key.default for key in KEYS.values()}
    assert flatten(cfg) == {**expected, "network.NUM_ANCHORS": 12}
    assert load_config(overrides={"TRAIN.lr": 1}).TRAIN.lr == 1.0


def test_a_file_inherits_and_changes(write, tmp_path):
    (tmp_path / "sub").mkdir()
    write("base.yaml", "seed: 3\nTRAIN: {lr: 0.1, wd: 0.2}\n")
    write("middle.yaml", "_BASE_: base.yaml\nTRAIN: {lr: 0.01}\n")
    row = write("sub/row.yaml", "_BASE_: ../middle.yaml\nTRAIN: {lr_step: [1, 2.5]}\n")
    cfg = load_config(row, ["TRAIN.wd", "1e-4"])
    assert (cfg.seed, cfg.TRAIN.lr, cfg.TRAIN.wd, config.lr_steps(cfg)) == (3, 0.01, 1e-4, (1.0, 2.5))
    assert config.file_values(row) == {"seed": 3, "TRAIN.lr": 0.01, "TRAIN.wd": 0.2, "TRAIN.lr_step": "1,2.5"}


def test_sources_of_values(write):
    base = write("base.yaml", "seed: 3\nTRAIN: {lr: 0.1}\n")
    row = write("row.yaml", "_BASE_: base.yaml\ndataset: {classes: [a]}\nTRAIN: {wd: 0.1}\n")
    cfg, sources = config.load_with_sources(row, ["TRAIN.wd", "0.2"])
    assert cfg == load_config(row, ["TRAIN.wd", "0.2"]) and set(sources) == set(KEYS)
    assert sources["seed"] == sources["TRAIN.lr"] == str(base) and sources["dataset.classes"] == str(row)
    assert (sources["TRAIN.wd"], sources["TRAIN.momentum"]) == ("override", "default")
    assert sources["network.NUM_ANCHORS"] == sources["dataset.NUM_CLASSES"] == "counted"


def test_inheritance_mistakes(write):
    write("a.yaml", "_BASE_: b.yaml\n")
    with pytest.raises(ConfigError, match=r"b\.yaml: _BASE_ leads back"):
        load_config(write("b.yaml", "_BASE_: a.yaml\n"))
    with pytest.raises(ConfigError, match=r"c\.yaml: _BASE_: configuration file .*gone\.yaml does not exist"):
        load_config(write("c.yaml", "_BASE_: gone.yaml\n"))
    with pytest.raises(ConfigError, match=r"d\.yaml: _BASE_ must name one YAML file, got \['a.yaml'\]"):
        load_config(write("d.yaml", "_BASE_: [a.yaml]\n"))
    # The file that holds the mistake is named, not the one that inherits it.
    write("base.yaml", "TRAIN: {lrr: 1}\n")
    with pytest.raises(ConfigError, match=r"base\.yaml: unknown key TRAIN\.lrr; did you mean TRAIN\.lr\?"):
        load_config(write("row.yaml", "_BASE_: base.yaml\n"))


@pytest.mark.parametrize("text, message", [
    ("TRAIN: {NMS: 0.3}", "unknown key TRAIN.NMS; did you mean TEST.NMS?"),
    ("TEST: {RPN_NMS_TRESH: 0.3}", "unknown key TEST.RPN_NMS_TRESH; did you mean TEST.RPN_NMS_THRESH?"),
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
    ("TRAIN: {KEEP_CHECKPOINTS: -1}", "TRAIN.KEEP_CHECKPOINTS must be at least 0"),
    ("TRAIN: {BEST_METRIC: mAP}", "TRAIN.BEST_METRIC must be one of AP, AP50, got 'mAP'"),
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
    ("dataset: {proposal: file}",
     "TRAIN.ENABLE_OHEM must be false where dataset.proposal is file, and TRAIN.BATCH_ROIS at least 1, got true and "),
    ("{dataset: {proposal: file}, TRAIN: {ENABLE_OHEM: false}}", "got false and -1"),
    ("{symbol: xception_rfcn_light, dataset: {proposal: file}}", "symbol is xception_rfcn_light, but symbolic graphs"),
    ("TRAIN: {BBOX_NORMALIZATION_PRECOMPUTED: false}",
     "TRAIN.BBOX_NORMALIZATION_PRECOMPUTED must be true where dataset.proposal is rpn"),
    ("network: {HEAD_RANKS: fc6}", "network.HEAD_RANKS must be ranks of layers, such as fc6=1024,fc7=256, got 'fc6'"),
    ("network: {HEAD_RANKS: 5}", "network.HEAD_RANKS must be ranks of layers, such as fc6=1024,fc7=256, got 5"),
    ("network: {HEAD_RANKS: [fc6]}", "network.HEAD_RANKS must be"),
    ("network: {HEAD_RANKS: {fc6: 0}}", "network.HEAD_RANKS must be"),
    ("network: {HEAD_RANKS: 'fc6=0'}", "network.HEAD_RANKS must be"),
    ("network: {HEAD_RANKS: {fc6: 2.5}}", "network.HEAD_RANKS must be"),
    ("network: {HEAD_RANKS: 'fc6=2,fc6=3'}", "network.HEAD_RANKS must be"),
    ("network: {POOL_LEVELS: [0]}", "network.POOL_LEVELS must be at least 1"),
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
    ("just words", "must hold KEY: VALUE entries, got str"),
    ("", "is empty: a configuration holds KEY: VALUE entries"),
    ("# seed: 1\n", "is empty"),
    ("a: [", "cannot be read as YAML"),
    ("{[a]: 1}", "cannot be read as YAML"),
    ("1: 2", "unknown key 1"),
    ("TRAIN:\n\tlr: 0.1\n", "line 2 is indented by a tab; YAML allows only spaces there"),
    ("TRAIN: {lr: 0.1}\nseed: 1\nTRAIN: {wd: 0.1}\n", "bad.yaml: TRAIN stands twice, in lines 1 and 3: join the two"),
    ("TRAIN:\n  lr: 0.1\n\n  wd: 1\n  lr: 0.2\n", "TRAIN.lr stands twice, in lines 2 and 5: leave one"),
    ("TRAIN:\n  ALTERNATE:\n    rpn1_lr: 1\n    'rpn1_lr': 2\n",
     "TRAIN.ALTERNATE.rpn1_lr stands twice, in lines 3 and 4"),
    ("SCALES: [1, 2]\nSCALES: [1, 2]\n", "SCALES stands twice, in lines 1 and 2"),
    ("seed: 1\nseed: '1'\n", "seed stands twice, in lines 1 and 2"),
    ("seed: 1\nseed: {a: 1}\n", "seed stands twice, in lines 1 and 2"),
    ("TRAIN: {lr: 0.1}\nTRAIN: {lr: 0.1}\n", "TRAIN stands twice, in lines 1 and 2"),
    ("seed: 1\n---\nseed: 2\n", "cannot be read as YAML"),
    ("seed: *unknown\n", "cannot be read as YAML"),
    ("TRAIN: &train {ALTERNATE: *train}\n", "an alias stands within what it stands for"),
    (b"\x89PNG\r\n\x1a\n\xff\x00", "is no text in UTF-8"),
    ("seed: 1".encode("utf-16"), "is no text in UTF-8"),
    (b"seed\0: 1", "is binary, not a YAML file"),
])
def test_mistakes_name_the_file_and_the_key(write, text, message):
    with pytest.raises(ConfigError) as caught:
        load_config(write("bad.yaml", text))
    assert message in str(caught.value) and "bad.yaml" in str(caught.value)


def test_a_folder_is_no_configuration(tmp_path):
    with pytest.raises(ConfigError, match=f"{tmp_path} is a folder; name a YAML file in it"):
        load_config(tmp_path)


def test_a_line_may_stand_twice(write):
    """Files of forks of the MXNet original have such lines."""
    assert load_config(write("a.yaml", "TEST:\n  NMS: 0.4\n  THRESH: 0.1\n  NMS: 0.4\n")).TEST.NMS == 0.4


def test_texts_of_windows_load(write):
    assert load_config(write("a.yaml", "\ufeffseed: 1\r\nTRAIN:\r\n  lr: 0.5\r\n")).TRAIN.lr == 0.5


def test_counts_are_filled_in(write):
    cfg = load_config(write("a.yaml", "network: {ANCHOR_SCALES: [2, 4]}\ndataset: {classes: [a, b]}\n"))
    assert cfg.network.NUM_ANCHORS == 6 and cfg.dataset.NUM_CLASSES == 3


def test_a_dumped_configuration_loads_again(write, original_text):
    cfg = load_config(write("original.yaml", original_text), ["TRAIN.SCALES", "600,1000"])
    assert load_config(write("dump.yaml", cfg.dump())) == cfg


@pytest.mark.parametrize("text", [
    "TRAIN: {ENABLE_OHEM: false, BATCH_ROIS: 8, RPN_POST_NMS_TOP_N: 8}",
    "TRAIN: {BATCH_ROIS: 1}", "TRAIN: {lr_factor: 1, LIGHT_HEAD_LR_MULT: 0, BBOX_LOSS_WEIGHT: 0, BATCH_ROIS_OHEM: 1}",
    "TRAIN: {FG_FRACTION: 0, FG_THRESH: 1, wd: 0}", "network: {ANCHOR_SCALES: [0.1]}"])
def test_ends_of_the_bounds_are_allowed(write, text):
    load_config(write("row.yaml", text))


@pytest.mark.parametrize("key, value, fault", [
    ("TRAIN.RPN_POSITIVE_WEIGHT", 0.5, "only -1.0"), ("TRAIN.BBOX_WEIGHTS", [1, 1, 2, 1], "only (1.0, 1.0, 1.0, 1.0)"),
    ("TRAIN.RPN_BBOX_WEIGHTS", [0, 0, 0, 0], "only (1.0, 1.0, 1.0, 1.0)"), ("TEST.HAS_RPN", False, "only True"),
    ("network.RPN_FEAT_STRIDE", [4, 8], "only 16"), ("network.RPN_FEAT_STRIDE", [4, 8, 16, 32, 64], "only 16"),
    ("network.RPN_FEAT_STRIDE", 8, "only 16"), ("network.RCNN_FEAT_STRIDE", 32, "only 16"),
    ("dataset.proposal", "ss", "only 'rpn' or 'file' is"),
])
def test_what_is_not_implemented_is_refused(key, value, fault, write):
    section, _, name = key.partition(".")
    found = KEYS[key].coerce(value)
    for arguments, source in (((None, {key: value}), "override"),
                              ((write("a.yaml", f"{section}: {{{name}: {value}}}"),), "a.yaml")):
        with pytest.raises(ConfigError) as caught:
            load_config(*arguments)
        assert f"{source}: {key} is {found!r}: {fault}" in str(caught.value)


@pytest.mark.parametrize("stride, fault", [
    (16, None), ([16], None), ([4, 8, 16, 32, 64], None), ([4, 8, 16, 32], "[4, 8, 16, 32, 64] for the models"),
    (8, "only 16")])
def test_strides_of_a_pyramid(stride, fault):
    overrides = {"network.model": "light_head_rcnn_fpn_resnet50_v1_coco", "network.RPN_FEAT_STRIDE": stride}
    if fault is None:
        assert load_config(None, overrides).network.RPN_FEAT_STRIDE in (16, tuple(stride) if stride != 16 else 16)
        return
    with pytest.raises(ConfigError) as caught:
        load_config(None, overrides)
    assert fault in str(caught.value)


def test_a_graph_has_no_pyramid():
    with pytest.raises(ConfigError, match="symbol is 'xception_rfcn_light'"):
        load_config(None, {"network.model": "light_head_rcnn_fpn_resnet50_v1_coco", "symbol": "xception_rfcn_light",
                           "network.RPN_FEAT_STRIDE": [4, 8, 16, 32, 64]})


def test_keys_that_nothing_reads_are_warned_of_once(write, monkeypatch, caplog):
    monkeypatch.setattr(checking, "_warned", set())
    path = write("a.yaml", "MXNET_VERSION: mxnet\nTRAIN: {ALTERNATE: {rpn3_lr: 0.6, rpn3_epoch: 8}}")
    with caplog.at_level(logging.WARNING, "light_head_rcnn"):
        load_config(path)
        load_config(path, {"dataset.root_path": "/data"})
    messages = [record.getMessage() for record in caplog.records]
    assert [message.partition(":")[0] for message in messages] == [
        "TRAIN.ALTERNATE.rpn3_lr is 0.6, but nothing reads this key",
        "TRAIN.ALTERNATE.rpn3_epoch is 8, but nothing reads this key",
        "dataset.root_path is '/data', but nothing reads this key"]
    assert {record.name for record in caplog.records} == {"light_head_rcnn"}


def test_values_in_a_copy(write):
    cfg = load_config(write("row.yaml", "TRAIN: {lr: 0.5}"))
    other = config.with_values(cfg, {"TRAIN.lr": 0.25, "output_path": "x", "TRAIN.ALTERNATE.rpn1_lr": 1.0})
    assert (cfg.TRAIN.lr, other.TRAIN.lr, other.output_path, other.TRAIN.ALTERNATE.rpn1_lr) == (0.5, 0.25, "x", 1.0)
    assert cfg.TRAIN.ALTERNATE.rpn1_lr == 0.0 and other.is_frozen()


def test_overrides_of_a_configuration_are_checked_and_counted():
    cfg = load_config("bccd_s")
    other = config.with_overrides(cfg, {"network.ANCHOR_SCALES": [1, 2], "dataset.classes": ["a"], "seed": "3"})
    assert other == load_config("bccd_s", {"network.ANCHOR_SCALES": [1, 2], "dataset.classes": ["a"], "seed": 3})
    assert (other.network.NUM_ANCHORS, other.dataset.NUM_CLASSES, cfg.network.NUM_ANCHORS) == (6, 2, 18)
    assert config.with_overrides(cfg, ()) == cfg and other.is_frozen()
    # A number that was set stays.
    cfg = config.with_overrides(load_config(None, {"dataset.NUM_CLASSES": 21}), ["TRAIN.lr=1"])
    assert cfg.dataset.NUM_CLASSES == 21
    for overrides, message in (({"TEST.HAS_RPN": False}, "only True"), ({"TRAIN.lr": 0}, "above 0"),
                               ({"TRAIN.BATCH_ROIS": 0}, "from 1"), ({"network.NUM_ANCHORS": 5}, "is 5, but")):
        with pytest.raises(ConfigError, match=message):
            config.with_overrides(cfg, overrides)


def test_an_overlay_inherits_and_sets(write):
    base = write("base.yaml", "seed: 3\nTRAIN: {lr: 0.1}\n")
    overlay = write("overlay.yaml", config.overlay_text(base, {"TRAIN.SCALES": ((600, 1000),), "TRAIN.lr": 0.2}))
    assert config.file_values(overlay) == {"seed": 3, "TRAIN.lr": 0.2, "TRAIN.SCALES": ((600, 1000),)}


def test_checkpoints_come_within_long_epochs():
    assert load_config().TRAIN.CHECKPOINT_STEPS == 1000
