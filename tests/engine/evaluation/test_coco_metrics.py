"""COCO's metrics equal pycocotools run by hand, on data sets of which everything is unlike what one expects."""
import dataclasses
import math

import numpy as np
import pytest

from light_head_rcnn.data import load_dataset
from light_head_rcnn.engine.evaluation import coco_metrics, write_results


@pytest.fixture
def check(tmp_path, write_set, by_hand, assert_equal_figures):
    """Function that writes an annotation file, compares the metrics of detections with pycocotools' and returns both.

    `detect(dataset)` gives the detections.
    """
    def check(value, detect, **options):
        file = write_set(tmp_path, "val", value)
        dataset = load_dataset("coco", tmp_path, "val", **options)
        detections = detect(dataset)
        write_results(tmp_path / "results.json", dataset, detections)
        metrics, run = coco_metrics(dataset, detections), by_hand(file, tmp_path / "results.json")
        assert_equal_figures(metrics, run)
        return metrics, run

    return check


@pytest.mark.parametrize("classes", [None, ("zebra", "dog", "ant", "cat"), ("ant", "cat", "zebra", "dog")])
def test_equal_to_pycocotools_by_hand(check, coco_content, guess, classes, capsys):
    metrics, run = check(coco_content(), lambda dataset: guess(dataset.records, 4), classes=classes)
    assert list(metrics["per_class"]) == list(classes or ("zebra", "dog", "cat", "ant"))
    assert (run.stats > 0.05).all() and (run.stats < 0.95).all()
    for number, name in enumerate(("zebra", "dog", "cat", "ant")):
        precision = run.eval["precision"][:, :, number, 0, 2]
        expected = (math.nan, math.nan) if name == "dog" else (precision.mean(), precision[0].mean())
        figures = metrics["per_class"][name]
        assert (figures["AP"], figures["AP50"]) == pytest.approx(expected, nan_ok=True, abs=1e-12)
    assert capsys.readouterr().out == ""


def test_boxes_with_fractions_and_overlaps_of_exactly_a_threshold(check, coco_content):
    rng = np.random.RandomState(1)
    value = coco_content()
    shares = {}
    for number, annotation in enumerate(value["annotations"]):
        x, y, width, height = (round(v, 1) for v in rng.uniform((0.3, 0.3, 20, 20), (140, 140, 150, 150)))
        annotation.update(bbox=[x, y, width, height], iscrowd=0)
        # Cut at a share of its width, a box has that IoU with itself; all numbers have three decimals.
        shares.setdefault(annotation["image_id"], []).append((0.5, 0.6, 0.75, 0.8, 0.9)[number % 5])

    def cut(dataset):
        detections = []
        for record in dataset.records:
            boxes = record.boxes.astype(float)
            boxes[:, 2] = boxes[:, 0] + (boxes[:, 2] - boxes[:, 0] + 1) * shares[record.image_id] - 1
            detections.append((record.classes, np.linspace(0.9, 0.8, len(boxes)), boxes))
        return detections

    metrics, _ = check(value, cut)
    assert 0.2 < metrics["AP"] < 0.9


