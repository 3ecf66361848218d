"""`train` by one call: overrides, the answer, and that a start that fails leaves nothing behind."""
import json
import logging
from pathlib import Path

import pytest

from light_head_rcnn.engine.config import load_config
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.training.api import train
from light_head_rcnn.errors import ConfigError, DataError, TrainingError, UsageError


@pytest.fixture
def configure(configuring, tmp_path):
    return configuring(tmp_path, "network: {model: light_head_rcnn_xception_coco}\n")


def test_train_takes_a_file_or_a_configuration(configure, shapes, tmp_path):
    detector = train(configure.file, dataset={"dataset_path": shapes}, output_path=str(tmp_path / "a"),
                     **{"TRAIN.end_epoch": 1})
    assert isinstance(detector, Detector) and detector.classes == ("circle", "star", "triangle")
    ids, scores, boxes = detector(sorted(Path(shapes).glob("val/*"))[0])
    assert len(ids) == len(scores) == len(boxes)
    assert {"light_head_rcnn-0001.params", "losses.jsonl", "train.log", "test"} <= {
        path.name for path in (tmp_path / "a").iterdir()}
    # What was found in the data sets lies beside what became of it.
    reports = [json.loads((tmp_path / "a" / name).read_text()) for name in (
        "train_set.json", "test_set.json", "test/dataset.json")]
    assert [report["images"] for report in reports] == [6, 2, 2]
    cfg = load_config(configure.file, {"dataset.dataset_path": shapes, "output_path": str(tmp_path / "a")})
    with pytest.raises(TrainingError, match="--resume"):
        train(cfg)
    train(cfg, resume=True, TRAIN={"end_epoch": 2, "KEEP_CHECKPOINTS": 0})
    assert (tmp_path / "a" / "light_head_rcnn-0002.params").is_file()
    log = (tmp_path / "a" / "train.log").read_text()
    # The lines before the first step are in the file too, once each.
    assert log.count("6 images") == 2 and log.count("resuming from") == 1
    logging.getLogger("light_head_rcnn").warning("after the training")
    assert (tmp_path / "a" / "train.log").read_text() == log


@pytest.mark.parametrize("error, overrides", [
    (DataError, {"dataset.dataset": "coco", "dataset.dataset_path": "nowhere"}), (ConfigError, {"TRAIN.lrr": 1}),
    (UsageError, {"TRAIN.END2END": False}), (ConfigError, {"network.model": "vgg"})])
def test_a_start_that_fails_leaves_nothing_behind(configure, shapes, tmp_path, error, overrides):
    with pytest.raises(error):
        train(configure.file, output_path=str(tmp_path / "a"), **{"dataset.dataset_path": shapes, **overrides})
    assert not (tmp_path / "a").exists()
