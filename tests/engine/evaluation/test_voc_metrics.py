"""VOC's metrics against GluonCV's and against sums done on paper."""
import dataclasses
import math

import numpy as np
import pytest

from light_head_rcnn.compat import import_gluoncv
from light_head_rcnn.engine.evaluation import voc_metrics
from light_head_rcnn.operators import boxes as box_ops

SQUARE = [10, 10, 19, 19]
CLASSES = ("a", "b", "c")


@pytest.fixture
def random_case(dataset_of):
    """Function from a seed to a data set of 12 images and detections in it."""
    def random_case(seed):
        rng = np.random.RandomState(seed)
        images, detections = [], []
        for image in range(12):
            count = rng.randint(0, 7)
            corners = rng.randint(0, 120, (count, 2))
            boxes = np.hstack([corners, corners + rng.randint(5, 70, (count, 2))]).astype(np.float32)
            ids = rng.randint(0, len(CLASSES), count)
            images.append((f"image{image}", list(zip(boxes, ids, rng.rand(count) < 0.2))))
            noisy = np.vstack([boxes, boxes, boxes[:1] + 40]) + rng.randint(-6, 7, (2 * count + min(count, 1), 4))
            noisy[:, 2:] = np.maximum(noisy[:, 2:], noisy[:, :2])
            guessed = np.concatenate([ids, ids, ids[:1]])
            wrong = rng.rand(len(guessed)) < 0.2
            guessed[wrong] = rng.randint(0, len(CLASSES), wrong.sum())
            # No two scores are equal: GluonCV's order among equal ones is arbitrary.
            scores = rng.permutation(1000)[:len(guessed)] / 1000 + image / 1e5
            detections.append((guessed, scores.astype(np.float32), noisy.astype(np.float32)))
        return dataset_of(*images, classes=CLASSES), detections

    return random_case


def test_the_iou_is_that_of_the_network(random_case, monkeypatch):
    dataset, detections = random_case(0)
    assert voc_metrics(dataset, detections)["AP"] > 0
    monkeypatch.setattr(box_ops, "iou", lambda boxes, others: np.zeros((1, boxes.shape[1], others.shape[1])))
    assert voc_metrics(dataset, detections)["AP"] == 0


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_gluoncv(random_case, seed):
    dataset, detections = random_case(seed)
    metrics = voc_metrics(dataset, detections)
    peer = import_gluoncv("gluoncv.utils.metrics.voc_detection")
    for key, kind in (("AP", peer.VOCMApMetric), ("AP07", peer.VOC07MApMetric)):
        metric = kind(class_names=CLASSES)
        for record, (ids, scores, boxes) in zip(dataset.records, detections):
            metric.update(boxes[None], ids[None], scores[None], record.boxes[None], record.classes[None],
                          record.difficult[None].astype(int))
        names, values = metric.get()
        expected = dict(zip(names, values))
        for name, figures in metrics["per_class"].items():
            exact_tenths = key == "AP07" and any(figures["objects"] * tenth % 10 == 0 for tenth in range(1, 10))
            assert figures[key] == pytest.approx(expected[name], abs=1 / 11 if exact_tenths else 1e-9)
        known = [figures[key] for figures in metrics["per_class"].values()]
        assert metrics[key] == pytest.approx(np.mean(known))
    counts = [figures["objects"] for figures in metrics["per_class"].values()]
    assert sum(counts) == sum((~record.difficult).sum() for record in dataset.records)


def test_by_paper_sum(dataset_of, detected):
    # Four objects; ranked: right, wrong, right, wrong (taken), right; one object is never found.
    far = [[x, 100, x + 9, 109] for x in (0, 40, 80, 120)]
    dataset = dataset_of(("i", [(box, 0) for box in far]))
    detections = [detected((0, 0.9, far[0]), (0, 0.8, [0, 0, 5, 5]), (0, 0.7, far[1]), (0, 0.6, far[1]),
                           (0, 0.5, far[2]))]
    figures = voc_metrics(dataset, detections)["per_class"]["a"]
    # Precision 1 up to recall 1/4, then 2/3 to 2/4, 3/5 to 3/4, 0 beyond.
    assert figures["AP"] == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    # Recall levels 0, .1, .2 | .3, .4, .5 | .6, .7 | .8, .9, 1.
    assert figures["AP07"] == pytest.approx((3 * 1 + 3 * 2 / 3 + 2 * 3 / 5) / 11)


def test_eleven_points_at_an_exact_tenth(dataset_of, detected):
    # 3 of 10 found, none wrong: recall 0.3 counts, four levels of eleven.
    boxes = [[20 * i, 0, 20 * i + 9, 9] for i in range(10)]
    dataset = dataset_of(("i", [(box, 0) for box in boxes]))
    detections = [detected(*[(0, 0.9 - 0.1 * i, boxes[i]) for i in range(3)])]
    assert voc_metrics(dataset, detections)["per_class"]["a"]["AP07"] == pytest.approx(4 / 11)


