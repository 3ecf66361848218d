"""Small folders of annotated images, as the tools leave them."""
import json

import pytest
from PIL import Image

BOX = (10, 20, 30, 40)  # x1, y1, x2, y2: pixels counted from 0, inclusive ends
WIDTH, HEIGHT = 60, 80


class Builder:
    """Writes files under a folder; all images have one size, and all objects one box."""

    def __init__(self, root):
        self.root = root

    def _place(self, path):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def text(self, path, text=""):
        self._place(path).write_text(text)

    def json(self, path, content):
        self.text(path, json.dumps(content))

    def images(self, *paths):
        for path in paths:
            Image.new("RGB", (WIDTH, HEIGHT)).save(self._place(path))

    def coco(self, path, labels_of_image, categories=("cat", "dog")):
        """Writes COCO's JSON; takes the labels of the boxes of each image by file name."""
        ids = {name: number for number, name in enumerate(categories, 1)}
        images = [{"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT}
                  for number, name in enumerate(labels_of_image, 1)]
        boxes = [{"id": 1, "image_id": image, "category_id": ids[label], "bbox": [10, 20, 21, 21], "area": 441,
                  "iscrowd": 0} for image, labels in enumerate(labels_of_image.values(), 1) for label in labels]
        self.json(path, {"info": {}, "licenses": [], "images": images, "annotations": boxes,
                         "categories": [{"id": number, "name": name} for name, number in ids.items()]})

    def xml(self, path, *labels, filename="x.jpg"):
        objects = "".join(f"<object><name>{label}</name><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>31</xmax>"
                          "<ymax>41</ymax></bndbox></object>" for label in labels)
        self.text(path, f"<annotation><filename>{filename}</filename><path>C:\\x\\{filename}</path>{objects}"
                        "</annotation>")

    def yolo(self, path, *numbers):
        box = f"{20.5 / WIDTH} {30.5 / HEIGHT} {21 / WIDTH} {21 / HEIGHT}"
        self.text(path, "".join(f"{number} {box}\n" for number in numbers))

    def labelme(self, path, *labels, image="x.jpg"):
        shapes = [{"label": label, "points": [[10, 20], [31, 41]], "shape_type": "rectangle", "flags": {}}
                  for label in labels]
        self.json(path, {"version": "5.0.1", "flags": {}, "shapes": shapes, "imagePath": image,
                         "imageData": "A" * 20000, "imageHeight": HEIGHT, "imageWidth": WIDTH})

    def via(self, path, labels_of_image):
        shape = {"name": "rect", "x": 10, "y": 20, "width": 21, "height": 21}
        self.json(path, {f"{name}1": {"filename": name, "size": 1, "file_attributes": {}, "regions": [
            {"shape_attributes": shape, "region_attributes": {"kind": label}} for label in labels]}
            for name, labels in labels_of_image.items()})

    def csv(self, path, labels_of_image):
        rows = [f"{name},{WIDTH},{HEIGHT},{label},10,20,30,40" for name, labels in labels_of_image.items()
                for label in labels]
        self.text(path, "\n".join(["filename,width,height,class,xmin,ymin,xmax,ymax", *rows]))


@pytest.fixture
def build(tmp_path):
    return Builder(tmp_path / "data")
