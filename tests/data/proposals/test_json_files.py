"""The layouts of JSON, and files that are none of them."""
import json

import numpy as np
import pytest

from light_head_rcnn.data.proposals import read_proposals
from light_head_rcnn.errors import DataError

ROWS = [[1, 2, 30, 40], [5.5, 6, 7, 8]]


def read(tmp_path, content):
    file = tmp_path / "boxes.txt"  # the extension does not matter
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return list(read_proposals(file))


@pytest.mark.parametrize("content, name", [
    ({"a.jpg": ROWS}, "a.jpg"), ({"a.jpg": {"boxes": ROWS}}, "a.jpg"), ([{"image": "a.jpg", "boxes": ROWS}], "a.jpg"),
    ([{"file_name": "a.jpg", "boxes": ROWS}], "a.jpg"), ([{"image_id": 7, "boxes": ROWS}], 7),
    ([{"image_id": 7, "bbox": [1, 2, 30, 39]}, {"image_id": 7, "bbox": [5.5, 6, 2.5, 3]}], 7),
])
def test_layouts_without_scores(tmp_path, content, name):
    entry, = read(tmp_path, content)
    assert entry.name == name and entry.scores is None and entry.size is None
    np.testing.assert_array_equal(entry.boxes, ROWS)


@pytest.mark.parametrize("content", [
    {"a": [[*row, score] for row, score in zip(ROWS, (0.5, 0.25))]}, {"a": {"boxes": ROWS, "scores": [0.5, 0.25]}},
    [{"image": "a", "boxes": ROWS, "scores": [[0.5], [0.25]]}],
    [{"image_id": "a", "bbox": [1, 2, 30, 39], "score": 0.5, "category_id": 1},
     {"image_id": "a", "bbox": [5.5, 6, 2.5, 3], "score": 0.25, "category_id": 2}],
])
def test_layouts_with_scores(tmp_path, content):
    entry, = read(tmp_path, content)
    np.testing.assert_array_equal(entry.boxes, ROWS)
    np.testing.assert_array_equal(entry.scores, [0.5, 0.25])


def test_results_of_several_images_may_be_mixed(tmp_path):
    entries = read(tmp_path, [{"image_id": i, "bbox": [i, i, 2, 2], "score": 1} for i in (3, 1, 3, 3)])
    assert [(entry.name, len(entry.boxes)) for entry in entries] == [(3, 3), (1, 1)]


def test_images_without_boxes_are_entries(tmp_path):
    entries = read(tmp_path, {"a": [], "b": {"boxes": []}})
    assert [(entry.name, entry.boxes.shape) for entry in entries] == [("a", (0, 4)), ("b", (0, 4))]
    assert read(tmp_path, {}) == read(tmp_path, []) == read(tmp_path, " { } \n") == []


def test_numbers_that_no_box_has_are_left_to_the_rules(tmp_path):
    entry, = read(tmp_path, '{"a": [[NaN, -Infinity, 1e400, null]]}')
    np.testing.assert_array_equal(np.isfinite(entry.boxes), [[False] * 4])


@pytest.mark.parametrize("content, message", [
    ('{"a": [[1, 2, 3, 4]]', "line 1, column 21: not valid JSON"),
    ('{"a": [[1, 2, 3, 4]]}}', "nothing more is expected"),
    ('{"a" [1]}', "':' is expected"), ('{"a": [[1, 2, 3, 4]],}', "a value is expected after the comma"),
    ('{1: []}', "a name in double quotes"), ("[1, 2]", "entry 1 has no name of an image"),
    ('{"a": [[1, 2, 3]]}', r"image 'a': boxes must be rows of 4 numbers .*shape \(1, 3\)"),
    ('{"a": [1, 2, 3, 4]}', r"shape \(4,\)"),
    ('{"a": [[1, 2, 3, 4], [5]]}', "must be numbers, in rows of equal length"),
    ('{"a": [[1, 2, 3, "x"]]}', "must be numbers"), ('{"a": "text"}', "must be numbers"), ('{"a": 5}', "shape"),
    ('{"a": [[1, 2, 3, 1' + "0" * 400 + "]]}", "must be numbers"), ('{"a": {"x": 1}}', 'has no "boxes"'),
    ('{"a": {"boxes": [[1, 2, 3, 4]], "scores": []}}', "1 boxes and 0 scores"),
    ('[{"image": "a"}]', "entry 1 has no name of an image, or no boxes"),
    ('[{"image": ["a"], "boxes": []}]', "no name"),
    ('[{"image": true, "boxes": []}]', "no name"),
    ('[{"image_id": 1, "bbox": [1, 2, 3]}]', "entry 1: \"bbox\" must be"),
    ('[{"image_id": 1, "bbox": [1, 2, 3, 4], "score": []}]', '"score" a number'),
    ('{"images": [{"id": 1}], "annotations": []}', "image 'images': boxes must be numbers"),
    ('{"a": ' + "[" * 100000, "lists in lists without end"),
])
def test_files_that_cannot_be_read(tmp_path, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, content)
    assert "boxes.txt" in str(caught.value)
