"""Tells annotation files apart by what is in them, reading only their beginnings and ends."""
import csv
import os
import re
from typing import List, Optional, Set

from ..files.opening import open_regular, size_of
from ..files.text_lists import decode
from ..readers import csv_files, kitti_files, openimages_files, via_files, visdrone_files, widerface_files

_BYTES = 8192  # read at the beginning and at the end
_KEY = re.compile(r'"([^"\\]{1,40})"\s*:')
# By what a JSON file is that is known, but not read: the keys that it has.
_OTHER_JSON = {
    "detections in COCO's result format": {"image_id", "category_id", "bbox", "score"},
    "COCO's captions": {"image_id", "caption"},
    "COCO's panoptic segmentation": {"image_id", "segments_info"},
    "a project of VoTT": {"assets", "asset"},
    "an export of Labelbox": {"data_row"},
    "an export of Darwin (V7)": {"item", "slots"},
    "an export of SuperAnnotate": {"metadata", "instances"},
    "an export of Datumaro": {"categories", "items"},
    "Cityscapes' polygons": {"imgHeight", "imgWidth", "objects"},
    "the description of a Supervisely project": {"classes", "tags", "shape"},
    "a map (GeoJSON)": {"features", "geometry"},
}


def json_kind(file: str) -> Optional[str]:
    """Returns the layout of a JSON file, such as "coco", "labelme" or "via"; None for one of another kind."""
    text = _both_ends(file)
    keys = set(_KEY.findall(text))
    beginning = text.lstrip()[:1]
    if beginning == "[":
        return _kind_of_list(keys)
    return _kind_of_table(keys) if beginning == "{" else None


def _kind_of_list(keys: Set[str]) -> Optional[str]:
    if {"data", "annotations"} <= keys and keys & {"result", "predictions", "was_cancelled"} or (
            {"annotation_id", "annotator"} <= keys):
        return "labelstudio"
    if {"data", "completions"} <= keys:  # before version 1 of Label Studio
        return "labelstudio"
    if {"image", "annotations"} <= keys or {"imagefilename", "annotation"} <= keys:
        return "createml"
    if {"name", "labels"} <= keys and keys & {"box2d", "timestamp", "videoName"}:
        return "bdd100k"
    return None


def _kind_of_table(keys: Set[str]) -> Optional[str]:
    if "_via_img_metadata" in keys or {"filename", "regions"} <= keys or {"filename", "file_attributes"} <= keys or (
            "vid_list" in keys or "fid_list" in keys):
        return "via"
    if ("shapes" in keys and keys & {"imagePath", "version", "flags", "shape_type"}) or "imageData" in keys:
        return "labelme"
    if {"objects", "size"} <= keys and keys & {"tags", "classTitle"}:
        return "supervisely"
    # Large files show little of themselves: what images or annotations have, or what begins a file of COCO's.
    in_coco = (("images" in keys and keys & {"categories", "annotations", "file_name"})
               or {"annotations", "categories"} <= keys or {"image_id", "category_id"} <= keys
               or {"image_id", "bbox"} <= keys or {"file_name", "id"} <= keys)
    is_other_coco = "segments_info" in keys or ("caption" in keys and "category_id" not in keys)
    return "coco" if in_coco and not is_other_coco else None


def known_but_not_read(file: str) -> str:
    """Returns what a file is whose format is known but not read, in a few words; "" where it is not known."""
    if not size_of(file):
        return "an empty file"
    if _beginning(file).startswith("version https://git-lfs"):
        return "a pointer of Git LFS: git lfs pull fetches the file"
    extension = os.path.splitext(file)[1].lower()
    if extension == ".csv" and "VGG Image Annotator" in _beginning(file):
        return "a table of version 3 of the VGG Image Annotator; save the project as JSON instead"
    if extension != ".json":
        return ""
    keys = set(_KEY.findall(_both_ends(file)))
    return next((name for name, wanted in _OTHER_JSON.items() if wanted <= keys), "")


def is_voc_xml(file: str) -> bool:
    """Returns whether an XML file describes one image as Pascal VOC's do."""
    return re.search(r"<(\w+:)?annotation[\s>]", _beginning(file)) is not None


def is_cvat_xml(file: str) -> bool:
    """Returns whether an XML file is CVAT's own, which describes many images."""
    text = _beginning(file)
    return "<annotations>" in text and re.search(r"<(meta|image|track)[\s>]", text) is not None


def csv_kind(file: str) -> Optional[str]:
    """Returns "via", "openimages" or "csv" (a box a row), or None for another table."""
    text = _beginning(file)
    try:
        columns: List[str] = next(csv.reader(text.lstrip("#").splitlines()[:1]), [])
    except csv.Error:
        return None
    if set(via_files.CSV_COLUMNS) <= set(columns):
        return "via"
    if openimages_files.COLUMNS <= set(columns):
        return "openimages"
    return "csv" if csv_files.table_of(text) else None


def text_kind(file: str) -> Optional[str]:
    """Returns "kitti", "visdrone" or "widerface", or None for another text file; YOLO's are told elsewhere."""
    text = _beginning(file)
    for layout, fits in (("kitti", kitti_files.is_kitti_text), ("visdrone", visdrone_files.is_visdrone_text),
                         ("widerface", widerface_files.is_widerface_text)):
        if fits(text):
            return layout
    return None


def _beginning(file: str) -> str:
    try:
        with open_regular(file) as stream:
            return decode(stream.read(_BYTES), cut_off=True)
    except OSError:
        return ""


def _both_ends(file: str) -> str:
    text = _beginning(file)
    try:
        size = size_of(file)
        if size > _BYTES:
            with open_regular(file) as stream:
                stream.seek(max(_BYTES, size - _BYTES) // 2 * 2)  # where a character of UTF-16 begins
                text += "\n" + decode(stream.read(), cut_off=True)
    except OSError:
        pass
    return text
