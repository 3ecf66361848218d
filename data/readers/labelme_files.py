"""Reads labelme's annotation files: one JSON file an image, with its shapes in pixels."""
import json
import math
import os
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

from ..assembling.meaning import as_class_name
from ..assembling.raw import NoBox, RawImage, RawObject, RawSet
from ..files.text_lists import read_text

# Labels that labelme's own tools take for no class.
IGNORED_LABELS = ("_background_", "__ignore__")


def read_labelme_files(json_files: Sequence[str], image_folders: Sequence[str], with_labels: bool = True,
                       counted_folder: Optional[str] = None) -> RawSet:
    """Reads annotation files of labelme; the boxes are those around its rectangles, polygons and circles.

    Args:
        json_files: the files.
        image_folders: where images are looked for that do not lie where their file says.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.
    """
    images = (_read_image(file, with_labels) for file in json_files)
    return RawSet(images, "edges", tuple(image_folders), counted_folder=counted_folder)


def _read_image(file: str, with_labels: bool) -> RawImage:
    stem = os.path.splitext(os.path.basename(file))[0]
    beside = os.path.splitext(os.path.abspath(file))[0]
    try:
        content = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        return RawImage(file, stem, stem, None, None, [], ("image_entry_broken", f"{file}: not valid JSON ({error})"))
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        return RawImage(file, stem, stem, None, None, [],
                        ("image_entry_broken", f'{file}: not a file of labelme, it has no list "shapes"'))
    name = _image_name(content.get("imagePath"), os.path.dirname(os.path.abspath(file)))
    objects = list(_read_shapes(content["shapes"])) if with_labels else []
    return RawImage(file, stem, name or beside, content.get("imageWidth"), content.get("imageHeight"), objects,
                    other_name=beside if name else None)


def _image_name(stated: Any, folder: str) -> Optional[str]:
    """Returns the path of the image if it lies where its annotation file says, or else the name as stated."""
    if not isinstance(stated, str) or not stated:
        return None
    path = os.path.normpath(os.path.join(folder, stated.replace("\\", "/")))
    return path if os.path.isfile(path) else stated


def _read_shapes(shapes: Sequence[Any]) -> Iterator[RawObject]:
    for position, shape in enumerate(shapes, 1):
        shape = shape if isinstance(shape, dict) else {}
        label = shape.get("label")
        if label in IGNORED_LABELS:
            continue
        flags: Dict[str, Any] = shape["flags"] if isinstance(shape.get("flags"), dict) else {}
        yield RawObject(position, as_class_name(label), _box_of(shape),
                        difficult=flags.get("difficult"), crowd=flags.get("crowd", flags.get("iscrowd")),
                        stated_class=label)


def _box_of(shape: Dict[str, Any]) -> Any:
    """Returns left, top, right, bottom of the box around a shape; a shape that has no area as it stands."""
    kind, points = shape.get("shape_type", "polygon"), shape.get("points")
    try:
        x, y = zip(*((float(px), float(py)) for px, py in points))
    except (TypeError, ValueError, OverflowError):
        return points
    if kind in ("point", "points", "line", "linestrip"):
        return NoBox(f"it is no box, but a {kind}", (min(x), min(y), max(x), max(y)))
    if kind == "circle":
        return _box_of_circle(x, y)
    return min(x), min(y), max(x), max(y)


def _box_of_circle(x: Tuple[float, ...], y: Tuple[float, ...]) -> Any:
    """Returns the box around a circle that is given by its centre and a point on it."""
    if len(x) != 2:
        return list(zip(x, y))
    radius = math.hypot(x[1] - x[0], y[1] - y[0])
    return x[0] - radius, y[0] - radius, x[0] + radius, y[0] + radius
