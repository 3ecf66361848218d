"""Reads the files that the VGG Image Annotator (VIA) exports, JSON and CSV, and its projects: one for many images."""
import csv
import io
import json
import os
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional, Sequence

from ...errors import DataError
from ..assembling.raw import NoBox, RawImage, RawObject, RawSet
from ..files.text_lists import read_text
from .outlines import box_around, box_of_ellipse, is_closed
from .via3_projects import is_via3_project, via3_entries
from .via_entry import ViaEntry, ViaRegion

# Names of attributes that hold the class where a region has several attributes.
CLASS_ATTRIBUTES = ("class", "label", "type", "name", "category", "object")
# The class of regions in a file that gives no region any attribute.
ONLY_CLASS = "object"
CSV_COLUMNS = ("filename", "region_shape_attributes", "region_attributes")


def read_via_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                  counted_folder: Optional[str] = None) -> RawSet:
    """Reads an exported file or a saved project; the boxes are those around its shapes.

    The class is the attribute that is called like one of `CLASS_ATTRIBUTES`, the first of those that a region of the
    file has; in a file without any of them it is the only attribute of a region.

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
    stated = {_plain(name) for entry in entries for _, attributes in entry.regions for name in attributes}
    class_attribute = next((name for name in CLASS_ATTRIBUTES if name in stated), None)
    images = []
    for position, entry in enumerate(entries, 1):
        where = f"{annotation_file}: image {position} ({entry.name})"
        objects = [RawObject(number, _label_of(attributes, class_attribute) if stated else ONLY_CLASS, _box_of(shape),
                             stated_class=dict(attributes))
                   for number, (shape, attributes) in enumerate(entry.regions, 1)]
        stem = os.path.splitext(os.path.basename(entry.name.replace("\\", "/")))[0]
        images.append(RawImage(where, stem, entry.name, None, None, objects if with_labels else [],
                               ("image_entry_broken", f"{where} {entry.fault}") if entry.fault else None,
                               entry.other_name or None))
    return RawSet(images, "edges", tuple(image_folders), counted_folder=counted_folder)


def _json_entries(file: str) -> Iterator[ViaEntry]:
    try:
        content = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not valid JSON ({error})") from None
    if is_via3_project(content):
        yield from via3_entries(content)
        return
    if isinstance(content, dict):
        content = content.get("_via_img_metadata", content)
    if not isinstance(content, dict):
        raise DataError(f"{file}: not a file of the VGG Image Annotator, it is no table of images")
    for entry in content.values():
        if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
            yield ViaEntry("?", 'lacks a "filename"', [])
            continue
        regions = entry.get("regions") or []
        regions = list(regions.values()) if isinstance(regions, dict) else regions
        if not isinstance(regions, list):
            yield ViaEntry(entry["filename"], "has no list of regions", [])
            continue
        yield ViaEntry(entry["filename"], "", [_region(*(_table(region).get(key) for key in (
            "shape_attributes", "region_attributes"))) for region in regions])


def _csv_entries(file: str) -> Iterable[ViaEntry]:
    rows = csv.DictReader(io.StringIO(read_text(file).lstrip("#")))
    try:
        missing = [column for column in CSV_COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise DataError(f"{file}: not a file of the VGG Image Annotator, it has no column {missing[0]}")
        return _entries_of(rows)
    except csv.Error as error:  # a field that is too long, or with a NUL
        raise DataError(f"{file}, line {rows.line_num}: not a row of a table ({error})") from None


def _entries_of(rows: Iterable[Mapping[str, Any]]) -> Iterable[ViaEntry]:
    entries: Dict[str, ViaEntry] = {}
    for row in rows:
        name = row["filename"] or "?"
        regions = entries.setdefault(name, ViaEntry(name, "", [])).regions
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


def _region(shape: Any, attributes: Any) -> ViaRegion:
    """Returns a region with those of its attributes that have a value; a checkbox has the option that is ticked."""
    ticked = {name: ", ".join(map(str, (option for option, chosen in value.items() if chosen)))
              if isinstance(value, dict) else value for name, value in _table(attributes).items()}
    return _table(shape), {name: value for name, value in ticked.items() if value not in ("", None)}


def _label_of(attributes: Mapping[str, Any], class_attribute: Optional[str]) -> Optional[str]:
    """Returns the class of a region; None where its attributes do not state it.

    Args:
        attributes: those that have a value.
        class_attribute: name of the one that states the class; None where the region must have no other.
    """
    if class_attribute is None:
        return str(*attributes.values()) if len(attributes) == 1 else None
    return next((str(value) for name, value in attributes.items() if _plain(name) == class_attribute), None)


def _plain(name: str) -> str:
    return name.casefold().strip()


def _box_of(shape: Mapping[str, Any]) -> Any:
    """Returns left, top, right, bottom of the box around a shape; what is stated if that is broken."""
    kind = shape.get("name")
    try:
        if kind == "rect":
            x, y, width, height = (float(shape[key]) for key in ("x", "y", "width", "height"))
            return x, y, x + width, y + height
        if kind in ("circle", "ellipse"):
            radii = ("r", "r") if kind == "circle" else ("rx", "ry")
            return box_of_ellipse(*(float(shape[key]) for key in ("cx", "cy", *radii)), float(shape.get("theta", 0)))
        if kind == "polygon":
            return box_around(zip(*([float(value) for value in shape[f"all_points_{axis}"]] for axis in "xy")))
        if kind in ("polyline", "line"):
            points = list(zip(*([float(value) for value in shape[f"all_points_{axis}"]] for axis in "xy")))
            # Whole data sets have their outlines drawn as polylines.
            return box_around(points) if is_closed(points) else NoBox(f"it is no box, but a {kind}", box_around(points))
        if kind == "point":
            return NoBox("it is no box, but a point", 2 * (float(shape["cx"]), float(shape["cy"])))
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    return dict(shape)
