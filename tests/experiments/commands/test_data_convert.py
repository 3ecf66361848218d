"""`lhrcnn data convert`: all sets in another layout, in a new folder, or nothing."""
import os

import pytest

from light_head_rcnn.data import load_dataset
from light_head_rcnn.data.writers import voc


@pytest.mark.parametrize("layout", ["coco", "voc", "yolo"])
def test_all_sets_are_written(lhrcnn, coco, tmp_path, layout):
    status, printed, error = lhrcnn("data", "convert", coco, tmp_path / "new", "--to", layout)
    assert status == 1 and error == ""  # a box outside was left out
    assert "wrote" in printed and "train 3 images, 3 boxes, val 2 images, 1 boxes" in printed
    assert ("crowd" in printed) == (layout != "coco")
    for name, images, boxes in (("train", 3, 3), ("val", 2, 1)):
        dataset = load_dataset("auto", str(tmp_path / "new"), name)
        crowds_lost = 1 if layout == "yolo" else 0
        assert dataset.layout == layout and dataset.classes == ("cow",)
        assert (len(dataset), sum(len(record.boxes) for record in dataset.records)) == (images, boxes - crowds_lost)
    assert sorted(os.listdir(tmp_path)) == ["coco", "new"]


def test_ids_of_categories_are_kept(lhrcnn, coco, tmp_path):
    assert lhrcnn("data", "convert", coco, tmp_path / "new", "--to", "coco")[0] == 1
    assert load_dataset("auto", str(tmp_path / "new"), "train").category_ids == (4,)


@pytest.mark.parametrize("mode, links", [("link", 2), ("copy", 1)])
def test_images_are_linked_or_copied(lhrcnn, labelimg, tmp_path, mode, links):
    status, printed, _ = lhrcnn("data", "convert", labelimg, tmp_path / "new", "--to", "yolo", "--images", mode)
    assert status == 0 and "all 20 images, 28 boxes" in printed
    assert os.stat(tmp_path / "new" / "images" / "all" / "03.jpg").st_nlink == links
    assert os.stat(labelimg / "03.jpg").st_nlink == links
    assert len(load_dataset("auto", str(tmp_path / "new"), "all")) == 20


def test_no_images(lhrcnn, labelimg, tmp_path):
    assert lhrcnn("data", "convert", labelimg, tmp_path / "new", "--to", "coco", "--images", "none")[0] == 0
    assert os.listdir(tmp_path / "new") == ["annotations"]


def test_sets_that_join_others_are_not_written(lhrcnn, labelimg, tmp_path):
    assert lhrcnn("data", "split", labelimg)[0] == 0
    status, printed, _ = lhrcnn("data", "convert", labelimg, tmp_path / "new", "--to", "voc")
    assert status == 0 and "train 16 images" in printed and "all " not in printed.split("wrote")[1]
    assert sorted(os.listdir(tmp_path / "new" / "ImageSets" / "Main")) == ["train.txt", "val.txt"]


def test_what_stands_in_the_way(lhrcnn, labelimg, tmp_path):
    def error_of(out):
        status, printed, error = lhrcnn("data", "convert", labelimg, out, "--to", "coco")
        assert status == 2 and not printed
        return error

    assert "is not empty" in error_of(labelimg.parent)
    assert "is a file" in error_of(labelimg / "00.jpg")
    assert "become a part of the data set" in error_of(labelimg / "new")
    assert "00.jpg is not a folder: name another folder\n" in error_of(labelimg / "00.jpg" / "new")
    assert len(os.listdir(labelimg)) == 40 and os.listdir(tmp_path) == [labelimg.name]


def test_nothing_half_written_stays(lhrcnn, labelimg, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(voc, "_xml", fail)
    status, _, error = lhrcnn("data", "convert", labelimg, tmp_path / "new", "--to", "voc")
    assert status == 2 and "No space left" in error and os.listdir(tmp_path) == [labelimg.name]
