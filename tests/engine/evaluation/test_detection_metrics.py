"""All metrics together, their table, and what is refused."""
import math

import numpy as np
import pytest

from light_head_rcnn.data import load_dataset
from light_head_rcnn.engine.evaluation import coco_metrics, coco_results, compute_metrics, format_metrics, voc_metrics
from light_head_rcnn.errors import DataError, UsageError

SQUARE = [10, 10, 19, 19]


def test_both_metrics_and_their_counts(dataset_of, detected):
    dataset = dataset_of(("i", [(SQUARE, 0)]), ("j", []), ("k", []))
    detections = [detected((0, 0.9, SQUARE), (0, 0.8, SQUARE)), detected((1, 0.9, SQUARE), (1, 0.8, SQUARE)),
                  detected()]
    metrics = compute_metrics(dataset, detections)
    assert metrics["images"] == 3 and metrics["detections"] == 4
    assert metrics["coco"]["AP"] == pytest.approx(1.0) and metrics["voc"]["AP"] == 1.0
    np.testing.assert_equal(metrics["coco"], coco_metrics(dataset, detections))
    np.testing.assert_equal(metrics["voc"], voc_metrics(dataset, detections))
    assert math.isnan(metrics["coco"]["per_class"]["b"]["AP50"])


def test_no_detection_at_all_scores_zero(dataset_of, detected):
    metrics = compute_metrics(dataset_of(("i", [(SQUARE, 0)])), [detected()])
    assert metrics["coco"]["AP"] == metrics["voc"]["AP"] == metrics["voc"]["AP07"] == 0.0


def test_the_table_shows_every_figure_in_its_place():
    coco = {name: number / 100 for number, name in enumerate(
        ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"), 11)}
    coco["APs"] = float("nan")
    metrics = {"images": 4, "detections": 7,
               "coco": dict(coco, per_class={"cat": {"AP": 0.31, "AP50": 0.32}, "a long name": {"AP": 1, "AP50": 1}}),
               "voc": {"AP": 0.41, "AP07": 0.42, "per_class": {
                   "cat": {"AP": 0.51, "AP07": 0.52, "objects": 3},
                   "a long name": {"AP": float("nan"), "AP07": float("nan"), "objects": 0}}}}
    assert format_metrics(metrics) == """\
7 detections in 4 images, percent

COCO      AP  11.0   AP50  12.0   AP75  13.0    APs     -    APm  15.0    APl  16.0
         AR1  17.0   AR10  18.0  AR100  19.0    ARs  20.0    ARm  21.0    ARl  22.0
VOC    area  41.0   11 points  42.0   (IoU 0.5)

class        objects     AP   AP50  VOC area  VOC 11 points
cat                3   31.0   32.0      51.0           52.0
a long name        0  100.0  100.0         -              -"""


def test_a_data_set_without_boxes_is_refused(dataset_of, detected):
    with pytest.raises(DataError, match="fake has no boxes"):
        compute_metrics(dataset_of(("i", [])), [detected()])


@pytest.mark.parametrize("function", [coco_metrics, voc_metrics, coco_results, compute_metrics])
def test_detections_of_other_data_are_refused(dataset_of, detected, function):
    dataset = dataset_of(("i", [(SQUARE, 0)]), ("j", [(SQUARE, 0)]))
    good = detected((0, 0.9, SQUARE))
    function(dataset, [good, good])
    with pytest.raises(UsageError, match="detections of 1 images for the 2 of fake"):
        function(dataset, [good])
    ids, scores, boxes = good
    for wrong, message in (((ids - 1, scores, boxes), "the ids -1 to -1"), ((ids + 2, scores, boxes), "the ids 2 to 2"),
                           ((ids[None], scores[None], boxes[None]), "shapes"), ((ids, scores, boxes[:, :3]), "shapes"),
                           ((ids, scores[:0], boxes), "shapes"), ((ids, scores * np.nan, boxes), "not finite"),
                           ((ids, scores, boxes * np.inf), "not finite")):
        with pytest.raises(UsageError, match=f"in image 'j' of fake.*{message}"):
            function(dataset, [good, wrong])


@pytest.mark.realdata
def test_voc_data(shared_data, guess):
    dataset = load_dataset("voc", shared_data("bccd"), "test", classes=("RBC", "WBC", "Platelets"))
    perfect = [(record.classes, np.ones(len(record.classes), np.float32), record.boxes) for record in dataset.records]
    metrics = compute_metrics(dataset, perfect)
    assert metrics["coco"]["AP"] == pytest.approx(1.0) and metrics["voc"]["AP"] == 1.0
    metrics = compute_metrics(dataset, guess(dataset.records, 3))
    for name, figures in metrics["voc"]["per_class"].items():
        # Both are the area at IoU 0.5; COCO samples it at 101 recalls.
        assert metrics["coco"]["per_class"][name]["AP50"] == pytest.approx(figures["AP"], abs=0.02)
    table = format_metrics(metrics)
    assert "RBC" in table and f"{100 * metrics['voc']['AP07']:.1f}" in table
