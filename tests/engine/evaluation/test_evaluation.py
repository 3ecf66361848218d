"""COCO's and VOC's metrics against pycocotools run by hand, GluonCV's metric, and sums done on paper."""
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from gluoncv.utils.metrics.voc_detection import VOC07MApMetric, VOCMApMetric
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from light_head_rcnn.data import Record, load_dataset
from light_head_rcnn.engine.evaluation import (coco_metrics, coco_results, compute_metrics, format_metrics, voc_metrics,
                                               write_results)
from light_head_rcnn.operators import boxes as box_ops

SQUARE = [10, 10, 19, 19]


def make_record(image_id, boxes, classes, difficult=None, crowd=None, size=(200, 200)):
    none = np.zeros(len(boxes), bool)
    return Record(image_id=image_id, path="", width=size[0], height=size[1],
                  boxes=np.array(boxes, np.float32).reshape(-1, 4), classes=np.array(classes, np.int32),
                  difficult=none if difficult is None else np.array(difficult, bool),
                  crowd=none if crowd is None else np.array(crowd, bool))


def dataset_of(*records, classes=("a", "b")):
    return SimpleNamespace(name="fake", classes=classes, records=list(records), skipped=[])


def detected(*rows):
    """Detections of one image from rows (class, score, box)."""
    return (np.array([row[0] for row in rows], int), np.array([row[1] for row in rows], np.float32),
            np.array([row[2] for row in rows], np.float32).reshape(-1, 4))


def random_case(seed, images=12, classes=3):
    rng = np.random.RandomState(seed)
    records, detections = [], []
    for image in range(images):
        count = rng.randint(0, 7)
        corners = rng.randint(0, 120, (count, 2))
        boxes = np.hstack([corners, corners + rng.randint(5, 70, (count, 2))]).astype(np.float32)
        ids = rng.randint(0, classes, count)
        records.append(make_record(f"image{image}", boxes, ids, difficult=rng.rand(count) < 0.2))
        noisy = np.vstack([boxes, boxes, boxes[:1] + 40]) + rng.randint(-6, 7, (2 * count + min(count, 1), 4))
        noisy[:, 2:] = np.maximum(noisy[:, 2:], noisy[:, :2])
        guess = np.concatenate([ids, ids, ids[:1]])
        wrong = rng.rand(len(guess)) < 0.2
        guess[wrong] = rng.randint(0, classes, wrong.sum())
        # Unlike scores: GluonCV's order among equal ones is arbitrary.
        scores = rng.permutation(1000)[:len(guess)] / 1000 + image / 1e5
        detections.append((guess, scores.astype(np.float32), noisy.astype(np.float32)))
    return dataset_of(*records, classes=("a", "b", "c")), detections


def test_voc_metrics_take_the_iou_of_the_network(monkeypatch):
    dataset, detections = random_case(0)
    assert voc_metrics(dataset, detections)["AP"] > 0
    monkeypatch.setattr(box_ops, "iou", lambda boxes, others: np.zeros((1, boxes.shape[1], others.shape[1])))
    assert voc_metrics(dataset, detections)["AP"] == 0


@pytest.mark.parametrize("seed", range(6))
def test_voc_metrics_agree_with_gluoncv(seed):
    dataset, detections = random_case(seed)
    metrics = voc_metrics(dataset, detections)
    for key, metric in (("AP", VOCMApMetric(class_names=dataset.classes)),
                        ("AP07", VOC07MApMetric(class_names=dataset.classes))):
        for record, (ids, scores, boxes) in zip(dataset.records, detections):
            metric.update(boxes[None], ids[None], scores[None], record.boxes[None], record.classes[None],
                          record.difficult[None].astype(int))
        names, values = metric.get()
        expected = dict(zip(names, values))
        counts = [figures["objects"] for figures in metrics["per_class"].values()]
        for name, figures in metrics["per_class"].items():
            exact_tenths = key == "AP07" and any(figures["objects"] * tenth % 10 == 0 for tenth in range(1, 10))
            assert figures[key] == pytest.approx(expected[name], abs=1 / 11 if exact_tenths else 1e-9)
        assert sum(counts) == sum((~record.difficult).sum() for record in dataset.records)


