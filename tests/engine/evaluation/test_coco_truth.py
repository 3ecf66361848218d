"""Which objects COCO's metrics count: that of the records, whatever was odd or left out in their annotation file."""
import codecs

import numpy as np
import pytest

from light_head_rcnn.data import load_dataset
from light_head_rcnn.engine.evaluation import coco_metrics, write_results

SQUARE, HARD = [10, 10, 19, 19], [100, 100, 149, 149]


def test_two_images_of_one_id_are_never_mixed_up(dataset_of, detected):
    dataset = dataset_of((7, [(SQUARE, 0)]), (7, [(HARD, 0)]))
    first, second = detected((0, 0.9, SQUARE)), detected((0, 0.9, HARD))
    assert coco_metrics(dataset, [first, second])["AP"] == pytest.approx(1)
    assert coco_metrics(dataset, [second, first])["AP"] == 0


def test_joined_sets_with_the_same_image_ids(tmp_path, guess, coco_content, write_set, by_hand, assert_equal_figures):
    first, second = coco_content((1, 2, 3), 1), coco_content((1, 2, 3), 2)
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
    # Where scores are equal, the order of the images decides; these are not.
    assert_equal_figures(coco_metrics(joined, detections), by_hand(file, tmp_path / "results.json"))
    swapped = [detections[(position + 3) % 6] for position in range(6)]
    assert coco_metrics(joined, swapped)["AP50"] < 0.3 < coco_metrics(joined, detections)["AP50"]


@pytest.fixture
def check_same(tmp_path, coco_content, guess, write_set, by_hand, assert_equal_figures):
    """Function of a change of an annotation file that must not change any figure."""
    def check_same(change, encode=lambda text: text):
        value = coco_content()
        file = write_set(tmp_path, "val", value)
        detections = guess(load_dataset("coco", tmp_path, "val").records, 4)
        write_results(tmp_path / "results.json", load_dataset("coco", tmp_path, "val"), detections)
        run = by_hand(file, tmp_path / "results.json")
        change(value)
        file = write_set(tmp_path, "val", value)
        file.write_bytes(encode(file.read_bytes()))
        dataset = load_dataset("coco", tmp_path, "val", on_error="default")
        assert_equal_figures(coco_metrics(dataset, detections), run)
        return dataset

    return check_same


@pytest.mark.parametrize("new_id", [lambda number: 0, lambda number: number % 3, lambda number: number + 0.5,
                                    lambda number: f"a{number}", lambda number: None])
def test_an_annotations_id_matters_to_nothing(check_same, new_id):
    def change(value):
        for number, annotation in enumerate(value["annotations"]):
            annotation["id"] = new_id(number)

    assert not check_same(change).log.counts


def test_without_ids_with_a_byte_order_mark(check_same):
    def change(value):
        for annotation in value["annotations"]:
            del annotation["id"]

    check_same(change, lambda content: codecs.BOM_UTF8 + content)


def test_flags_and_areas_are_understood_by_their_meaning(check_same):
    def change(value):
        no, yes = ["0", "false", 0.0, None, False], ["1", "true", 1.0, True]
        for number, annotation in enumerate(value["annotations"]):
            words = yes if annotation["iscrowd"] else no
            annotation.update(iscrowd=words[number % len(words)], area=repr(annotation["area"]))
            if not annotation["iscrowd"] and number % 2:
                del annotation["iscrowd"]

    assert not check_same(change).log.counts


def test_what_is_left_out_is_not_missed(check_same):
    def change(value):
        value["annotations"] += [
            {"id": 900, "image_id": 7, "category_id": 3, "bbox": [250, 250, -40, 30], "area": 900},
            {"id": 901, "image_id": 7, "category_id": 3, "bbox": [50, 50, None, 30], "area": 900},
            {"id": 902, "image_id": 7, "category_id": 3, "bbox": [1000, 1000, 30, 30], "area": 900},
            {"id": 903, "image_id": 7, "category_id": 4, "bbox": [50, 50, 30, 30], "area": 900},
            {"id": 904, "image_id": 77, "category_id": 3, "bbox": [50, 50, 30, 30], "area": 900}]

    assert sum(check_same(change).log.counts.values()) == 5


