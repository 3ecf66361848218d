"""`lhrcnn data crops`: every labelled object as an image of its own, by class."""
import os

import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.data import load_dataset, read_image
from light_head_rcnn.data.classification import read_image_folder


def test_objects_by_class(lhrcnn, labelimg, tmp_path):
    status, printed, _ = lhrcnn("data", "crops", labelimg, tmp_path / "new")
    assert status == 0 and "all: cat 20, dog 8" in printed
    found = read_image_folder(str(tmp_path / "new" / "all"))
    assert found.classes == ("cat", "dog") and found.counts() == [20, 8]
    record = load_dataset("auto", str(labelimg), "all").records[3]
    left, top, right, bottom = record.boxes[0].astype(int)
    expected = read_image(record)[top:bottom + 1, left:right + 1].astype(int)
    crop = np.asarray(Image.open(tmp_path / "new" / "all" / "cat" / "03.jpg")).astype(int)
    assert crop.shape == expected.shape and np.abs(crop - expected).mean() < 3


def test_crowds_faults_and_sets(lhrcnn, coco, tmp_path):
    status, printed, _ = lhrcnn("data", "crops", coco, tmp_path / "new", "--least-side", "5")
    assert status == 1  # a box outside was left out
    assert "train: cow 1" in printed and "val: cow 0" in printed  # the crowds are no objects
    assert "left out: 1 objects with a side shorter than 5 pixels" in printed
    assert os.listdir(tmp_path / "new" / "train") == ["cow"] and os.listdir(tmp_path / "new") == ["train"]


@pytest.mark.parametrize("margin, size", [(0, (36, 36)), (0.5, (59, 59))])
def test_margins(lhrcnn, labelimg, tmp_path, margin, size):
    assert lhrcnn("data", "crops", labelimg, tmp_path / "new", "--margin", margin)[0] == 0
    width, height = Image.open(tmp_path / "new" / "all" / "cat" / "02.jpg").size
    assert abs(width - size[0]) <= 1 and abs(height - size[1]) <= 1


def test_two_objects_of_an_image_and_an_unreadable_one(lhrcnn, labelimg, tmp_path):
    text = (labelimg / "00.xml").read_text()
    (labelimg / "00.xml").write_text(text.replace(">dog<", ">cat<"))
    (labelimg / "07.jpg").write_bytes((labelimg / "07.jpg").read_bytes()[:300])
    status, printed, _ = lhrcnn("data", "crops", labelimg, tmp_path / "new")
    assert {"00.jpg", "00-2.jpg"} <= set(os.listdir(tmp_path / "new" / "all" / "cat"))
    assert status in (0, 1) and "wrote" in printed


def test_what_stands_in_the_way(lhrcnn, labelimg, tmp_path):
    def error_of(*words):
        status, printed, error = lhrcnn("data", "crops", labelimg, *words)
        assert status == 2 and not printed
        return error

    assert "is not empty" in error_of(labelimg.parent)
    assert "become a part of the data set" in error_of(labelimg / "new")
    assert "--margin is -1.0" in error_of(tmp_path / "new", "--margin", "-1")
    assert os.listdir(tmp_path) == [labelimg.name]