def test_voc_by_paper_sum():
    # Four objects; ranked: right, wrong, right, wrong (taken), right; one object is never found.
    far = [[x, 100, x + 9, 109] for x in (0, 40, 80, 120)]
    dataset = dataset_of(make_record("i", far, [0] * 4))
    detections = [detected((0, 0.9, far[0]), (0, 0.8, [0, 0, 5, 5]), (0, 0.7, far[1]), (0, 0.6, far[1]),
                           (0, 0.5, far[2]))]
    figures = voc_metrics(dataset, detections)["per_class"]["a"]
    # Precision 1 up to recall 1/4, then 2/3 to 2/4, 3/5 to 3/4, 0 beyond.
    assert figures["AP"] == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    # Recall levels 0, .1, .2 | .3, .4, .5 | .6, .7 | .8, .9, 1.
    assert figures["AP07"] == pytest.approx((3 * 1 + 3 * 2 / 3 + 2 * 3 / 5) / 11)


def test_voc_eleven_points_at_an_exact_tenth():
    # 3 of 10 found, none wrong: recall 0.3 counts, four levels of eleven.
    boxes = [[20 * i, 0, 20 * i + 9, 9] for i in range(10)]
    dataset = dataset_of(make_record("i", boxes, [0] * 10))
    detections = [detected(*[(0, 0.9 - 0.1 * i, boxes[i]) for i in range(3)])]
    assert voc_metrics(dataset, detections)["per_class"]["a"]["AP07"] == pytest.approx(4 / 11)


@pytest.mark.parametrize("box, right", [([10, 10, 19, 14], True), ([10, 10, 19, 13], False), ([10, 15, 19, 24], False)])
def test_voc_boxes_are_inclusive(box, right):
    # 10 x 5 of 10 x 10 pixels is an IoU of exactly one half.
    dataset = dataset_of(make_record("i", [SQUARE], [0]))
    assert voc_metrics(dataset, [detected((0, 0.9, box))])["AP"] == (1.0 if right else 0.0)


def test_voc_difficult_objects_and_crowds_do_not_count():
    hard = [100, 100, 149, 149]
    for kind in ("difficult", "crowd"):
        record = make_record("i", [SQUARE, hard], [0, 0], **{kind: [False, True]})
        rows = [(0, 0.9, hard), (0, 0.8, hard), (0, 0.7, SQUARE)]
        figures = voc_metrics(dataset_of(record), [detected(*rows)])["per_class"]["a"]
        assert (figures["AP"], figures["AP07"], figures["objects"]) == (1.0, 1.0, 1)


def test_classes_without_objects_are_left_out_of_the_mean():
    dataset = dataset_of(make_record("i", [SQUARE], [0]), make_record("j", [], []))
    metrics = compute_metrics(dataset, [detected((0, 0.9, SQUARE)), detected((1, 0.9, SQUARE))])
    assert metrics["voc"]["AP"] == 1.0 and metrics["coco"]["AP"] == pytest.approx(1.0)
    assert math.isnan(metrics["voc"]["per_class"]["b"]["AP"]) and math.isnan(metrics["coco"]["per_class"]["b"]["AP50"])
    assert "-" in format_metrics(metrics).splitlines()[-1]


def test_no_detection_at_all_scores_zero():
    dataset = dataset_of(make_record("i", [SQUARE], [0]))
    metrics = compute_metrics(dataset, [detected()])
    assert metrics["coco"]["AP"] == metrics["voc"]["AP"] == metrics["voc"]["AP07"] == 0.0


def test_evaluation_needs_boxes_and_one_detection_an_image():
    with pytest.raises(ValueError, match="fake has no boxes"):
        compute_metrics(dataset_of(make_record("i", [], [])), [detected()])
    with pytest.raises(ValueError, match="detections of 0 images for the 1"):
        compute_metrics(dataset_of(make_record("i", [SQUARE], [0])), [])


def test_results_have_coco_widths_and_ids(tmp_path):
    dataset = dataset_of(make_record("stem", [SQUARE], [0]), make_record(7, [], []))
    dataset.category_ids = (18, 90)
    results = write_results(tmp_path / "r" / "results.json", dataset, [detected((1, 0.123456789, SQUARE)), detected()])
    assert results == [{"image_id": "stem", "category_id": 90, "bbox": [10.0, 10.0, 10.0, 10.0], "score": 0.123457}]
    assert json.loads((tmp_path / "r" / "results.json").read_text()) == results


