"""COCO's metrics against pycocotools run by hand, on data sets of which everything is unlike what one expects."""
import json
import math

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from light_head_rcnn.data import load_dataset
from light_head_rcnn.engine.evaluation import coco_metrics, write_results

SQUARE = [10, 10, 19, 19]
NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
# Neither the ids nor the names are in the order of the file.
CATEGORIES = [{"id": 17, "name": "cat"}, {"id": 3, "name": "zebra"}, {"id": 90, "name": "ant"},
              {"id": 8, "name": "dog"}]
IMAGE_IDS = (12, 5, 130, 7, 0, 33, 2, 21)


def content(image_ids=IMAGE_IDS, seed=0):
    """An annotation file with areas unlike those of the boxes, crowds, and no object of the last category."""
    rng = np.random.RandomState(seed)
    annotations = []
    for image_id in image_ids:
        for _ in range(rng.randint(1, 9)):
            x, y = rng.randint(0, 200, 2)
            width, height = np.exp(rng.uniform(np.log(6), np.log(180), 2))
            bbox = [round(float(value), 2) for value in (x, y, min(width, 300 - x), min(height, 300 - y))]
            annotations.append({"id": len(annotations) + 1, "image_id": image_id,
                                "category_id": CATEGORIES[rng.randint(3)]["id"], "bbox": bbox,
                                "area": bbox[2] * bbox[3] * rng.uniform(0.05, 1), "iscrowd": int(rng.rand() < 0.1)})
    return {"info": {}, "categories": CATEGORIES, "annotations": annotations,
            "images": [{"id": image_id, "file_name": f"{image_id}.png", "width": 300, "height": 300}
                       for image_id in image_ids]}


def write_set(root, image_set, value):
    (root / "annotations").mkdir(exist_ok=True)
    (root / image_set).mkdir(exist_ok=True)
    for image in value["images"]:
        Image.new("RGB", (image["width"], image["height"])).save(root / image_set / image["file_name"])
    (root / "annotations" / f"instances_{image_set}.json").write_text(json.dumps(value))
    return root / "annotations" / f"instances_{image_set}.json"


def by_hand(annotation_file, results_file, capsys):
    """COCOeval of two files, as pycocotools' own demo does it."""
    truth = COCO(str(annotation_file))
    run = COCOeval(truth, truth.loadRes(str(results_file)), "bbox")
    run.evaluate()
    run.accumulate()
    run.summarize()
    capsys.readouterr()
    return run


