"""Reads the projects of version 3 of the VGG Image Annotator into what its version 2 writes."""
from typing import Any, Dict, Iterator, List, Mapping, Optional

from .outlines import circle_through
from .via_entry import ViaEntry, ViaRegion

_IMAGE = 2  # the type of a file that is an image
_URL, _INLINE = 2, 4  # where a file lies
# By the number that begins the coordinates of a region: its shape's name, and what those coordinates are.
_SHAPES = {2: ("rect", ("x", "y", "width", "height")), 3: ("circle", ("cx", "cy", "r")),
           4: ("ellipse", ("cx", "cy", "rx", "ry"))}
_POLYGON, _EXTREME_RECTANGLE, _EXTREME_CIRCLE = 7, 8, 9
_POINT, _LINES = 1, {5: "line", 6: "polyline"}


def is_via3_project(content: Any) -> bool:
    """Returns whether the content of a JSON file is a project."""
    return isinstance(content, dict) and all(isinstance(content.get(key), dict) for key in ("file", "view", "metadata"))


def via3_entries(content: Mapping[str, Any]) -> Iterator[ViaEntry]:
    """Yields the images of a project with their regions."""
    attributes = _table(content.get("attribute"))
    regions: Dict[str, List[ViaRegion]] = {}  # by the file's key
    not_alone = set()
    for one in map(_table, content["metadata"].values()):
        if one.get("xy"):  # what is said of a whole image has no coordinates
            files = _files_of_view(content["view"], one.get("vid"))
            not_alone.update(files if len(files) > 1 else ())
            for file in files:
                regions.setdefault(file, []).append((_shape(one["xy"]), _named(_table(one.get("av")), attributes)))
    for key, file in content["file"].items():
        file = _table(file)
        name, place = file.get("fname"), file.get("src")
        if not isinstance(name, str) or not name:
            yield ViaEntry("?", 'lacks an "fname"', [])
        elif file.get("type", _IMAGE) != _IMAGE:
            yield ViaEntry(name, "is no image, but a video or a sound", [])
        elif key in not_alone:
            yield ViaEntry(name, "is shown together with others, and nothing tells which of them a region lies in", [])
        elif isinstance(place, str) and place and file.get("loc") not in (_URL, _INLINE):
            yield ViaEntry(place, "", regions.get(key, []), other_name=name)
        else:
            yield ViaEntry(name, "", regions.get(key, []))


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _files_of_view(views: Mapping[str, Any], number: Any) -> List[str]:
    """Returns the keys of the files that a view shows together."""
    files = _table(views.get(str(number))).get("fid_list")
    return list(map(str, files)) if isinstance(files, list) else []


def _named(values: Mapping[str, Any], attributes: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the values of a region that are stated by the names of their attributes; numbers of options become texts.
    """
    named = {}
    for number, value in values.items():
        if value in ("", None):
            continue
        attribute = _table(attributes.get(number))
        options = _table(attribute.get("options"))
        chosen = [options.get(one.strip(), one.strip()) for one in str(value).split(",")] if options else [value]
        named[str(attribute.get("aname") or number)] = ", ".join(map(str, chosen))
    return named


def _shape(xy: Any) -> Mapping[str, Any]:
    """Returns a shape as version 2 writes it; the coordinates as they stand if they are none."""
    shape = _known_shape(xy) if isinstance(xy, list) and isinstance(xy[0], int) else None
    return {"name": "?", "xy": xy} if shape is None else shape


def _known_shape(xy: List[Any]) -> Optional[Mapping[str, Any]]:
    number, *values = xy
    if number in _SHAPES:
        name, keys = _SHAPES[number]
        return {"name": name, **dict(zip(keys, values))}
    if number in (_POLYGON, _EXTREME_RECTANGLE, *_LINES):
        return {"name": _LINES.get(number, "polygon"), "all_points_x": values[0::2], "all_points_y": values[1::2]}
    if number == _POINT:
        return {"name": "point", "cx": values[0], "cy": values[1]} if len(values) == 2 else None
    if number == _EXTREME_CIRCLE:
        try:
            x, y, radius = circle_through(zip(values[0::2], values[1::2]))
        except (TypeError, ValueError, OverflowError):
            return None
        return {"name": "circle", "cx": x, "cy": y, "r": radius}
    return None
