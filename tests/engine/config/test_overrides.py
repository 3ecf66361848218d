"""Overrides: KEY VALUE and KEY=VALUE words, dicts, and how texts become values."""
import pytest

from light_head_rcnn.engine.config import load_config, override_values
from light_head_rcnn.errors import ConfigError


def value_of(cfg, key):
    section, _, name = key.rpartition(".")
    return (cfg[section] if section else cfg)[name]


@pytest.mark.parametrize("key, text, value", [
    ("TRAIN.lr", "5e-4", 5e-4), ("TRAIN.lr", 1, 1.0), ("TRAIN.FLIP", "false", False), ("TRAIN.BATCH_ROIS", "-1", -1),
    ("gpus", "0,2", "0,2"), ("gpus", 1, "1"), ("TRAIN.lr_step", "1,2", "1,2"), ("TRAIN.lr_step", "", ""),
    ("gpus", "[0, 1]", "0,1"), ("gpus", "010", "010"), ("TRAIN.lr_step", "[4,5]", "4,5"),
    ("TRAIN.lr_step", " (4, 5.333)", "4,5.333"), ("TRAIN.lr_step", "[]", ""),
    ("network.pretrained", "null", "null"),
    ("network.pretrained", "", ""), ("TRAIN.end_epoch", "0", 0), ("TRAIN.lr", "0.010", 0.01), ("TRAIN.lr", "08", 8.0),
    ("seed", "0x10", 16), ("seed", "1_000", 1000),
    ("SCALES", "600,1000", (600, 1000)), ("SCALES", [[600, 1000]], (600, 1000)),
    ("SCALES", "(600,1000),(700,1100)", ((600, 1000), (700, 1100))),
    ("TRAIN.SCALES", "(600,1000),(800,1200)", ((600, 1000), (800, 1200))),
    ("TRAIN.SCALES", "600,1000", ((600, 1000),)), ("TEST.SCALES", "[]", ()), ("TEST.SCALES", "", ()),
    ("TEST.SCALES", "[[600, 1000], [800, 1200]]", ((600, 1000), (800, 1200))),
    ("dataset.classes", "RBC,WBC", ("RBC", "WBC")), ("dataset.classes", "RBC", ("RBC",)),
    ("dataset.classes", "(RBC, WBC)", ("RBC", "WBC")), ("dataset.classes", '["cell (red)","b"]', ("cell (red)", "b")),
    ("dataset.classes", "(cell (red), b)", ("cell (red)", "b")), ("dataset.classes", "(a)(b), c", ("(a)(b)", "c")),
    ("dataset.classes", "(a), (b)", ("(a)", "(b)")), ("dataset.classes", "a), b", ("a)", "b")),
    ("dataset.proposal_files", "p(1).npz", ("p(1).npz",)),
    ("dataset.classes", "no, 1", ("no", "1")), ("dataset.dataset_path", "/data: x", "/data: x"),
    ("network.ANCHOR_SCALES", "8", (8,)), ("network.RPN_FEAT_STRIDE", "16", 16),
    ("network.RPN_FEAT_STRIDE", "(16)", (16,)), ("TRAIN.CXX_PROPOSAL", "true", True),
    ("TRAIN.CXX_PROPOSAL", "native", "native"), ("TEST.CXX_PROPOSAL", "false", False),
    ("TRAIN.BBOX_STDS", "0.1,0.1,0.2,1", (0.1, 0.1, 0.2, 1.0)),
])
def test_values(key, text, value):
    forms = [[key, text], {key: text}] + ([[f"{key}={text}"]] if isinstance(text, str) else [])
    for overrides in forms:
        found = value_of(load_config(None, overrides), key)
        assert found == value and type(found) is type(value)


def test_forms_are_mixed_and_the_last_wins():
    words = ["TRAIN.lr", "0.1", "gpus=0,1", "dataset.dataset_path", "/a=b", "output_path=out/lr=0.1", "TRAIN.lr=0.2"]
    assert override_values(words) == {"TRAIN.lr": 0.2, "gpus": "0,1", "dataset.dataset_path": "/a=b",
                                  "output_path": "out/lr=0.1"}
    assert override_values({"TRAIN": {"lr": 0.1, "ALTERNATE": {"rpn1_epoch": 2}}, "seed": "4"}) == {
        "TRAIN.lr": 0.1, "TRAIN.ALTERNATE.rpn1_epoch": 2, "seed": 4}
    assert override_values(()) == override_values({}) == {}


@pytest.mark.parametrize("overrides, message", [
    (["TRAIN.lr"], "override: TRAIN.lr has no value; write TRAIN.lr VALUE or TRAIN.lr=VALUE"),
    (["seed=1", "TRAIN.wd", "0", "gpus"], "override: gpus has no value"),
    (["TRAIN.lr", "TRAIN.wd", "0.1"], "override: TRAIN.lr must be a number, got 'TRAIN.wd'"),
    (["seed", "1", 5, 6], "override: 5 stands where a key is expected"),
    ("TRAIN.lr 1", "must be a list of words or a dict"),
    (["TRAIN", "1"], "TRAIN is a section; set its entries, such as TRAIN.lr"),
    (["TRAIN=1"], "TRAIN is a section; set its entries"),
    ({"TRAIN": 1}, "override: TRAIN is a section and takes entries, got 1"),
    (["TRAIN.lr", "x"], "override: TRAIN.lr must be a number, got 'x'"), (["TRAIN.lr", "["], "must be a number"),
    (["TRAIN.lr=x"], "override: TRAIN.lr must be a number, got 'x'"),
    (["TRAIN.lr="], "override: TRAIN.lr must be a number, got ''"),
    (["TRAIN.lr=" + 400 * "1"], "override: TRAIN.lr must be a number, got '11"),
    (["TRAIN.lr_step=inf"], "override: TRAIN.lr_step must be rising numbers with commas between"),
    (["TRAIN.lr_step=1,1e300"], "override: TRAIN.lr_step must be rising numbers with commas between"),
    (["seed=99999999999"], "override: seed must be from 0 to 4294967295, got '99999999999'"),
    (["TRAIN.end_epoch=010"], "override: TRAIN.end_epoch must be a whole number (010 is 8 in YAML, which reads it to "
     "the base 8; write a decimal number), got '010'"),
    (["TRAIN.end_epoch=-010"], "-010 is -8 in YAML"), (["TRAIN.lr=010"], "TRAIN.lr must be a number (010 is 8 in YAML"),
    (["TRAIN.lr=1:30"], "override: TRAIN.lr must be a number (1:30 is 90 in YAML, which reads it to the base 60"),
    (["TRAIN.lr=1:30.5"], "1:30.5 is 90.5 in YAML"), (["SCALES=(0600, 1000)"], "0600 is 384 in YAML"),
    (["network.RPN_FEAT_STRIDE=020"], "020 is 16 in YAML"), (["gpus=[0, x]"], "override: gpus must be device numbers"),
    (["TRAIN.lr_step=[5, 4]"], "override: TRAIN.lr_step must be rising numbers with commas between"),
    (["TRAIN.lrs", "1"], "override: unknown key TRAIN.lrs; did you mean TRAIN.lr?"),
    ({"TRAIN.lrs": 1}, "override: unknown key TRAIN.lrs; did you mean TRAIN.lr?"),
    (["TRAIN.SCALES", "[[600, 1000]"], "override: TRAIN.SCALES must be a list of"),
    (["=3"], "override: unknown key "),
])
def test_mistakes_name_the_word(overrides, message):
    with pytest.raises(ConfigError) as caught:
        load_config(None, overrides)
    assert message in str(caught.value)
