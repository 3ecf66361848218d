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

    def via3(self, path, labels_of_image):
        files = {str(number): {"fid": str(number), "fname": name, "type": 2, "loc": 1, "src": ""}
                 for number, name in enumerate(labels_of_image, 1)}
        regions = [(number, label) for number, labels in enumerate(labels_of_image.values(), 1) for label in labels]
        self.json(path, {
            "project": {"pid": "__VIA_PROJECT_ID__", "pname": "x", "vid_list": list(files)}, "config": {},
            "attribute": {"1": {"aname": "kind", "anchor_id": "FILE1_Z0_XY1", "type": 1, "options": {}}}, "file": files,
            "metadata": {f"{number}_{i}": {"vid": str(number), "flg": 0, "z": [], "xy": [2, 10, 20, 21, 21],
                                           "av": {"1": label}} for i, (number, label) in enumerate(regions)},
            "view": {key: {"fid_list": [key]} for key in files}})

    def cvat(self, path, labels_of_image, subset_of_image=()):
        """Writes CVAT's XML; takes the labels of the boxes of each image by name, and subsets by name."""
        images = ""
        for number, (name, labels) in enumerate(labels_of_image.items()):
            subset = f'subset="{subset_of_image[name]}" task_id="1" ' if subset_of_image else ""
            boxes = "".join(f'<box label="{label}" source="manual" occluded="0" xtl="10.00" ytl="20.00" xbr="31.00" '
                            'ybr="41.00" z_order="0"></box>' for label in labels)
            images += (f'<image id="{number}" name="{name}" {subset}width="{WIDTH}" height="{HEIGHT}">{boxes}</image>')
        self.text(path, '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>'
                        f"<task><name>x</name></task></meta>{images}</annotations>")

    def createml(self, path, labels_of_image):
        box = {"x": 20.5, "y": 30.5, "width": 21, "height": 21}
        self.json(path, [{"image": name, "annotations": [{"label": label, "coordinates": box} for label in labels]}
                         for name, labels in labels_of_image.items()])

    def labelstudio(self, path, labels_of_image, minimal=False):
        """Writes the export JSON or JSON-MIN of images that were uploaded."""
        box = {"x": 1000 / WIDTH, "y": 2000 / HEIGHT, "width": 2100 / WIDTH, "height": 2100 / HEIGHT, "rotation": 0}
        size = {"original_width": WIDTH, "original_height": HEIGHT}
        content = []
        for number, (name, labels) in enumerate(labels_of_image.items(), 1):
            shapes = [{**box, "rectanglelabels": [label]} for label in labels]
            image = {"image": f"/data/upload/1/{name}"}
            results = [{"id": str(i), "type": "rectanglelabels", "value": shape, **size}
                       for i, shape in enumerate(shapes)]
            content.append({**image, "id": number, "label": [{**shape, **size} for shape in shapes], "annotator": 1,
                            "annotation_id": number} if minimal else {
                "id": number, "data": image, "predictions": [],
                "annotations": [{"id": 1, "was_cancelled": False, "result": results}]})
        self.json(path, content)

    def supervisely(self, path, *labels):
        self.json(path, {"description": "", "tags": [], "size": {"height": HEIGHT, "width": WIDTH}, "objects": [
            {"id": 1, "geometryType": "rectangle", "tags": [], "classTitle": label,
             "points": {"exterior": [[10, 20], [30, 40]], "interior": []}} for label in labels]})

    def bdd(self, path, labels_of_image):
        box = {"x1": 10, "y1": 20, "x2": 30, "y2": 40}
        self.json(path, [{"name": name, "attributes": {"weather": "clear"}, "timestamp": 1000, "labels": [
            {"id": "1", "category": label, "attributes": {}, "box2d": box} for label in labels]}
            for name, labels in labels_of_image.items()])

    def kitti(self, path, *labels):
        lines = [f"{label} 0.00 0 -1.57 10.00 20.00 30.00 40.00 1.6 1.5 3.7 1.0 1.5 25.0 -1.5" for label in labels]
        self.text(path, "\n".join([*lines, "DontCare -1 -1 -10 5.00 5.00 9.00 9.00 -1 -1 -1 -1000 -1000 -1000 -10"]))

    def visdrone(self, path, *categories):
        self.text(path, "".join(f"10,20,21,21,1,{category},0,0\n" for category in categories) + "1,2,3,4,0,0,0,0,\n")

    def widerface(self, path, counts):
        """Writes the list; takes how many faces each image has by its name."""
        face, none = "10 20 21 21 0 0 0 0 0 0 \n", "0 0 0 0 0 0 0 0 0 0 \n"
        self.text(path, "".join(f"{name}\n{count}\n{face * count or none}" for name, count in counts.items()))

    def openimages(self, path, labels_of_image, ids):
        """Writes the table of boxes; takes the id of each label."""
        box = f"{10 / WIDTH},{31 / WIDTH},{20 / HEIGHT},{41 / HEIGHT}"
        rows = [f"{name},xclick,{ids[label]},1,{box},0,0,0,0,0" for name, labels in labels_of_image.items()
                for label in labels]
        self.text(path, "\n".join(["ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,"
                                   "IsGroupOf,IsDepiction,IsInside", *rows]))

    def csv(self, path, labels_of_image):
        rows = [f"{name},{WIDTH},{HEIGHT},{label},10,20,30,40" for name, labels in labels_of_image.items()
                for label in labels]
        self.text(path, "\n".join(["filename,width,height,class,xmin,ymin,xmax,ymax", *rows]))


@pytest.fixture
def build(tmp_path):
    return Builder(tmp_path / "data")
