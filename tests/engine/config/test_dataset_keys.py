"""Keys of the section `dataset` whose values are more than a word: what is done about faults, names of classes."""
import pytest
import yaml

from light_head_rcnn.engine import config
from light_head_rcnn.engine.config import KEYS, config_from_checkpoint, load_config, saved_config
from light_head_rcnn.errors import ConfigError


@pytest.mark.parametrize("value", [
    "{image_missing: error, box_inverted: ignore}", "image_missing: error, box_inverted: ignore",
    "image_missing:error,box_inverted:ignore", {"image_missing": "error", "box_inverted": "ignore"}])
def test_faults_are_named_by_kind(value, tmp_path):
    expected = {"image_missing": "error", "box_inverted": "ignore"}
    cfg = load_config(None, {"dataset.ON_ERROR": value})
    assert config.fault_policy(cfg) == expected
    assert config.fault_policy(load_config(None, {"dataset": {"ON_ERROR": value}})) == expected
    if isinstance(value, str):
        assert load_config(None, [f"dataset.ON_ERROR={value}"]) == cfg
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"dataset": {"ON_ERROR": value}}))
    assert load_config(tmp_path / "a.yaml") == cfg
    assert config_from_checkpoint(saved_config(cfg)) == cfg


@pytest.mark.parametrize("value", ["default", "raise", "skip"])
def test_faults_by_one_word(value):
    assert config.fault_policy(load_config(None, {"dataset.ON_ERROR": value})) == value


@pytest.mark.parametrize("value, message", [
    ("stop", "dataset.ON_ERROR must be default, raise, skip, or what is done about kinds of faults"),
    ("{image_gone: error}", "there is no kind of fault 'image_gone'"),
    ("image_missing: clip", "image_missing cannot be 'clip'"),
    ({"image_missing": 3}, "image_missing cannot be 3"), (3, "dataset.ON_ERROR must be default"),
    (["raise"], "dataset.ON_ERROR must be default"),
])
def test_other_policies_are_refused(value, message):
    with pytest.raises(ConfigError, match=message):
        load_config(None, {"dataset.ON_ERROR": value})


def test_what_is_done_about_faults_may_change_on_resume():
    assert KEYS["dataset.ON_ERROR"].free_on_resume
    saved = saved_config(load_config(None, {"dataset.ON_ERROR": "raise"}))
    assert config.changed_keys(saved, load_config(None, {"dataset.ON_ERROR": "skip"})) == []


def test_a_checkpoint_that_was_saved_before_the_finder_loads():
    saved = saved_config(load_config("tiny_coco_s", {"dataset.ON_ERROR": "raise"}))
    for key in ("train", "val", "test", "image_root", "MAX_MEGAPIXELS"):
        del saved[f"dataset.{key}"]
    cfg = config_from_checkpoint(saved)
    assert (cfg.dataset.dataset, cfg.dataset.ON_ERROR, cfg.dataset.train) == ("coco", "raise", "")


def test_names_of_classes_are_texts_in_files(tmp_path):
    (tmp_path / "a.yaml").write_text("dataset:\n  classes: [9, no, 0.5, null, 'yes', on, 1e3, 2020-01-01, ~]\n")
    assert load_config(tmp_path / "a.yaml").dataset.classes == (
        "9", "no", "0.5", "null", "yes", "on", "1e3", "2020-01-01", "~")
    assert load_config(None, ["dataset.classes=9,no"]).dataset.classes == ("9", "no")
    (tmp_path / "b.yaml").write_text("_BASE_: a.yaml\ndataset:\n  classes: [[a], b]\n")
    with pytest.raises(ConfigError, match="dataset.classes must be a list of names"):
        load_config(tmp_path / "b.yaml")


def test_annotation_files_by_set():
    cfg = load_config(None, {"dataset.train": "a.json", "dataset.test": "c"})
    assert config.annotation_files(cfg) == {"train": "a.json", "test": "c"}