def test_coco_metrics_of_records_ignore_difficult_objects():
    hard = [100, 100, 149, 149]
    dataset = dataset_of(make_record("i", [SQUARE, hard], [0, 0], difficult=[False, True]))
    for rows in ([(0, 0.9, SQUARE)], [(0, 0.9, SQUARE), (0, 0.95, hard)]):
        metrics = coco_metrics(dataset, coco_results(dataset, [detected(*rows)]))
        assert metrics["AP"] == pytest.approx(1.0) and metrics["AR100"] == pytest.approx(1.0)
    counted = dataset_of(make_record("i", [SQUARE, hard], [0, 0]))
    assert coco_metrics(counted, coco_results(counted, [detected((0, 0.9, SQUARE))]))["AP"] < 0.6


def test_coco_metrics_print_nothing(capsys):
    dataset, detections = random_case(0)
    coco_metrics(dataset, coco_results(dataset, detections))
    assert capsys.readouterr().out == ""


def guesses(dataset, seed=0):
    """Imperfect detections made of the truth."""
    rng = np.random.RandomState(seed)
    detections = []
    for record in dataset.records:
        keep = rng.rand(len(record.boxes)) < 0.8
        boxes = record.boxes[keep] + rng.normal(0, 3, (keep.sum(), 4)).astype(np.float32)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
        ids = np.where(rng.rand(keep.sum()) < 0.9, record.classes[keep], 0)
        detections.append((ids, rng.rand(len(ids)).astype(np.float32), boxes))
    return detections


def by_hand(annotation_file, results_file, image_ids=None):
    truth = COCO(str(annotation_file))
    run = COCOeval(truth, truth.loadRes(str(results_file)), "bbox")
    if image_ids:
        run.params.imgIds = image_ids
    run.evaluate()
    run.accumulate()
    run.summarize()
    return run


def test_coco_metrics_agree_with_pycocotools_by_hand(shared_data, tmp_path):
    dataset = load_dataset("coco", shared_data("tiny_coco"), "val2017")
    detections = guesses(dataset)
    results = write_results(tmp_path / "results.json", dataset, detections)
    metrics = coco_metrics(dataset, results)
    run = by_hand(dataset.annotation_file, tmp_path / "results.json")
    names = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]
    np.testing.assert_array_equal([metrics[name] for name in names], run.stats)
    assert 0.1 < metrics["AP"] < 0.9
    known = [figures["AP"] for figures in metrics["per_class"].values() if figures["AP"] == figures["AP"]]
    assert np.mean(known) == pytest.approx(metrics["AP"])
    # The truth made of records has other areas (boxes, not masks) and nothing else.
    dataset.annotation_file = None
    rebuilt = coco_metrics(dataset, results)
    for name in ("AP", "AP50", "AP75", "AR100"):
        assert rebuilt[name] == pytest.approx(metrics[name], abs=2e-3)


def test_annotation_id_zero_and_absent_area(tmp_path):
    image = tmp_path / "val" / "i.png"
    image.parent.mkdir()
    from PIL import Image
    Image.new("RGB", (64, 64)).save(image)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val.json").write_text(json.dumps({
        "images": [{"id": 0, "file_name": "i.png", "width": 64, "height": 64}],
        "categories": [{"id": 3, "name": "thing"}],
        "annotations": [{"id": 0, "image_id": 0, "category_id": 3, "bbox": [10, 10, 10, 10]}]}))
    dataset = load_dataset("coco", tmp_path, "val")
    metrics = compute_metrics(dataset, [detected((0, 0.9, SQUARE))])
    assert metrics["coco"]["AP"] == pytest.approx(1.0) and metrics["voc"]["AP"] == 1.0


def test_real_voc_data(shared_data):
    dataset = load_dataset("voc", shared_data("bccd"), "test", classes=("RBC", "WBC", "Platelets"))
    perfect = [(record.classes, np.ones(len(record.classes), np.float32), record.boxes) for record in dataset.records]
    metrics = compute_metrics(dataset, perfect)
    assert metrics["coco"]["AP"] == pytest.approx(1.0) and metrics["voc"]["AP"] == 1.0
    metrics = compute_metrics(dataset, guesses(dataset))
    for name, figures in metrics["voc"]["per_class"].items():
        # Both are the area at IoU 0.5; COCO samples it at 101 recalls.
        assert metrics["coco"]["per_class"][name]["AP50"] == pytest.approx(figures["AP"], abs=0.02)
    table = format_metrics(metrics)
    assert "RBC" in table and f"{100 * metrics['voc']['AP07']:.1f}" in table
