"""Means and standard deviations of the box targets of a training set, against NumPy's own over a plain list."""
import logging
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from light_head_rcnn import data
from light_head_rcnn.engine.building.box_normalization import (
    box_target_statistics, with_computed_normalization, with_numbers_of)
from light_head_rcnn.engine.config import load_config, saved_config, with_values
from light_head_rcnn.errors import DataError

LOGGER = logging.getLogger("test")


@pytest.fixture
def records():
    boxes = ([(20, 30, 119, 99), (10, 10, 60, 60)], [(5, 5, 44, 84)], [])
    return [data.make_record(number, f"{number}.png", 200, 150, [data.Annotation(box, 0) for box in of_image])
            for number, of_image in enumerate(boxes)]


def jittered(record):
    rng = np.random.RandomState(record.image_id)
    if not len(record.boxes):
        return np.array([[0, 0, 50, 50]], np.float32)
    return (np.repeat(record.boxes, 30, axis=0) + rng.uniform(-20, 20, (30 * len(record.boxes), 4))).astype(np.float32)


def plain_targets(records, least_iou):
    """The targets of all candidates that count, box by box."""
    targets = []
    for record in records:
        for box in [*record.boxes, *jittered(record)] if len(record.boxes) else ():
            overlaps = []
            for truth in record.boxes:
                width = min(box[2], truth[2]) - max(box[0], truth[0]) + 1
                height = min(box[3], truth[3]) - max(box[1], truth[1]) + 1
                inside = max(width, 0) * max(height, 0)
                areas = [(b[2] - b[0] + 1) * (b[3] - b[1] + 1) for b in (box, truth)]
                overlaps.append(inside / (sum(areas) - inside))
            if max(overlaps) >= least_iou:
                truth = record.boxes[int(np.argmax(overlaps))].astype(float)
                w, h = float(box[2] - box[0] + 1), float(box[3] - box[1] + 1)
                targets.append([((truth[0] + truth[2]) - float(box[0] + box[2])) / 2 / w,
                                ((truth[1] + truth[3]) - float(box[1] + box[3])) / 2 / h,
                                math.log((truth[2] - truth[0] + 1) / w), math.log((truth[3] - truth[1] + 1) / h)])
    return np.array(targets)


@pytest.mark.parametrize("least_iou", [0.5, 0.7])
def test_the_numbers_are_those_of_numpy(records, least_iou):
    expected = plain_targets(records, least_iou)
    means, stds, count = box_target_statistics(records, jittered, least_iou)
    assert count == len(expected) > 10
    np.testing.assert_allclose(means, expected.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(stds, expected.std(axis=0), rtol=1e-5)
    normalised = (expected - means) / stds
    np.testing.assert_allclose(normalised.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(normalised.std(axis=0), 1, rtol=1e-5)


def test_mirrored_images_count_where_training_mirrors(records):
    expected = plain_targets(records, 0.5)
    both = np.concatenate([expected, expected * [-1, 1, 1, 1]])
    means, stds, count = box_target_statistics(records, jittered, mirrored=True)
    assert count == len(expected) and abs(expected[:, 0].mean()) > 1e-3
    np.testing.assert_allclose(means, both.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(stds, both.std(axis=0), rtol=1e-5)


def test_objects_that_are_not_trained_on_do_not_count(records):
    crowd = replace(records[0], crowd=np.array([True, True]))
    assert box_target_statistics([crowd, records[1]], jittered)[1:] == box_target_statistics(records[1:], jittered)[1:]


def test_a_configuration_gets_the_numbers(records, fast_rcnn_values, caplog):
    dataset = SimpleNamespace(records=records)
    fixed = load_config(None, [str(word) for word in fast_rcnn_values])
    assert with_computed_normalization(fixed, dataset, jittered, LOGGER) is fixed
    for least_iou in (0.5, 0.7):
        cfg = with_values(fixed, {"TRAIN.BBOX_NORMALIZATION_PRECOMPUTED": False,
                                  "TRAIN.BBOX_REGRESSION_THRESH": least_iou})
        with caplog.at_level(logging.INFO):
            found = with_computed_normalization(cfg, dataset, jittered, LOGGER)
        means, stds, count = box_target_statistics(records, jittered, least_iou, mirrored=True)
        assert (found.TRAIN.BBOX_MEANS, found.TRAIN.BBOX_STDS) == (means, stds)
        assert f"of boxes ({count}) with an IoU of at least {least_iou}" in caplog.text
        assert f"{stds[0]:.4f} {stds[1]:.4f}" in caplog.text
        # They come back from a checkpoint, bit by bit, for a configuration that does not fix its own.
        assert with_numbers_of(cfg, saved_config(found)) == found
        assert with_numbers_of(fixed, saved_config(found)) is fixed
    assert with_numbers_of(cfg, {}) is cfg
    unflipped = with_computed_normalization(with_values(cfg, {"TRAIN.FLIP": False}), dataset, jittered, LOGGER)
    assert unflipped.TRAIN.BBOX_MEANS == box_target_statistics(records, jittered, 0.7)[0]


def test_proposals_without_spread_are_an_error(records):
    for none in (lambda record: np.zeros((0, 4), np.float32), lambda record: record.boxes):
        with pytest.raises(DataError, match="cannot be normalised .* no proposal other than the ground truths"):
            box_target_statistics(records, none)
