"""Detections as COCO's result files."""
import json

import numpy as np
import pytest

from light_head_rcnn.data import load_dataset
from light_head_rcnn.engine.evaluation import coco_results, write_results

SQUARE = [10, 10, 19, 19]


def test_results_have_the_ids_of_the_annotation_file_and_exclusive_widths(tmp_path, dataset_of, detected):
    dataset = dataset_of(("stem", []), (7, []), (3, []))
    dataset.category_ids = (90, 18)
    detections = [detected(), detected((1, 0.123456789, SQUARE), (0, 0.5, [0.1234, 1, 2.5, 3])),
                  detected((0, 1, SQUARE))]
    expected = [
        {"image_id": 7, "category_id": 18, "bbox": [10.0, 10.0, 10.0, 10.0], "score": 0.123457},
        {"image_id": 7, "category_id": 90, "bbox": [0.123, 1.0, 3.377, 3.0], "score": 0.5},
        {"image_id": 3, "category_id": 90, "bbox": [10.0, 10.0, 10.0, 10.0], "score": 1.0}]
    assert list(coco_results(dataset, detections)) == expected
    write_results(tmp_path / "r" / "results.json", dataset, detections)
    assert json.loads((tmp_path / "r" / "results.json").read_text()) == expected
    assert len((tmp_path / "r" / "results.json").read_text().splitlines()) == 2 + len(expected)


def test_without_an_annotation_file_categories_count_from_one(dataset_of, detected):
    results = coco_results(dataset_of(("i", [])), [detected((0, 1, SQUARE), (1, 1, SQUARE))])
    assert [result["category_id"] for result in results] == [1, 2]


def test_no_detection_at_all_is_an_empty_list(tmp_path, dataset_of, detected):
    write_results(tmp_path / "results.json", dataset_of(("i", [])), [detected()])
    assert json.loads((tmp_path / "results.json").read_text()) == []


def test_ids_from_an_array(tmp_path, dataset_of, detected):
    write_results(tmp_path / "results.json", dataset_of((np.int64(5), [])), [detected((0, 1, SQUARE))])
    assert json.loads((tmp_path / "results.json").read_text())[0]["image_id"] == 5


@pytest.mark.parametrize("ids, names", [((7, 7), ["0.png", "1.png"]), ((7, "7"), [None, None])])
def test_images_of_one_id_are_told_apart_by_their_files(dataset_of, detected, ids, names):
    dataset = dataset_of(*((image_id, []) for image_id in ids))
    results = list(coco_results(dataset, [detected((0, 1, SQUARE)), detected((0, 1, SQUARE))]))
    assert [result.get("file_name") for result in results] == names
    assert [result["image_id"] for result in results] == list(ids)


def test_joined_sets_and_a_class_that_they_do_not_have(tmp_path, coco_content, write_set, detected):
    for name in "ab":
        write_set(tmp_path, name, coco_content((1, 2)))
    dataset = load_dataset("coco", tmp_path, "a+b", classes=("ant", "unicorn", "cat"))
    results = list(coco_results(dataset, [detected((0, 1, SQUARE), (1, 1, SQUARE), (2, 1, SQUARE))] * 4))
    assert [result["file_name"] for result in results[::3]] == ["a/1.png", "a/2.png", "b/1.png", "b/2.png"]
    # The file has the ids 3, 8, 17 and 90.
    ant, unicorn, cat = (result["category_id"] for result in results[:3])
    assert (ant, cat) == (90, 17) and unicorn not in (3, 8, 17, 90)
