"""Reads proposals from JSON: a mapping or a list of images, or boxes as COCO's results have them."""
import json
import re
from array import array
from typing import Any, Dict, Iterator, List, Tuple, Union

import numpy as np

from ...errors import DataError
from ..files.text_lists import read_text
from .entry import Entries, check_count, make_entry

_SPACE = re.compile(r"[ \t\n\r]*")
_NAMES = ("image", "file_name", "image_id", "name")
_LAYOUTS = ('write {"photo.jpg": [[x1, y1, x2, y2], ...], ...}, '
            '[{"image": "photo.jpg", "boxes": [[x1, y1, x2, y2], ...], "scores": [...]}, ...] or '
            '[{"image_id": 7, "bbox": [x, y, width, height], "score": 0.5}, ...]')
_decoder = json.JSONDecoder()


def read_json_proposals(file: str) -> Entries:
    """Yields the images of a JSON file; the text is in memory, and the boxes of one image at a time.

    Three layouts are read: a mapping from names of images to rows (x1, y1, x2, y2) or (x1, y1, x2, y2, score), or to
    {"boxes": rows, "scores": list}; a list of {"image" or "file_name" or "image_id": name, "boxes": rows, "scores":
    list}; and COCO's results, a list of {"image_id", "bbox": [x, y, width, height], "score"}.

    Raises:
        DataError: it is none of these, or no valid JSON.
    """
    text = read_text(file).lstrip("\ufeff")
    try:
        if text.lstrip()[:1] == "{":
            for name, value in _members(text):
                yield _entry(file, name, value)
        else:
            yield from _listed(file, text)
    except json.JSONDecodeError as error:
        raise DataError(f"{file}, line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})") from None
    except RecursionError:
        raise DataError(f"{file}: lists in lists without end; {_LAYOUTS}") from None


def _entry(file: str, name: Union[int, str], value: Any) -> Any:
    if isinstance(value, dict):
        if "boxes" not in value:
            raise DataError(f'{file}: image {name!r} has no "boxes"; {_LAYOUTS}')
        return make_entry(file, name, value["boxes"], value.get("scores"))
    return make_entry(file, name, value)


def _listed(file: str, text: str) -> Entries:
    results: Dict[Union[int, str], array] = {}
    for number, value in enumerate(_items(text), 1):
        keys = [key for key in _NAMES if isinstance(value, dict) and key in value]
        name = value[keys[0]] if keys else None
        if type(name) not in (int, str) or not {"boxes", "bbox"} & set(value):
            raise DataError(f"{file}: entry {number} has no name of an image, or no boxes; {_LAYOUTS}")
        if "boxes" in value:
            yield _entry(file, name, value)
            continue
        rows = results.setdefault(name, array("d"))
        rows.extend(_row_of_result(file, number, value))
        check_count(f"{file}: image {name!r}", len(rows) // 5)
    for name in list(results):
        rows = np.frombuffer(results.pop(name), np.float64).reshape(-1, 5)
        without_scores = np.isnan(rows[:, 4]).all()
        yield make_entry(file, name, rows[:, :4] if without_scores else rows)


def _row_of_result(file: str, number: int, value: Dict[str, Any]) -> List[float]:
    """The box of a result of COCO with inclusive ends, and its score, or NaN."""
    try:
        x, y, width, height = map(float, value["bbox"])
        return [x, y, x + width - 1, y + height - 1, float(value.get("score", "nan"))]
    except (TypeError, ValueError, OverflowError):
        raise DataError(f'{file}: entry {number}: "bbox" must be [x, y, width, height], and "score" a number') from None


def _members(text: str) -> Iterator[Tuple[str, Any]]:
    """Yields the keys and values of the mapping that a text is."""
    place, end = _after(text, 0, "{"), "}"
    while not text.startswith(end, place):
        key, place = _decoder.raw_decode(text, place)
        if not isinstance(key, str):
            raise json.JSONDecodeError("a name in double quotes is expected", text, place)
        value, place = _decoder.raw_decode(text, _after(text, place, ":"))
        yield key, value
        place = _after_value(text, place, end)
    _expect_end(text, place)


def _items(text: str) -> Iterator[Any]:
    """Yields the values of the list that a text is."""
    place, end = _after(text, 0, "["), "]"
    while not text.startswith(end, place):
        value, place = _decoder.raw_decode(text, place)
        yield value
        place = _after_value(text, place, end)
    _expect_end(text, place)


def _after(text: str, place: int, sign: str) -> int:
    """Returns the place of what comes after a sign, which must be next."""
    place = _SPACE.match(text, place).end()
    if not text.startswith(sign, place):
        raise json.JSONDecodeError(f"{sign!r} is expected", text, place)
    return _SPACE.match(text, place + 1).end()


def _after_value(text: str, place: int, end: str) -> int:
    """Returns the place of the next value, after a comma, or of the end."""
    place = _SPACE.match(text, place).end()
    if text.startswith(end, place):
        return place
    following = _after(text, place, ",")
    if text.startswith(end, following):
        raise json.JSONDecodeError("a value is expected after the comma", text, following)
    return following


def _expect_end(text: str, place: int) -> None:
    if _SPACE.match(text, place + 1).end() != len(text):
        raise json.JSONDecodeError("nothing more is expected", text, place + 1)