@pytest.mark.parametrize("flags", [{"difficult": True}, {"ignored": True}])
def test_difficult_and_ignored_objects_count_neither_as_found_nor_as_missed(dataset_of, detected, flags):
    flags = [flags.get(name, default) for name, default in (
        ("difficult", False), ("crowd", False), ("area", None), ("ignored", False))]
    dataset = dataset_of(("i", [(SQUARE, 0), (HARD, 0, *flags)]))
    for rows in ([(0, 0.9, SQUARE)], [(0, 0.9, SQUARE), (0, 0.95, HARD)]):
        metrics = coco_metrics(dataset, [detected(*rows)])
        assert metrics["AP"] == pytest.approx(1.0) and metrics["AR100"] == pytest.approx(1.0)
    # A small part of it is not the object, as it would be of a crowd.
    part = [110, 110, 119, 119]
    assert coco_metrics(dataset, [detected((0, 0.9, SQUARE), (0, 0.95, part))])["AP"] == pytest.approx(0.5, abs=0.01)
    counted = dataset_of(("i", [(SQUARE, 0), (HARD, 0)]))
    assert coco_metrics(counted, [detected((0, 0.9, SQUARE))])["AP"] < 0.6


def test_an_image_that_only_has_objects_that_do_not_count(dataset_of, detected):
    dataset = dataset_of(("i", [(SQUARE, 0, True)]), ("j", [(SQUARE, 1)]))
    metrics = coco_metrics(dataset, [detected((0, 0.9, SQUARE)), detected((1, 0.9, SQUARE))])
    assert metrics["AP"] == pytest.approx(1) and np.isnan(metrics["per_class"]["a"]["AP"])


def test_crowds_take_any_number_of_detections_inside(dataset_of, detected):
    dataset = dataset_of(("i", [(SQUARE, 0), ([50, 50, 149, 149], 0, False, True)]))
    inside = [(0, 0.95, [60, 60, 69, 69]), (0, 0.94, [80, 80, 89, 89])]
    assert coco_metrics(dataset, [detected((0, 0.9, SQUARE), *inside)])["AP"] == pytest.approx(1.0)


@pytest.mark.parametrize("stated", [False, True])
def test_small_medium_and_large_objects_go_by_their_area(dataset_of, detected, stated):
    # 1023 pixels are small, 1025 and 9215 medium, 9312 large; the bounds are 32 x 32 and 96 x 96.
    boxes = [[0, 0, 30, 32], [40, 0, 64, 40], [0, 50, 94, 146], [100, 50, 195, 146]]
    areas = [None] * 4
    if stated:
        boxes, areas = [[50 * number, 0, 50 * number + 20, 40] for number in range(4)], [1023, 1025, 9215, 9312]
    for missing, figures in ((0, (0, 1, 1)), (1, (1, 0.5, 1)), (2, (1, 0.5, 1)), (3, (1, 1, 0))):
        dataset = dataset_of(("i", [(box, 0, False, False, area) for box, area in zip(boxes, areas)]))
        found = [detected(*[(0, 0.9, box) for number, box in enumerate(boxes) if number != missing])]
        metrics = coco_metrics(dataset, found)
        assert tuple(metrics[name] for name in ("ARs", "ARm", "ARl")) == pytest.approx(figures)


@pytest.mark.parametrize("position", [0, 3, 7])
def test_one_image_that_differs_is_noticed(dataset_of, detected, position):
    dataset = dataset_of(*((name, [(SQUARE, 1)]) for name in "hgfedcba"))
    detections = [detected((1, 0.9, SQUARE)) for _ in range(8)]
    assert coco_metrics(dataset, detections)["AP"] == pytest.approx(1)
    detections[position] = detected((1, 0.9, HARD))
    metrics = coco_metrics(dataset, detections)
    assert metrics["AR100"] == pytest.approx(7 / 8) and metrics["AP"] < 0.9
