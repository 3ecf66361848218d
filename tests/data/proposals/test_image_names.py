"""Which image a name means: by file name, stem, path and id; and names that fit two images."""
import os

import pytest

from light_head_rcnn.data import make_record
from light_head_rcnn.data.proposals import ImageNames, names_of
from light_head_rcnn.errors import DataError


@pytest.mark.parametrize("name, expected", [
    ("dog.jpg", "val/dog.jpg"), ("dog", "val/dog.jpg"), (" dog\n", "val/dog.jpg"), ("cat.v2", "val/cat.v2.png"),
    (3, "val/dog.jpg"), ("3", "val/dog.jpg"),  # ids of COCO, as numbers and as texts
    ("train/0001.jpg", "train/0001.jpg"), ("val/0001", "val/0001.jpg"), ("./val/0001.jpg", "val/0001.jpg"),
    ("pets/train/0001.jpg", "train/0001.jpg"), ("val\\0001.jpg", "val/0001.jpg"),
    ("/data/pets/val/0001.jpg", "val/0001.jpg"), ("/home/ann/photos/val/0001.jpg", "val/0001.jpg"),
    ("D:\\photos\\val\\dog.jpg", "val/dog.jpg"),
    # A relative path of other folders is another image, and so is another extension.
    ("test/dog.jpg", None), ("data/val/dog.jpg", None), ("dog.png", None), ("cat", None), ("", None), ("/", None),
    ("..", None), (7, None), ("007", None), ("a/" * 40 + "dog.jpg", None),
])
def test_the_image_that_is_meant(records, name, expected):
    found = ImageNames(records).find("boxes.json", name)
    assert found == (expected and f"/data/pets/{expected}")


@pytest.mark.parametrize("name", ["0001.jpg", "0001"])
def test_a_name_that_fits_two_images(records, name):
    with pytest.raises(DataError, match=rf"boxes.json: the image {name!r} may be \S*train/0001.jpg or \S*val/0001.jpg"):
        ImageNames(records).find("boxes.json", name)


def test_a_stem_that_is_the_id_of_another_image():
    records = [make_record(2, "1.jpg", 9, 9, []), make_record(1, "2.jpg", 9, 9, [])]
    with pytest.raises(DataError, match="may be .*1.jpg or .*2.jpg"):
        ImageNames(records).find("x", "1")
    assert ImageNames(records).find("x", 1) == "2.jpg"  # a whole number is an id only
    same = [make_record("1", "1.jpg", 9, 9, []), make_record("1", "1.jpg", 9, 9, [])]
    assert ImageNames(same).find("x", "1") == "1.jpg"


def test_paths_of_records_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record = make_record(1, "photos/a.jpg", 9, 9, [])
    for name in ("photos/a.jpg", "a.jpg", str(tmp_path / "photos" / "a.jpg"), f"{tmp_path.name}/photos/a"):
        assert ImageNames([record]).find("x", name) == "photos/a.jpg"


def test_names_are_relative_to_the_data_set(records, tmp_path):
    record = make_record(1, str(tmp_path / "set" / "train" / "a.jpg"), 9, 9, [])
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "labels.json").touch()
    for root in (tmp_path / "set", tmp_path / "set" / "labels.json"):
        assert names_of([record], root) == ["train/a.jpg"]
    assert names_of([record, records[0]], tmp_path / "set") == [record.path.replace(os.sep, "/"), records[0].path]
    for one in (record, records[0]):
        name, = names_of([one], "/data/pets")
        assert ImageNames([one]).find("x", name) == one.path
