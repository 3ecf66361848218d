"""Sets of proposals from several files, what is logged of them, and files that are about other images."""
import json
import logging
import pickle

import numpy as np
import pytest

from light_head_rcnn.data import make_record
from light_head_rcnn.data.proposals import load_proposals, write_proposals
from light_head_rcnn.errors import DataError, UsageError


@pytest.fixture
def write(tmp_path):
    """Function that writes a JSON file, and returns its path."""
    def write(content, name="boxes.json"):
        (tmp_path / name).write_text(json.dumps(content))
        return tmp_path / name

    return write


def test_boxes_by_record(write, records):
    found = load_proposals([write({"dog": [[1, 2, 30, 40]], "cat.v2": []}),
                            write({"train/0001.jpg": [[0, 0, 5, 5, 0.1], [1, 1, 6, 6, 0.9]]}, "more.json")], records)
    assert len(found) == 3
    np.testing.assert_array_equal(found.of(records[0]), [[1, 1, 6, 6], [0, 0, 5, 5]])
    np.testing.assert_array_equal(found.of(records[2]), [[1, 2, 30, 40]])
    assert found.of(records[3]).shape == (0, 4) and found.of(records[3]).dtype == np.float32
    assert found.missing(records) == [records[1]]
    with pytest.raises(DataError, match=r"boxes.json and \S*more.json: there is no entry of .*val/0001.jpg; lhrcnn"):
        found.of(records[1])
    with pytest.raises(ValueError, match="read-only"):
        found.of(records[2])[0] = 0
    again = pickle.loads(pickle.dumps(found))  # workers get it pickled, and records that are equal but not the same
    np.testing.assert_array_equal(again.of(make_record(3, records[2].path, 100, 80, [])), [[1, 2, 30, 40]])


def test_the_line_counts_every_rule(write, records, caplog):
    rows = [[0, 0, 5, 5], [0, 0, 5, 5], [None, 0, 5, 5], [5, 5, 5, 5], [500, 0, 505, 5], [-5, 0, 50, 50], [1, 1, 9, 9],
            [2, 2, 9, 9], [3, 3, 9, 9]]
    with caplog.at_level(logging.INFO, "light_head_rcnn"):
        found = load_proposals(write({"dog": rows, "cat.v2": [], "elsewhere": rows}), records, max_per_image=4)
    assert len(found.of(records[2])) == 4
    line, = caplog.messages
    assert line.startswith("proposals: 4 boxes of 2 images from ")
    assert ("clipped: 1; left out: not finite: 1, no area: 1, outside: 1, duplicate: 1, surplus: 1; "
            "images without a box: 1; ") in line
    assert "entries of 1 images that are not in the data set, such as 'elsewhere'" in line
    assert "0.0 MB in memory (at most 0.0 MB for 4 images of 4 boxes)" in line


def test_memory_stays_within_the_bound(tmp_path, caplog):
    records = [make_record(i, f"{i:04}.jpg", 500, 400, []) for i in range(300)]
    rng = np.random.RandomState(0)
    boxes = [np.concatenate([rng.randint(0, 200, (250, 2)), rng.randint(200, 400, (250, 2))], axis=1) for _ in records]
    write_proposals(str(tmp_path / "a.npz"), [record.path for record in records], [(500, 400)] * 300, [250] * 300,
                    boxes, None, "x")
    with caplog.at_level(logging.INFO, "light_head_rcnn"):
        found = load_proposals(tmp_path / "a.npz", records, 200)
    assert found.boxes.nbytes <= 300 * 200 * 16 and "at most 1.0 MB for 300 images of 200 boxes" in caplog.text
    assert len(pickle.dumps(found)) < found.boxes.nbytes + 40 * len(records)


@pytest.mark.parametrize("content, message", [
    ({"x": [[1, 2, 3, 4]], "y": []},
     r"boxes.json: its images, such as 'x', are others than .* such as .*train/0001.jpg"),
    ({}, "boxes.json: it has no image"),
    ({"dog": [[1, 2, 3, 4]], "val/dog.jpg": []}, r"val/dog.jpg has two entries .*\('dog'\) and in .*\('val/dog.jpg'\)"),
    ({"0001": []}, "may be .*train/0001.jpg or .*val/0001.jpg"),
    ({"dog": [[1000, 2, 1010, 9], [1000, 2, 1020, 9], [1, 2, 3, 4]]}, "2 boxes, more than half, are outside"),
    ({"dog": [[0.1, 0.1, 0.5, 0.9], [0, 0, 1, 1]]}, "no coordinate is above 1; boxes must be in pixels"),
])
def test_files_about_something_else(write, records, content, message):
    with pytest.raises(DataError, match=message):
        load_proposals(write(content), records)


def test_an_image_in_two_files(write, records):
    with pytest.raises(DataError, match=r"two entries of proposals, in \S*a.json \('dog'\) and in \S*b.json \(3\)"):
        load_proposals([write({"dog": []}, "a.json"), write([{"image_id": 3, "boxes": []}], "b.json")], records)


def test_an_image_of_another_size(tmp_path, records):
    write_proposals(str(tmp_path / "a.npz"), ["dog"], [(80, 100)], [0], [], None, "x")
    with pytest.raises(DataError, match=r"found in an image of 80 x 100 pixels, but \S*dog.jpg has 100 x 80"):
        load_proposals(tmp_path / "a.npz", records)


def test_calls_that_cannot_be_carried_out(write, records):
    with pytest.raises(UsageError, match="at least 1"):
        load_proposals(write({}), records, 0)
    with pytest.raises(UsageError, match="no file of proposals is named"):
        load_proposals([], records)