@pytest.mark.parametrize("box, right", [([10, 10, 19, 14], True), ([10, 10, 19, 13], False), ([10, 15, 19, 24], False)])
def test_boxes_are_inclusive(dataset_of, detected, box, right):
    # 10 x 5 of 10 x 10 pixels is an IoU of exactly one half.
    dataset = dataset_of(("i", [(SQUARE, 0)]))
    assert voc_metrics(dataset, [detected((0, 0.9, box))])["AP"] == (1.0 if right else 0.0)


def test_the_threshold(dataset_of, detected):
    dataset, half = dataset_of(("i", [(SQUARE, 0)])), [detected((0, 0.9, [10, 10, 19, 14]))]
    assert [voc_metrics(dataset, half, threshold)["AP"] for threshold in (0.5, 0.51)] == [1.0, 0.0]


@pytest.mark.parametrize("flags", [(True, False), (False, True), (False, False, None, True)])
def test_difficult_and_ignored_objects_and_crowds_do_not_count(dataset_of, detected, flags):
    hard = [100, 100, 149, 149]
    dataset = dataset_of(("i", [(SQUARE, 0), (hard, 0, *flags)]))
    # Any number of detections may belong to a difficult object.
    detections = [detected((0, 0.9, hard), (0, 0.8, hard), (0, 0.7, SQUARE))]
    figures = voc_metrics(dataset, detections)["per_class"]["a"]
    assert (figures["AP"], figures["AP07"], figures["objects"]) == (1.0, 1.0, 1)


@pytest.mark.parametrize("box, precision", [
    ([100, 100, 119, 119], 1), ([90, 100, 109, 119], 1), ([89, 100, 108, 119], 0.5), ([0, 0, 199, 199], 0.5)])
def test_detections_in_regions_of_which_nothing_is_known_do_not_count(dataset_of, detected, box, precision):
    """Half of the second box lies in the region, less of the third, and the last one holds the region."""
    dataset = dataset_of(("h", []), ("i", [(SQUARE, 0)]))
    dataset.records[1] = dataclasses.replace(dataset.records[1], regions=np.array([[100, 100, 149, 149]], np.float32))
    detections = [detected(), detected((0, 0.9, box), (1, 0.8, box), (0, 0.7, SQUARE))]
    assert voc_metrics(dataset, detections)["AP"] == precision
    # An object there is found as ever.
    dataset.records[1] = dataclasses.replace(dataset.records[1], regions=np.array([[0, 0, 199, 199]], np.float32))
    figures = voc_metrics(dataset, detections)["per_class"]["a"]
    assert (figures["AP"], figures["objects"]) == (1, 1)


def test_a_detection_belongs_to_the_object_that_it_overlaps_most(dataset_of, detected):
    # It overlaps the first object with IoU 0.6 and the second with 0.8. The second is taken: the first stays unfound.
    first, second = [0, 0, 9, 5], [0, 0, 9, 7]
    dataset = dataset_of(("i", [(first, 0), (second, 0)]))
    figures = voc_metrics(dataset, [detected((0, 0.9, second), (0, 0.8, [0, 0, 9, 9]))])["per_class"]["a"]
    assert figures["AP"] == 0.5


def test_the_ranking_goes_over_all_images(dataset_of, detected):
    wrong = [100, 100, 120, 120]
    dataset = dataset_of(("i", [(SQUARE, 0)]), ("j", [(SQUARE, 0)]))
    # Right 0.9, wrong 0.8, right 0.7: precisions 1 and 2/3. Image by image it would be 1/2 and 2/3.
    for detections in ([detected((0, 0.7, SQUARE), (0, 0.8, wrong)), detected((0, 0.9, SQUARE))],
                       [detected((0, 0.9, SQUARE)), detected((0, 0.8, wrong), (0, 0.7, SQUARE))]):
        assert voc_metrics(dataset, detections)["AP"] == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_one_image_that_differs_is_noticed(dataset_of, detected, position):
    dataset = dataset_of(*((name, [(SQUARE, 0)]) for name in "ijk"))
    detections = [detected((0, 0.9, SQUARE)) for _ in range(3)]
    assert voc_metrics(dataset, detections)["AP"] == 1
    detections[position] = detected()
    assert voc_metrics(dataset, detections)["AP"] == pytest.approx(2 / 3)
    detections[position] = detected((1, 0.9, SQUARE))
    assert voc_metrics(dataset, detections)["AP"] == pytest.approx(2 / 3)


def test_classes_without_objects_are_left_out_of_the_mean(dataset_of, detected):
    dataset = dataset_of(("i", [(SQUARE, 0)]), ("j", []), classes=CLASSES)
    metrics = voc_metrics(dataset, [detected((0, 0.9, SQUARE)), detected((1, 0.9, SQUARE))])
    assert (metrics["AP"], metrics["AP07"]) == (1.0, 1.0)
    assert [figures["objects"] for figures in metrics["per_class"].values()] == [1, 0, 0]
    assert math.isnan(metrics["per_class"]["b"]["AP"]) and math.isnan(metrics["per_class"]["c"]["AP07"])
    nothing = dataset_of(("i", [(SQUARE, 0, True)]))
    assert math.isnan(voc_metrics(nothing, [detected()])["AP"])
