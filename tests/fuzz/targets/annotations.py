"""Annotation files of every layout that is read, in a folder with two images."""
import json
from pathlib import Path
from typing import Callable, Dict, List, Sequence

from PIL import Image
from target import Target

_COCO = {"images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30},
                    {"id": 2, "file_name": "b.png", "width": 40, "height": 30}],
         "categories": [{"id": 1, "name": "cat", "supercategory": "animal"}, {"id": 3, "name": "dog"}],
         "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 12.5], "area": 120,
                          "iscrowd": 0},
                         {"id": 2, "image_id": 2, "category_id": 3, "segmentation": [[1, 1, 9, 1, 9, 9]]}]}
_VOC = """<annotation><folder>x</folder><filename>a.png</filename><size><width>40</width><height>30</height>
<depth>3</depth></size><object><name>cat</name><difficult>0</difficult><bndbox><xmin>3</xmin><ymin>4</ymin><xmax>20
</xmax><ymax>25</ymax></bndbox></object></annotation>"""
_CVAT = """<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version><meta><task/></meta>
<image id="0" name="a.png" subset="train" width="40" height="30"><box label="cat" xtl="1" ytl="2" xbr="20" ybr="22"
rotation="10"><attribute name="difficult">false</attribute></box><polygon label="dog" points="1,1;9,1;9,9"/>
<ellipse label="dog" cx="9" cy="9" rx="3" ry="4"/><mask label="cat" left="1" top="1" width="3" height="3" rle="1"/>
</image><image id="1" name="b.png" width="40" height="30"></image></annotations>"""
_LABELME = {"version": "5.0", "imagePath": "a.png", "imageWidth": 40, "imageHeight": 30, "shapes": [
    {"label": "cat", "points": [[1, 1], [20, 20]], "shape_type": "rectangle", "flags": {"difficult": False}},
    {"label": "dog", "points": [[9, 9], [12, 9]], "shape_type": "circle", "flags": {}}]}
_VIA = {"a.png123": {"filename": "a.png", "size": 123, "regions": [
    {"shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 9, "height": 9},
     "region_attributes": {"class": "cat"}},
    {"shape_attributes": {"name": "polygon", "all_points_x": [1, 9, 9], "all_points_y": [1, 1, 9]},
     "region_attributes": {"class": {"dog": True}}}], "file_attributes": {}}}
_VIA_3 = {"project": {"pid": "x"}, "config": {}, "attribute": {"1": {"aname": "class", "options": {"1": "cat"}}},
          "file": {"1": {"fid": "1", "fname": "a.png", "type": 2, "loc": 1, "src": "a.png"}},
          "metadata": {"1_a": {"vid": "1", "xy": [2, 1, 2, 9, 9], "av": {"1": "1"}}, "1_b": {
              "vid": "1", "xy": [7, 1, 1, 9, 1, 9, 9], "av": {"1": "1"}}}, "view": {"1": {"fid_list": ["1"]}}}
_VIA_CSV = ('filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n'
            'a.png,123,"{}",1,0,"{""name"":""rect"",""x"":1,""y"":2,""width"":9,""height"":9}","{""class"":""cat""}"\n')
_CREATEML = [{"image": "a.png", "annotations": [
    {"label": "cat", "coordinates": {"x": 9, "y": 9, "width": 5, "height": 5}}]},
             {"image": "b.png", "annotations": []}]
_LABELSTUDIO = [{"id": 1, "data": {"image": "/data/upload/1/0a1b2c3d-a.png"}, "annotations": [{"result": [
    {"id": "x", "type": "rectanglelabels", "original_width": 40, "original_height": 30, "value": {
        "x": 5, "y": 5, "width": 20, "height": 20, "rotation": 3, "rectanglelabels": ["cat"]}}]}]},
    {"id": 2, "image": "b.png", "label": [{"x": 5, "y": 5, "width": 9, "height": 9, "rectanglelabels": ["dog"]}]}]
_BDD = [{"name": "a.png", "labels": [{"category": "cat", "box2d": {"x1": 1, "y1": 2, "x2": 9, "y2": 9},
                                     "attributes": {"crowd": False}}]}, {"name": "b.png", "labels": None}]
_SUPERVISELY = {"size": {"width": 40, "height": 30}, "objects": [
    {"classTitle": "cat", "geometryType": "rectangle", "points": {"exterior": [[1, 1], [9, 9]], "interior": []}},
    {"classTitle": "dog", "geometryType": "bitmap", "bitmap": {"origin": [3, 3], "data":
        "eJzrDPBz5+WS4mJgYOD19HAJAtKCQMzIwQwkZxs6WgMpBiYnL8Y0BgYGAHmFBcE="}}]}
_CSV = "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,40,30,cat,1,2,9,9\nb.png,40,30,dog,3,3,8,8\n"
_WHOLE_BOXES = 'image_id,width,height,bbox,source\na,40,30,"[1.0, 2, 9, 9]",x\nb,40,30,,x\n'
_RETINANET = "a.png,1,2,9,9,cat\nb.png,,,,,\n"
_KITTI = ("Car 0.00 0 -1.57 1.00 2.00 20.50 22.00 1.6 1.5 3.7 1.0 1.5 25.0 -1.5\n"
          "DontCare -1 -1 -10 30.00 5.00 39.00 9.00 -1 -1 -1 -1000 -1000 -1000 -10\n")
