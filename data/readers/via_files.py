"""Reads the files that the VGG Image Annotator (VIA 1 and 2) exports, JSON and CSV: one file for many images."""
import csv
import io
import json
import math
import os
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ...errors import DataError
from ..raw import RawImage, RawObject, RawSet
from ..text_lists import read_text

# Names of attributes that hold the class where a region has several attributes.
CLASS_ATTRIBUTES = ("class", "label", "type", "name", "category", "object")
# The class of regions in a file that gives no region any attribute.
ONLY_CLASS = "object"
CSV_COLUMNS = ("filename", "region_shape_attributes", "region_attributes")

# The shape and the attributes of a region.
Region = Tuple[Mapping[str, Any], Mapping[str, Any]]


def read_via_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                  counted_folder: Optional[str] = None) -> RawSet:
    """Reads an exported file or a saved project; the boxes are those around its shapes.

    The class is the region's attribute, if it has one, or that which is called like one of `CLASS_ATTRIBUTES`.

    Args:
        annotation_file: JSON or CSV.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.

    Raises:
        DataError: the file is not one of the annotator.
    """
    is_csv = annotation_file.lower().endswith(".csv")
    entries = list((_csv_entries if is_csv else _json_entries)(annotation_file))
    nameless = not any(attributes for _, _, regions in entries for _, attributes in regions)
    images = []
    for position, (name, fault, regions) in enumerate(entries, 1):
        where = f"{annotation_file}: image {position} ({name})"
        objects = [_read_object(number, region, nameless) for number, region in enumerate(regions, 1)]
        stem = os.path.splitext(os.path.basename(name.replace("\\", "/")))[0]
        images.append(RawImage(where, stem, name, None, None, objects if with_labels else [],
                               ("image_entry_broken", f"{where} {fault}") if fault else None))
    return RawSet(images, "edges", tuple(image_folders), counted_folder=counted_folder)


# What is read of one image: its name, what is wrong with its entry or "", and its regions.
Entry = Tuple[str, str, List[Region]]


def _json_entries(file: str) -> Iterator[Entry]:
    try:
        content = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not valid JSON ({error})") from None
    if isinstance(content, dict):
        content = content.get("_via_img_metadata", content)
    if not isinstance(content, dict):
        raise DataError(f"{file}: not a file of the VGG Image Annotator, it is no table of images")
    for entry in content.values():
        if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
            yield "?", 'lacks a "filename"', []
            continue
        regions = entry.get("regions") or []
        regions = list(regions.values()) if isinstance(regions, dict) else regions
        if not isinstance(regions, list):
            yield entry["filename"], "has no list of regions", []
            continue
        yield entry["filename"], "", [_region(*(_table(region).get(key) for key in (
            "shape_attributes", "region_attributes"))) for region in regions]


def _csv_entries(file: str) -> Iterable[Entry]:
    rows = csv.DictReader(io.StringIO(read_text(file).lstrip("#")))
    missing = [column for column in CSV_COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise DataError(f"{file}: not a file of the VGG Image Annotator, it has no column {missing[0]}")
    entries: Dict[str, Entry] = {}
    for row in rows:
        _, _, regions = entries.setdefault(row["filename"] or "?", (row["filename"] or "?", "", []))
        shape = _parse(row["region_shape_attributes"])
        if shape:  # an image without regions has a row, too
            regions.append(_region(shape, _parse(row["region_attributes"])))
    return entries.values()


def _parse(text: Optional[str]) -> Any:
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {"name": text}


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _region(shape: Any, attributes: Any) -> Region:
    """Returns a region with those of its attributes that have a value; a checkbox has the option that is ticked."""
    ticked = {name: ", ".join(map(str, (option for option, chosen in value.items() if chosen)))
              if isinstance(value, dict) else value for name, value in _table(attributes).items()}
    return _table(shape), {name: value for name, value in ticked.items() if value not in ("", None)}


def _read_object(position: int, region: Region, nameless: bool) -> RawObject:
    shape, attributes = region
    label = ONLY_CLASS if nameless else None
    if len(attributes) == 1:
        label = str(next(iter(attributes.values()))).strip()
    elif attributes:
        by_name = {name.casefold().strip(): value for name, value in attributes.items()}
        label = next((str(by_name[name]).strip() for name in CLASS_ATTRIBUTES if name in by_name), None)
    return RawObject(position, label, _box_of(shape), stated_class=dict(attributes))


def _box_of(shape: Mapping[str, Any]) -> Any:
    """Returns left, top, right, bottom of the box around a shape; a shape that has no area as it stands."""
    kind = shape.get("name")
    try:
        if kind == "rect":
            x, y, width, height = (float(shape[key]) for key in ("x", "y", "width", "height"))
            return x, y, x + width, y + height
        if kind in ("circle", "ellipse"):
            x, y = float(shape["cx"]), float(shape["cy"])
            rx, ry = (float(shape[key]) for key in (("r", "r") if kind == "circle" else ("rx", "ry")))
            if kind == "ellipse":
                rx, ry = _turned_radii(rx, ry, float(shape.get("theta", 0)))
            return x - rx, y - ry, x + rx, y + ry
        if kind == "polygon":
            x, y = ([float(value) for value in shape[f"all_points_{axis}"]] for axis in "xy")
            return min(x), min(y), max(x), max(y)
    except (KeyError, TypeError, ValueError):
        pass
    return dict(shape)


def _turned_radii(rx: float, ry: float, angle: float) -> Tuple[float, float]:
    """Returns half the width and half the height of the box around an ellipse that is turned by an angle in radians."""
    return (math.hypot(rx * math.cos(angle), ry * math.sin(angle)),
            math.hypot(rx * math.sin(angle), ry * math.cos(angle)))
