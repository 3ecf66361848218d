"""Tells annotation files apart by what is in them, reading only their beginnings and ends."""
import csv
import os
import re
from typing import List, Optional

from ..readers import csv_files, via_files
from ..text_lists import decode

_BYTES = 8192  # read at the beginning and at the end
_KEY = re.compile(r'"([^"\\]{1,40})"\s*:')


def json_kind(file: str) -> Optional[str]:
    """Returns "coco", "labelme" or "via", or None for a JSON file of another kind."""
    text = _both_ends(file)
    if not text.lstrip().startswith("{"):
        return None
    keys = set(_KEY.findall(text))
    if "_via_img_metadata" in keys or {"filename", "regions"} <= keys or {"filename", "file_attributes"} <= keys:
        return "via"
    if ("shapes" in keys and keys & {"imagePath", "version", "flags", "shape_type"}) or "imageData" in keys:
        return "labelme"
    # Large files show little of themselves: what images or annotations have, or what begins a file of COCO's.
    in_coco = (("images" in keys and keys & {"categories", "annotations", "file_name"})
               or {"annotations", "categories"} <= keys or {"image_id", "category_id"} <= keys
               or {"image_id", "bbox"} <= keys or {"file_name", "id"} <= keys)
    is_other_coco = "segments_info" in keys or ("caption" in keys and "category_id" not in keys)
    return "coco" if in_coco and not is_other_coco else None


def is_voc_xml(file: str) -> bool:
    """Returns whether an XML file describes one image as Pascal VOC's do."""
    return re.search(r"<(\w+:)?annotation[\s>]", _beginning(file)) is not None


def csv_kind(file: str) -> Optional[str]:
    """Returns "via" or "csv" (a box a row), or None for another table."""
    columns: List[str] = next(csv.reader(_beginning(file).lstrip("#").splitlines()[:1]), [])
    for kind, wanted in (("via", via_files.CSV_COLUMNS), ("csv", csv_files.CSV_COLUMNS)):
        if set(wanted) <= set(columns):
            return kind
    return None


def _beginning(file: str) -> str:
    try:
        with open(file, "rb") as stream:
            return decode(stream.read(_BYTES), cut_off=True)
    except OSError:
        return ""


def _both_ends(file: str) -> str:
    text = _beginning(file)
    try:
        size = os.path.getsize(file)
        if size > _BYTES:
            with open(file, "rb") as stream:
                stream.seek(max(_BYTES, size - _BYTES) // 2 * 2)  # where a character of UTF-16 begins
                text += "\n" + decode(stream.read(), cut_off=True)
    except OSError:
        pass
    return text
