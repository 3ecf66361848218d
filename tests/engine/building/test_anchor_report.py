"""What the log of a training says about its boxes."""
import logging

import numpy as np
import pytest

from light_head_rcnn.engine.building.anchor_coverage import Coverage
from light_head_rcnn.engine.building.anchor_report import coverage_sentence, log_boxes
from light_head_rcnn.engine.building.datasets import build_dataset

LOGGER = logging.getLogger("light_head_rcnn.test")


def cells(size):
    return -(-size // 16)


@pytest.mark.parametrize("best, positive, sentence", [
    ([0.2, 0.6, 0.75, 0.9], 0.7, "50 % of the boxes have an anchor of IoU 0.7 or more, 75 % one of 0.5 or more"),
    ([0.2, 0.6, 0.75, 0.9], 0.5, "75 % of the boxes have an anchor of IoU 0.5 or more")])
def test_the_sentence(best, positive, sentence):
    assert coverage_sentence(Coverage(np.array(best), np.ones(4), positive)) == sentence


@pytest.mark.parametrize("scales, fits", [([0.75, 1.25, 2, 3, 4.5], True), ([8, 16], False)])
def test_a_training_is_warned_of_anchors_that_do_not_fit(configure_model, shapes, scales, fits, caplog):
    cfg = configure_model("light_head_rcnn_xception_coco", "dataset.dataset", "shapes", "dataset.dataset_path", shapes,
                          "SCALES", "[128, 128]", "network.ANCHOR_SCALES", str(scales))
    with caplog.at_level(logging.INFO):
        log_boxes(cfg, build_dataset(cfg, "train"), cells, 16, LOGGER)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("anchors: ") and "IoU 0.7 or more" in lines[0]
    assert [f"lhrcnn data anchors {shapes}" in line for line in lines[1:]] == ([] if fits else [True])
    assert (caplog.records[-1].levelno == logging.WARNING) != fits


def test_images_without_boxes_are_counted(configure_model, shapes, caplog):
    cfg = configure_model("light_head_rcnn_xception_coco", "dataset.dataset", "shapes", "dataset.dataset_path", shapes)
    dataset = build_dataset(cfg, "train")
    dataset.records[1].crowd[:] = True
    with caplog.at_level(logging.INFO):
        log_boxes(cfg, dataset, cells, 16, LOGGER)
    assert caplog.records[0].getMessage().startswith("images without boxes: 1 of 6; they are not trained on")
