"""Small data sets in both layouts, written to a temporary folder, for tests to break."""
import errno
import json
import os

import numpy as np
import pytest
from PIL import Image


def write_image(path, width, height, seed=0):
    """A smooth picture, so that JPEG and resizing change it little."""
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x * 200 // width, y * 200 // height, (x + y + 40 * seed) % 256 // 2], axis=-1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(str(path), quality=95)


@pytest.fixture
def make_image():
    """write_image(path, width, height, seed=0)"""
    return write_image


class CocoTree:
    """A COCO data set of three images; change `content` and call `write`."""

    def __init__(self, root):
        self.root = root
        self.content = {
            "images": [{"id": 7, "file_name": "a.jpg", "width": 60, "height": 40},
                       {"id": 3, "file_name": "b.jpg", "width": 40, "height": 60},
                       {"id": 5, "file_name": "c.jpg", "width": 50, "height": 50}],
            # Ids with gaps and out of order, as in COCO.
            "categories": [{"id": 9, "name": "dog"}, {"id": 2, "name": "cat"}],
            "annotations": [
                {"id": 11, "image_id": 7, "category_id": 9, "bbox": [10, 5, 20, 30], "iscrowd": 0, "area": 600},
                {"id": 12, "image_id": 7, "category_id": 2, "bbox": [0, 0, 60, 40], "iscrowd": 1, "area": 2400},
                {"id": 13, "image_id": 3, "category_id": 2, "bbox": [1.5, 2.5, 8, 9], "area": 72}],
        }
        for index, image in enumerate(self.content["images"]):
            write_image(root / "train" / image["file_name"], image["width"], image["height"], index)

    @property
    def file(self):
        return self.root / "annotations" / "instances_train.json"

    def write(self):
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(json.dumps(self.content))
        return self.root


@pytest.fixture
def coco_tree(tmp_path):
    tree = CocoTree(tmp_path / "coco")
    tree.write()
    return tree


XML = """<annotation><folder>x</folder><filename>elsewhere.png</filename>
<size><width>{}</width><height>{}</height><depth>3</depth></size>{}</annotation>"""
OBJECT = """<object><name>{}</name><difficult>{}</difficult><bndbox>
<xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>
<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part></object>"""


class VocTree:
    """A VOC data set of three images of 60 x 40 pixels in the set "train"."""

    def __init__(self, root):
        self.root = root
        self.objects = {"a": [("dog", 0, 1, 1, 60, 40), ("cat", 1, 11, 6, 30, 35)], "b": [("person", 0, 5, 5, 5, 5)],
                        "c": []}
        self.size = (60, 40)
        self.lines = ["a", "b", "c"]
        for index, stem in enumerate("abc"):
            write_image(root / "JPEGImages" / (stem + ".jpg"), 60, 40, index)

    def xml(self, stem):
        return self.root / "Annotations" / (stem + ".xml")

    def write(self):
        for folder in ("Annotations", "ImageSets/Main"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        for stem, objects in self.objects.items():
            self.xml(stem).write_text(XML.format(*self.size, "".join(OBJECT.format(*o) for o in objects)))
        (self.root / "ImageSets/Main/train.txt").write_text("".join(line + "\n" for line in self.lines))
        return self.root


@pytest.fixture
def voc_tree(tmp_path):
    tree = VocTree(tmp_path / "voc")
    tree.write()
    return tree


@pytest.fixture
def forbid(monkeypatch):
    """Returns a function after which a folder cannot be listed, whoever runs the tests."""
    forbidden, scandir = set(), os.scandir

    def listed(path="."):
        if os.path.realpath(path) in forbidden:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", listed)
    return lambda folder: forbidden.add(os.path.realpath(folder))
