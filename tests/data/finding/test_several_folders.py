"""Sets of YOLO's whose files lie in several folders: no image of another set is among theirs, and none is missing."""
import os

import pytest
from light_head_rcnn.data import load_dataset

LINE = "0 0.5 0.5 0.25 0.25\n"


def write(build, images, labels, name):
    build.images(f"{images}/{name}.jpg")
    build.text(f"{labels}/{name}.txt", LINE)


@pytest.mark.parametrize("images, labels", [
    ("{}_{}", "{}_{}"),
    ("images/{}_{}", "labels/{}_{}"),
    ("images/{1}/{0}", "labels/{1}/{0}"),
])
def test_parts_of_a_set(build, images, labels):
    for image_set in ("train", "val"):
        for part in "12":
            write(build, images.format(image_set, part), labels.format(image_set, part), f"{image_set}-{part}")
    for image_set in ("train", "val"):
        dataset = load_dataset("auto", str(build.root), image_set)
        names = sorted(os.path.basename(record.path) for record in dataset.records)
        assert names == [f"{image_set}-1.jpg", f"{image_set}-2.jpg"] and not dataset.log.counts
        assert all(len(record.boxes) == 1 for record in dataset.records)


def test_a_part_beside_a_whole_set(build):
    for image_set in ("train2014", "train2017", "val"):
        write(build, f"images/{image_set}", f"labels/{image_set}", image_set)
    dataset = load_dataset("auto", str(build.root), "train")
    assert sorted(record.image_id for record in dataset.records) == ["train2014", "train2017"]
    assert not dataset.log.counts