def test_boxes_with_many_decimals_sides_under_a_pixel_and_rounded_edges(check, coco_content, guess):
    rng = np.random.RandomState(2)
    value = coco_content()
    for number, annotation in enumerate(value["annotations"]):
        bbox = list(rng.uniform((0, 0, 5, 5), (140, 140, 150, 150)))
        if number % 5 == 0:
            bbox[2 + number % 2] = (0.0, 0.25, 0.9)[number // 5 % 3]
        if number % 5 == 1:
            bbox[0], bbox[3] = -0.4, 300.7 - bbox[1]
        annotation.update(bbox=bbox, area=bbox[2] * bbox[3])
    check(value, lambda dataset: guess(dataset.records, 4))
    # Detections of one pixel do not find objects of less.
    check(value, lambda dataset: [(record.classes, np.full(len(record.classes), 0.5), record.boxes)
                                  for record in dataset.records])


def test_ids_may_be_strings_and_numbers_mixed(tmp_path, check, coco_content, guess, write_set, assert_equal_figures):
    value = coco_content()
    _, run = check(value, lambda dataset: guess(dataset.records, 4))
    # From the greatest on, the ids become strings that sort alike.
    images, categories = {33: "a", 130: "b"}, {90: "x"}
    for image in value["images"]:
        image["id"] = images.get(image["id"], image["id"])
    for annotation in value["annotations"]:
        annotation["image_id"] = images.get(annotation["image_id"], annotation["image_id"])
        annotation["category_id"] = categories.get(annotation["category_id"], annotation["category_id"])
    value["categories"] = [dict(one, id=categories.get(one["id"], one["id"])) for one in value["categories"]]
    write_set(tmp_path, "val", value)
    dataset = load_dataset("coco", tmp_path, "val")
    assert_equal_figures(coco_metrics(dataset, guess(dataset.records, 4)), run)


def test_equal_scores_rank_by_the_ids_of_their_images(check, coco_content, guess):
    check(coco_content(), lambda dataset: [(ids, np.round(scores * 3) / 3, boxes)
                                           for ids, scores, boxes in guess(dataset.records, 4)])


def test_more_detections_than_count(check, coco_content, guess):
    check(coco_content((4, 3, 8)), lambda dataset: [
        tuple(np.concatenate(arrays) for arrays in zip(*(
            guess([record], 4, seed=seed)[0] for seed in range(60)))) for record in dataset.records])


def test_regions_of_which_nothing_is_known_are_crowds_of_every_class(tmp_path, coco_content, guess, write_set, by_hand,
                                                                     assert_equal_figures):
    value = coco_content()
    write_set(tmp_path, "val", value)
    dataset = load_dataset("coco", tmp_path, "val")
    detections = guess(dataset.records, 4)
    before = coco_metrics(dataset, detections)
    regions = np.array([[0, 0, 79, 99], [50, 20, 139, 149.5]], np.float32)
    dataset.records = [dataclasses.replace(record, regions=regions[:number % 3])
                       for number, record in enumerate(dataset.records)]
    crowds = [dict(image_id=record.image_id, category_id=category["id"], iscrowd=1, area=1.0,
                   bbox=[float(x1), float(y1), float(x2) - float(x1) + 1, float(y2) - float(y1) + 1])
              for record in dataset.records for x1, y1, x2, y2 in record.regions for category in value["categories"]]
    annotations = value["annotations"] + [dict(crowd, id=10000 + number) for number, crowd in enumerate(crowds)]
    file = write_set(tmp_path, "marked", dict(value, annotations=annotations))
    write_results(tmp_path / "results.json", dataset, detections)
    metrics = coco_metrics(dataset, detections)
    assert_equal_figures(metrics, by_hand(file, tmp_path / "results.json"))
    assert metrics["AP"] > before["AP"]


def test_a_part_of_the_images(tmp_path, coco_content, guess, write_set, by_hand, assert_equal_figures):
    value = coco_content()
    write_set(tmp_path, "val", value)
    dataset = load_dataset("coco", tmp_path, "val")
    dataset.records = dataset.records[2:5]
    detections = guess(dataset.records, 4)
    kept = {record.image_id for record in dataset.records}
    file = write_set(tmp_path, "part", dict(
        value, images=[image for image in value["images"] if image["id"] in kept],
        annotations=[annotation for annotation in value["annotations"] if annotation["image_id"] in kept]))
    write_results(tmp_path / "results.json", dataset, detections)
    assert_equal_figures(coco_metrics(dataset, detections), by_hand(file, tmp_path / "results.json"))


def test_fewer_classes_than_the_file_has_and_one_more(tmp_path, coco_content, guess, write_set, by_hand,
                                                      assert_equal_figures):
    file = write_set(tmp_path, "val", coco_content())
    dataset = load_dataset("coco", tmp_path, "val", classes=("unicorn", "cat", "ant"))
    detections = guess(dataset.records, 3)
    write_results(tmp_path / "results.json", dataset, detections)
    metrics = coco_metrics(dataset, detections)
    assert_equal_figures(metrics, by_hand(file, tmp_path / "results.json", [17, 90]))
    assert math.isnan(metrics["per_class"]["unicorn"]["AP"])


@pytest.mark.realdata
@pytest.mark.parametrize("name, image_set, noise", [("tiny_coco", "val2017", 3), ("tiny_coco", "train2017", 0)])
def test_equal_to_pycocotools_on_photographs(shared_data, guess, tmp_path, by_hand, assert_equal_figures, name,
                                             image_set, noise):
    dataset = load_dataset("coco", shared_data(name), image_set)
    detections = guess(dataset.records, len(dataset.classes), noise=noise)
    write_results(tmp_path / "results.json", dataset, detections)
    metrics = coco_metrics(dataset, detections)
    run = by_hand(f"{dataset.path}/annotations/instances_{image_set}.json", tmp_path / "results.json")
    assert_equal_figures(metrics, run)
    assert 0.1 < metrics["AP"] < 0.9
    known = [figures["AP"] for figures in metrics["per_class"].values() if figures["AP"] == figures["AP"]]
    assert np.mean(known) == pytest.approx(metrics["AP"])
