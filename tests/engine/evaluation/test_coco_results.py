"""Detections as COCO's result files."""
import json

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
    assert coco_results(dataset, detections) == expected
    write_results(tmp_path / "r" / "results.json", dataset, detections)
    assert json.loads((tmp_path / "r" / "results.json").read_text()) == expected


def test_without_an_annotation_file_categories_count_from_one(dataset_of, detected):
    results = coco_results(dataset_of(("i", [])), [detected((0, 1, SQUARE), (1, 1, SQUARE))])
    assert [result["category_id"] for result in results] == [1, 2]
