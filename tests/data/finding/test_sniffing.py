import json

import pytest
from light_head_rcnn.data.finding.sniffing import (
    csv_kind,
    is_cvat_xml,
    is_voc_xml,
    json_kind,
    known_but_not_read,
    text_kind,
)

IMAGE = {"id": 1, "file_name": "a.jpg", "width": 5, "height": 5}
BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}
CATEGORY = {"id": 1, "name": "cat"}
LARGE = "x" * 50000


@pytest.mark.parametrize("content, kind", [
    ({"images": [IMAGE], "annotations": [BOX], "categories": [CATEGORY]}, "coco"),
    ({"images": [IMAGE], "categories": [CATEGORY]}, "coco"),
    ({"images": [], "annotations": [], "categories": []}, "coco"),
    ({"info": {"description": LARGE}, "images": [IMAGE], "annotations": [BOX] * 500, "categories": [CATEGORY]}, "coco"),
    ({"categories": [CATEGORY] * 2000, "licenses": LARGE, "images": [IMAGE] * 1000}, "coco"),
    ({"version": "5", "flags": {}, "shapes": [], "imagePath": "a.jpg", "imageData": None}, "labelme"),
    ({"flags": {}, "imageData": LARGE, "imageHeight": 5, "imagePath": "a.jpg", "shapes": []}, "labelme"),
    ({"version": "5", "shapes": [{"label": "a", "points": [[1, 2]] * 5000, "shape_type": "polygon"}]}, "labelme"),
    ({"a.jpg1": {"filename": "a.jpg", "size": 1, "regions": [], "file_attributes": {}}}, "via"),
    ({"_via_settings": {"x": LARGE}, "_via_img_metadata": {}}, "via"),
    ({"project": {"pid": "x", "vid_list": ["1"] * 9000}, "file": {}, "metadata": {}, "view": {}}, "via"),
    ({"description": "", "tags": [], "size": {"height": 1, "width": 1}, "objects": []}, "supervisely"),
    ([{"image": "a.jpg", "annotations": []}], "createml"), ([{"imagefilename": "a.jpg", "annotation": []}], "createml"),
    ([{"id": 1, "annotations": [{"result": []}], "data": {"image": "a.jpg"}}] * 5, "labelstudio"),
    ([{"id": 1, "completions": [], "data": {"image": "a.jpg"}}], "labelstudio"),
    ([{"image": "a.jpg", "annotator": 1, "annotation_id": 1, "x": LARGE}], "labelstudio"),
    ([{"name": "a.jpg", "timestamp": 1, "labels": []}], "bdd100k"), ([{"name": "a", "labels": []}], None),
    ([BOX], None), ({"images": [IMAGE], "annotations": [{"image_id": 1, "caption": "a"}]}, None), ({}, None),
    ({"images": [IMAGE], "annotations": [{"image_id": 1, "segments_info": []}], "categories": [CATEGORY]}, None),
    ({"name": "package", "version": "1.0"}, None),
])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_kinds_of_json_files(tmp_path, content, kind, encoding):
    (tmp_path / "a.json").write_text(json.dumps(content), encoding=encoding)
    assert json_kind(str(tmp_path / "a.json")) == kind


@pytest.mark.parametrize("text, expected", [
    ("<annotation><object/></annotation>", True), ('<?xml version="1.0"?>\n<annotation verified="yes">', True),
    ('<v:annotation xmlns:v="x">', True), ("<annotations>", False), ("", False)])
def test_kinds_of_xml_files(tmp_path, text, expected):
    (tmp_path / "a.xml").write_text(text)
    assert is_voc_xml(str(tmp_path / "a.xml")) is expected


@pytest.mark.parametrize("text, expected", [
    ('<?xml version="1.0"?>\n<annotations>\n<version>1.1</version><meta><task>', True), ("<annotations><image ", True),
    ("<annotations><track>", True), ("<annotations><version>1.1</version>", False), ("<annotation><meta>", False)])
def test_kinds_of_cvat_files(tmp_path, text, expected):
    (tmp_path / "a.xml").write_text(text)
    assert is_cvat_xml(str(tmp_path / "a.xml")) is expected


@pytest.mark.parametrize("name, text, expected", [
    ("a.json", json.dumps([{**BOX, "score": 0.5}]), "detections in COCO's result format"),
    ("a.json", json.dumps({"images": [IMAGE], "annotations": [{"image_id": 1, "caption": "a"}]}), "COCO's captions"),
    ("a.json", json.dumps({"assets": {"x": {"asset": {"name": "a.jpg"}, "regions": []}}}), "a project of VoTT"),
    ("a.json", "", "an empty file"), ("a.xml", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
                                      "a pointer of Git LFS: git lfs pull fetches the file"),
    ("a.json", "{}", ""), ("a.csv", "# Exported using VGG Image Annotator\n", "a table of version 3 of the VGG Image "
     "Annotator; save the project as JSON instead"), ("a.csv", "a,b", ""), ("a.txt", "VGG Image Annotator", "")])
def test_what_is_known_but_not_read(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    assert known_but_not_read(str(tmp_path / name)) == expected


@pytest.mark.parametrize("text, expected", [
    ("filename,width,height,class,xmin,ymin,xmax,ymax\n", "csv"), ("\ufefffilename,class,xmin,ymin,xmax,ymax", "csv"),
    ("#filename,file_size,region_shape_attributes,region_attributes\n", "via"), ("a,b\n", None), ("", None),
    ("ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded\n", "openimages"),
    ("ImageID,Source,LabelName,Confidence\n", None)])
def test_kinds_of_tables(tmp_path, text, expected):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert csv_kind(str(tmp_path / "a.csv")) == expected


@pytest.mark.parametrize("text, expected", [
    ("Car 0.00 0 -1.57 10.00 20.00 30.00 40.00 1.6 1.5 3.7 1.0 1.5 25.0 -1.5\n", "kitti"),
    ("684,8,273,116,0,0,0,0\n", "visdrone"), ("a/b.jpg\n1\n1 2 3 4 0 0 0 0 0 0\n", "widerface"),
    ("0 0.5 0.5 0.1 0.1\n", None), ("a.jpg\nb.jpg\n", None), ("", None)])
def test_kinds_of_text_files(tmp_path, text, expected):
    (tmp_path / "a.txt").write_text(text)
    assert text_kind(str(tmp_path / "a.txt")) == expected
