"""Loads annotation files in COCO's format, of any size and in any encoding of Unicode, without their polygons."""
import codecs
import json
import os
from typing import Any, Dict, List, NamedTuple

from ...errors import DataError
from ..files.opening import read_regular
from ..garbage import no_looks_for_garbage

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
                     (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Entry(NamedTuple):
    """What is kept of an annotation: most of a file are polygons, which nothing here needs.

    Attributes:
        image_id, category_id, iscrowd, area: as the file states them; None where it does not.
        bbox: the same; where it states none, the box around the polygons.
        difficult: the same; COCO itself does not have it, data sets that come from Pascal VOC do.
    """

    image_id: Any
    category_id: Any
    bbox: Any
    iscrowd: Any
    area: Any
    difficult: Any


def load_coco_json(file: str) -> Dict[str, Any]:
    """Returns the content of a file, in which each annotation is an `Entry`.

    Raises:
        DataError: it cannot be read, or it is no JSON object; the message names the line.
    """
    try:
        data = read_regular(file)
    except OSError as error:
        raise DataError(f"{file}: the annotation file cannot be read ({error.strerror})") from None
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
        del data
        with no_looks_for_garbage():
            content = json.loads(text, object_hook=_shorten)
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: byte {error.start} is not valid {encoding.upper()}; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{file}, line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: not valid JSON ({error})") from None
    if not isinstance(content, dict):
        raise DataError(f'{file}: not an annotation file in COCO\'s format, it has no list "images"')
    return content


def list_of(content: Dict[str, Any], key: str, file: str) -> List[Any]:
    """Returns a list in the content of a file; DataError where there is none."""
    if not isinstance(content.get(key), list):
        raise DataError(f'{os.fspath(file)}: not an annotation file in COCO\'s format, it has no list "{key}"')
    return content[key]


def _shorten(entry: Dict[str, Any]) -> Any:
    if "image_id" in entry and "file_name" not in entry:
        return Entry(entry["image_id"], entry.get("category_id"), entry.get("bbox") or _box_around(entry),
                     entry.get("iscrowd"), entry.get("area"), entry.get("difficult"))
    return entry


def _box_around(entry: Dict[str, Any]) -> Any:
    """Returns x, y, width, height of the box around the polygons of an annotation; `bbox` where it has none."""
    polygons = entry.get("segmentation")
    try:
        x, y = ([float(number) for polygon in polygons for number in polygon[start::2]] for start in (0, 1))
        return [min(x), min(y), max(x) - min(x), max(y) - min(y)]
    except (TypeError, ValueError, KeyError, OverflowError):
        return entry.get("bbox")