_VISDRONE = "1,2,20,20,1,4,0,1\n3,3,9,9,0,10,1,2,\n30,5,9,4,0,0,0,0\n"
_WIDERFACE = "0--x/a.png\n2\n1 2 20 20 0 0 0 0 0 0 \n3 3 9 9 2 1 0 1 2 0 \n0--x/b.png\n0\n0 0 0 0 0 0 0 0 0 0 \n"
_OPENIMAGES = ("ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf\n"
               "a,xclick,/m/0k4j,1,0.25,0.5,0.1,0.75,0,0,1\nb,xclick,/m/011k07,1,0,1,0,1,0,0,0\n")
_CLASS_DESCRIPTIONS = '/m/0k4j,Car\n/m/011k07,"Tortoise, large"\n'
_DATA_YAML = "path: .\ntrain: images\nval: images\nnc: 2\nnames: [cat, dog]\n"
_DATA_YAML_2 = "train: ../images\nnames:\n  0: cat\n  1: dog\nkpt_shape: [1, 2]\n"


def _images(*names: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 30), (90, 20, 200)).save(folder / name)

    return prepare


def _yolo(labels: bool) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        _images("images/a.png", "images/b.png")(folder)
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "labels" / "b.txt").write_text("1 0.5 0.5 0.2 0.2\n")
        if labels:
            (folder / "data.yaml").write_text(_DATA_YAML)
        else:
            (folder / "labels" / "a.txt").write_text("0 0.5 0.5 0.25 0.5\n")

    return prepare


def _labels_in(folder_of_labels: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        _images("image_2/a.png", "image_2/b.png")(folder)
        (folder / folder_of_labels).mkdir(exist_ok=True)

    return prepare


def _table_of_openimages(folder: Path) -> None:
    _images("train/a.png", "train/b.png")(folder)
    (folder / "train-annotations-bbox.csv").write_text(_OPENIMAGES)


def read(folder: Path) -> object:
    """Finds a data set in a folder and reads its sets."""
    from light_head_rcnn import data
    from light_head_rcnn.data.finding.finder import find_sets
    found = find_sets(folder)
    for name in list(found.sets)[:2]:
        dataset = data.load_dataset("auto", str(folder), name)
        dataset.summary()
        dataset.report()
        for record in dataset.records[:2]:
            data.read_image(record)
    return found


def _texts(*contents: object) -> Callable[[], List[bytes]]:
    def seeds() -> Sequence[bytes]:
        return [(one if isinstance(one, str) else json.dumps(one)).encode() for one in contents]

    return seeds


_TWO = _images("a.png", "b.png")


def _voc_list(folder: Path) -> None:
    _images("JPEGImages/a.png", "JPEGImages/b.png")(folder)
    for name in ("Annotations", "ImageSets/Main"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "Annotations" / "a.xml").write_text(_VOC)


TARGETS: Dict[str, Target] = {
    "coco": Target("annotations/instances_train.json", _texts(_COCO), read, lambda folder: (
        _images("train/a.png", "train/b.png")(folder), (folder / "annotations").mkdir(exist_ok=True))),
    "voc": Target("a.xml", _texts(_VOC), read, _TWO),
    "voc_list": Target("ImageSets/Main/train.txt", _texts("a\nb\n", "a.png 1\nb -1\n"), read, _voc_list),
    "cvat": Target("annotations.xml", _texts(_CVAT), read, _TWO),
    "labelme": Target("a.json", _texts(_LABELME), read, _TWO),
    "via": Target("via.json", _texts(_VIA, _VIA_3), read, _TWO),
    "via_csv": Target("via.csv", _texts(_VIA_CSV), read, _TWO),
    "createml": Target("createml.json", _texts(_CREATEML), read, _TWO),
    "labelstudio": Target("labelstudio.json", _texts(_LABELSTUDIO), read, _TWO),
    "bdd": Target("bdd.json", _texts(_BDD), read, _TWO),
    "supervisely": Target("ann/a.png.json", _texts(_SUPERVISELY), read, lambda folder: (
        _images("img/a.png", "img/b.png")(folder), (folder / "ann").mkdir(exist_ok=True))),
    "kitti": Target("label_2/a.txt", _texts(_KITTI), read, _labels_in("label_2")),
    "visdrone": Target("annotations/a.txt", _texts(_VISDRONE), read, _labels_in("annotations")),
    "widerface": Target("wider_face_split/wider_face_train_bbx_gt.txt", _texts(_WIDERFACE), read, lambda folder: (
        _images("WIDER_train/0--x/a.png", "WIDER_train/0--x/b.png")(folder),
        (folder / "wider_face_split").mkdir(exist_ok=True))),
    "openimages": Target("train-annotations-bbox.csv", _texts(_OPENIMAGES), read,
                         _images("train/a.png", "train/b.png")),
    "openimages_names": Target("class-descriptions-boxable.csv", _texts(_CLASS_DESCRIPTIONS), read,
                               _table_of_openimages),
    "csv": Target("boxes.csv", _texts(_CSV, _RETINANET, _WHOLE_BOXES), read, _TWO),
    "yolo_labels": Target("labels/a.txt", _texts("0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.9 0.1 0.9 0.9\n"), read, _yolo(True)),
    "yolo_yaml": Target("data.yaml", _texts(_DATA_YAML, _DATA_YAML_2), read, _yolo(False)),
    "class_names": Target("classes.txt", _texts("cat\ndog\n"), read, _yolo(False)),
}
