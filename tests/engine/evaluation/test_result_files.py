"""Detections come back from result files as they were written, or the message says what is wrong."""
import json
from types import SimpleNamespace

import numpy as np
import pytest

from light_head_rcnn.data.record import make_record
from light_head_rcnn.engine.evaluation import write_results
from light_head_rcnn.engine.evaluation.result_files import read_results
from light_head_rcnn.errors import DataError


def make_dataset(*ids):
    records = [make_record(image_id, f"/data/{position}/{image_id}.jpg", 100, 100, [])
               for position, image_id in enumerate(ids)]
    return SimpleNamespace(records=records, classes=("cat", "dog"), category_ids=(7, 3), path="/data",
                           name="coco val")


DETECTIONS = [(np.array([1, 0]), np.array([0.5, 0.25]), np.array([[1.5, 2, 9, 9], [0, 0, 99, 99]])),
              (np.zeros(0, int), np.zeros(0), np.zeros((0, 4))),
              (np.array([0]), np.array([0.125]), np.array([[3.0, 3, 3, 3]]))]


@pytest.mark.parametrize("ids", [(5, 6, 7), ("a", "b", "c"), (5, 6, 5)])
def test_what_was_written_is_read(tmp_path, ids):
    dataset = make_dataset(*ids)
    write_results(tmp_path / "results.json", dataset, DETECTIONS)
    for read, written in zip(read_results(tmp_path / "results.json", dataset), DETECTIONS):
        for one, other in zip(read, written):
            np.testing.assert_array_equal(one, other)
            assert one.shape == other.shape


@pytest.mark.parametrize("change, message", [
    ({"image_id": 8}, "image 8, which is not in coco val"), ({"image_id": [1]}, "lacks a valid"),
    ({"category_id": 4}, "category 4; those of coco val are 7, 3"), ({"bbox": [1, 2, 3]}, "lacks a valid"),
    ({"score": None}, "lacks a valid")])
def test_results_of_something_else(tmp_path, change, message):
    entry = {"image_id": 5, "category_id": 7, "bbox": [1, 2, 3, 4], "score": 0.5}
    (tmp_path / "results.json").write_text(json.dumps([entry, {**entry, **change}]))
    with pytest.raises(DataError, match="results.json: detection 1 ") as caught:
        read_results(tmp_path / "results.json", make_dataset(5, 6))
    assert message in str(caught.value)


def test_an_image_that_is_there_twice_needs_its_file_name(tmp_path):
    (tmp_path / "r.json").write_text('[{"image_id": 5, "category_id": 7, "bbox": [1, 2, 3, 4], "score": 0.5}]')
    with pytest.raises(DataError, match="image 5, which is not in coco val, or more than once"):
        read_results(tmp_path / "r.json", make_dataset(5, 5))


@pytest.mark.parametrize("text, message", [("{}", "not a list"), ("[", "cannot be read"), (None, "No such file")])
def test_no_results(tmp_path, text, message):
    if text is not None:
        (tmp_path / "r.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_results(tmp_path / "r.json", make_dataset(5))