def assert_equal_to(metrics, run, categories):
    np.testing.assert_array_equal([metrics[name] for name in NAMES], np.where(run.stats < 0, np.nan, run.stats))
    name_of = {category["id"]: category["name"] for category in categories}
    for number, category in enumerate(run.params.catIds):
        precision = run.eval["precision"][:, :, number, 0, 2]
        known = precision > -1
        expected = {"AP": precision[known].mean(), "AP50": precision[0][known[0]].mean()} if known.any() else \
            {"AP": math.nan, "AP50": math.nan}
        assert metrics["per_class"][name_of[category]] == pytest.approx(expected, nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("classes", [None, ("zebra", "dog", "ant", "cat"), ("ant", "cat", "zebra", "dog")])
def test_equal_to_pycocotools_by_hand(tmp_path, guess, capsys, classes):
    file = write_set(tmp_path, "val", content())
    dataset = load_dataset("coco", tmp_path, "val", classes=classes)
    detections = guess(dataset.records, 4)
    write_results(tmp_path / "results.json", dataset, detections)
    run = by_hand(file, tmp_path / "results.json", capsys)
    metrics = coco_metrics(dataset, detections)
    assert list(metrics["per_class"]) == list(classes or ("zebra", "dog", "cat", "ant"))
    assert_equal_to(metrics, run, CATEGORIES)
    assert (run.stats > 0.05).all() and (run.stats < 0.95).all()
    assert math.isnan(metrics["per_class"]["dog"]["AP"])
    # The areas of the boxes would give other figures.
    assert metrics["APs"] != of_records(dataset, detections)["APs"]
    assert capsys.readouterr().out == ""


def of_records(dataset, detections):
    """The metrics with the records as the ground truth."""
    dataset.skipped.append("an image left out")
    metrics = coco_metrics(dataset, detections)
    dataset.skipped.clear()
    return metrics


def test_the_records_are_the_truth_where_something_was_left_out(tmp_path, guess, capsys):
    value = content()
    # A box of no width is left out. Crossed out of the file, pycocotools comes to the same.
    broken = dict(value, annotations=value["annotations"] + [
        {"id": 500, "image_id": 7, "category_id": 3, "bbox": [250, 250, -40, 30], "area": 900}])
    for annotation in value["annotations"]:
        annotation["area"] = annotation["bbox"][2] * annotation["bbox"][3]
    write_set(tmp_path, "val", broken)
    file = write_set(tmp_path, "whole", value)
    dataset = load_dataset("coco", tmp_path, "val", classes=("zebra", "dog", "ant", "cat"), on_error="skip")
    assert len(dataset.skipped) == 1
    detections = guess(dataset.records, 4)
    write_results(tmp_path / "results.json", dataset, detections)
    run = by_hand(file, tmp_path / "results.json", capsys)
    metrics = coco_metrics(dataset, detections)
    # Boxes of records are single precision.
    np.testing.assert_allclose([metrics[name] for name in NAMES], run.stats, atol=2e-3)
    precision = run.eval["precision"][:, :, run.params.catIds.index(90), 0, 2]
    assert metrics["per_class"]["ant"]["AP"] == pytest.approx(precision.mean(), abs=2e-3)


def test_joined_sets_with_the_same_image_ids(tmp_path, guess, capsys):
    first, second = content((1, 2, 3), 1), content((1, 2, 3), 2)
    for value in (first, second):
        for annotation in value["annotations"]:
            annotation["area"] = annotation["bbox"][2] * annotation["bbox"][3]
    write_set(tmp_path, "a", first)
    write_set(tmp_path, "b", second)
    joined = load_dataset("coco", tmp_path, "a+b")
    detections = guess(joined.records, 4)
    # By hand: one file in which the second set has image ids of its own.
    for image in second["images"]:
        image.update(id=image["id"] + 10, file_name=f"{image['id'] + 10}.png")
    for annotation in second["annotations"]:
        annotation.update(id=annotation["id"] + 1000, image_id=annotation["image_id"] + 10)
    both = {key: first[key] + second[key] for key in ("images", "annotations")}
    file = write_set(tmp_path, "c", dict(first, **both))
    write_results(tmp_path / "results.json", load_dataset("coco", tmp_path, "c"), detections)
    run = by_hand(file, tmp_path / "results.json", capsys)
    metrics = coco_metrics(joined, detections)
    np.testing.assert_allclose([metrics[name] for name in NAMES], run.stats, atol=2e-3)


def test_ids_may_be_strings_and_numbers_mixed(tmp_path, guess, capsys):
    value = content()
    file = write_set(tmp_path, "val", value)
    dataset = load_dataset("coco", tmp_path, "val")
    detections = guess(dataset.records, 4)
    write_results(tmp_path / "results.json", dataset, detections)
    run = by_hand(file, tmp_path / "results.json", capsys)
    # From the greatest on, the ids become strings that sort alike.
    images, categories = {33: "a", 130: "b"}, {90: "x"}
    for image in value["images"]:
        image["id"] = images.get(image["id"], image["id"])
    for annotation in value["annotations"]:
        annotation["image_id"] = images.get(annotation["image_id"], annotation["image_id"])
        annotation["category_id"] = categories.get(annotation["category_id"], annotation["category_id"])
    value["categories"] = [dict(one, id=categories.get(one["id"], one["id"])) for one in CATEGORIES]
    write_set(tmp_path, "val", value)
    assert_equal_to(coco_metrics(load_dataset("coco", tmp_path, "val"), detections), run, CATEGORIES)


def test_equal_scores_rank_by_the_ids_of_their_images(tmp_path, capsys, guess):
    file = write_set(tmp_path, "val", content())
    dataset = load_dataset("coco", tmp_path, "val")
    detections = [(ids, np.round(scores * 3) / 3, boxes) for ids, scores, boxes in guess(dataset.records, 4)]
    write_results(tmp_path / "results.json", dataset, detections)
    assert_equal_to(coco_metrics(dataset, detections), by_hand(file, tmp_path / "results.json", capsys), CATEGORIES)


def test_a_part_of_the_images(tmp_path, capsys, guess):
    value = content()
    write_set(tmp_path, "val", value)
    dataset = load_dataset("coco", tmp_path, "val")
    dataset.records = dataset.records[2:5]
    detections = guess(dataset.records, 4)
    kept = {record.image_id for record in dataset.records}
    file = write_set(tmp_path, "part", dict(
        value, images=[image for image in value["images"] if image["id"] in kept],
        annotations=[annotation for annotation in value["annotations"] if annotation["image_id"] in kept]))
    write_results(tmp_path / "results.json", dataset, detections)
    assert_equal_to(coco_metrics(dataset, detections), by_hand(file, tmp_path / "results.json", capsys), CATEGORIES)


@pytest.mark.parametrize("position", [0, 3, 7])
def test_one_image_that_differs_is_noticed(tmp_path, position):
    value = content()
    value["annotations"] = [{"id": image_id, "image_id": image_id, "category_id": 17, "bbox": [10, 10, 10, 10],
                             "area": 100} for image_id in IMAGE_IDS]
    write_set(tmp_path, "val", value)
    dataset = load_dataset("coco", tmp_path, "val")
    cat = dataset.classes.index("cat")
    perfect = [(np.array([cat]), np.array([0.9]), np.array([SQUARE])) for _ in IMAGE_IDS]
    assert coco_metrics(dataset, perfect)["AP"] == pytest.approx(1)
    perfect[position] = (np.array([cat]), np.array([0.9]), np.array([[100, 100, 120, 120]]))
    for metrics in (coco_metrics(dataset, perfect), of_records(dataset, perfect)):
        assert metrics["AR100"] == pytest.approx(7 / 8) and metrics["AP"] < 0.9


def test_difficult_objects_count_neither_as_found_nor_as_missed(dataset_of, detected):
    hard = [100, 100, 149, 149]
    dataset = dataset_of(("i", [(SQUARE, 0), (hard, 0, True)]))
    for rows in ([(0, 0.9, SQUARE)], [(0, 0.9, SQUARE), (0, 0.95, hard)]):
        metrics = coco_metrics(dataset, [detected(*rows)])
        assert metrics["AP"] == pytest.approx(1.0) and metrics["AR100"] == pytest.approx(1.0)
    counted = dataset_of(("i", [(SQUARE, 0), (hard, 0)]))
    assert coco_metrics(counted, [detected((0, 0.9, SQUARE))])["AP"] < 0.6


def test_crowds_of_records_take_any_number_of_detections_inside(dataset_of, detected):
    dataset = dataset_of(("i", [(SQUARE, 0), ([50, 50, 149, 149], 0, False, True)]))
    inside = [(0, 0.95, [60, 60, 69, 69]), (0, 0.94, [80, 80, 89, 89])]
    assert coco_metrics(dataset, [detected((0, 0.9, SQUARE), *inside)])["AP"] == pytest.approx(1.0)


def test_small_medium_and_large_objects_of_records_go_by_their_boxes(dataset_of, detected):
    # 1023 pixels are small, 1025 and 9215 medium, 9312 large; the bounds are 32 x 32 and 96 x 96.
    boxes = [[0, 0, 30, 32], [40, 0, 64, 40], [0, 50, 94, 146], [100, 50, 195, 146]]
    for missing, figures in ((0, (0, 1, 1)), (1, (1, 0.5, 1)), (2, (1, 0.5, 1)), (3, (1, 1, 0))):
        dataset = dataset_of(("i", [(box, 0) for box in boxes]))
        found = [detected(*[(0, 0.9, box) for number, box in enumerate(boxes) if number != missing])]
        metrics = coco_metrics(dataset, found)
        assert tuple(metrics[name] for name in ("ARs", "ARm", "ARl")) == pytest.approx(figures)


def test_the_annotation_file_as_the_reader_takes_it(tmp_path):
    value = {"images": [{"id": 0, "file_name": "i.png", "width": 64, "height": 64}],
             "categories": [{"id": 3, "name": "thing"}],
             "annotations": [
                 # COCOeval takes a match with the id 0 for none; an area may be absent or null; numbers may be strings.
                 {"id": 0, "image_id": 0, "category_id": 3, "bbox": [10, 10, 10, 10]},
                 {"id": 1, "image_id": 0, "category_id": 3, "bbox": ["30", "30", "10", "10"], "area": None,
                  "iscrowd": None},
                 # Keys of other layouts mean nothing here.
                 {"id": 2, "image_id": 0, "category_id": 3, "bbox": [50, 50, 10, 10], "area": "50", "difficult": 1}]}
    file = write_set(tmp_path, "val", value)
    file.write_text("\ufeff" + file.read_text(), encoding="utf-8")
    dataset = load_dataset("coco", tmp_path, "val")
    boxes = np.array([SQUARE, [30, 30, 39, 39], [50, 50, 59, 59]], float)
    for count, recall in ((1, 1 / 3), (2, 2 / 3), (3, 1)):
        found = (np.zeros(count, int), np.full(count, 0.9), boxes[:count])
        assert coco_metrics(dataset, [found])["AR100"] == pytest.approx(recall)


@pytest.mark.realdata
def test_equal_to_pycocotools_on_photographs(shared_data, guess, tmp_path, capsys):
    dataset = load_dataset("coco", shared_data("tiny_coco"), "val2017")
    detections = guess(dataset.records, len(dataset.classes))
    write_results(tmp_path / "results.json", dataset, detections)
    metrics = coco_metrics(dataset, detections)
    run = by_hand(dataset.annotation_file, tmp_path / "results.json", capsys)
    np.testing.assert_array_equal([metrics[name] for name in NAMES], run.stats)
    assert 0.1 < metrics["AP"] < 0.9
    known = [figures["AP"] for figures in metrics["per_class"].values() if figures["AP"] == figures["AP"]]
    assert np.mean(known) == pytest.approx(metrics["AP"])
    # Records have other areas (of boxes, not of masks) and nothing else.
    records = of_records(dataset, detections)
    for name in ("AP", "AP50", "AP75", "AR100"):
        assert records[name] == pytest.approx(metrics[name], abs=2e-3)
