"""Folders of annotated images, as people have them."""
import json

import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.experiments.commands import main

XML = """<annotation><filename>{name}</filename><size><width>{width}</width><height>{height}</height></size>{objects}
</annotation>"""
OBJECT = """<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>
</object>"""


def write_picture(path, seed, size=(80, 60)):
    """A picture that no other seed has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.RandomState(seed).randint(0, 256, (6, 8, 3)).astype(np.uint8)
    Image.fromarray(pixels).resize(size).save(path)


@pytest.fixture
def labelimg(tmp_path):
    """Twenty photographs with XML files of LabelImg beside them, not divided: cats in all, dogs in eight."""
    root = tmp_path / "my photos"
    for index in range(20):
        write_picture(root / f"{index:02}.jpg", index)
        objects = [("cat", 5, 5, 40, 40)] + [("dog", 30, 20, 70, 55)] * (index % 5 < 2)
        (root / f"{index:02}.xml").write_text(XML.format(name=f"{index:02}.jpg", width=80, height=60, objects="".join(
            OBJECT.format(*one) for one in objects)))
    return root


@pytest.fixture
def coco(tmp_path):
    """COCO's layout with train and val, of which val has a box outside, a crowd and an image without boxes."""
    root = tmp_path / "coco"
    boxes = {"train": [[[5, 5, 30, 30]], [[10, 10, 20, 20]], [[1, 2, 3, 40]]],
             "val": [[[5, 5, 30, 30], [500, 5, 9, 9]], []]}
    for name, of_images in boxes.items():
        images, annotations = [], []
        for index, of_image in enumerate(of_images):
            write_picture(root / name / f"{index}.jpg", 100 * len(name) + index)
            images.append({"id": index, "file_name": f"{index}.jpg", "width": 80, "height": 60})
            annotations += [{"image_id": index, "category_id": 4, "bbox": box, "iscrowd": int(box[0] == 5)}
                            for box in of_image]
        (root / "annotations").mkdir(exist_ok=True)
        (root / "annotations" / f"instances_{name}.json").write_text(json.dumps(
            {"images": images, "annotations": annotations, "categories": [{"id": 4, "name": "cow"}]}))
    return root


@pytest.fixture
def lhrcnn(capsys):
    """Function that runs a command line, and returns its exit status, what it printed, and its errors."""
    def run(*words):
        capsys.readouterr()
        try:
            status = main.main([str(word) for word in words])
        except SystemExit as end:
            status = end.code
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return status, printed.out, printed.err

    return run


@pytest.fixture
def make_picture():
    """write_picture(path, seed, size=(80, 60))"""
    return write_picture
