"""Reads Label Studio's exports JSON and JSON-MIN: one file for many images, with shapes in percent of the image."""
import math
import os
import posixpath
import re
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import parse_qs, urlsplit

from ..assembling.meaning import as_class_name
from ..assembling.raw import NoBox, RawImage, RawObject, RawSet
from .json_lists import load_json_list
from .outlines import box_around, box_of_ellipse, box_of_turned_rectangle

# What an image is called in most projects.
_IMAGE_KEYS = ("image", "img", "photo", "picture")
_LOOKS_LIKE_AN_IMAGE = re.compile(r"\.(jpe?g|jfif|png|bmp|gif|webp|tiff?)($|[?#])", re.IGNORECASE)
_UPLOAD = re.compile(r"^[0-9a-f]{8}-")  # what the server puts before the names of files that were uploaded


def read_labelstudio_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                          counted_folder: Optional[str] = None) -> RawSet:
    """Reads an export; the boxes are those around its rectangles, polygons and ellipses.

    Where several people labelled an image, the annotation that is marked as ground truth is read, or else the first. An
    image that nobody labelled, or that was skipped, has no entry.

    Args:
        annotation_file: the file.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.

    Raises:
        DataError: it is not valid JSON, or no list.
    """
    images, several = [], 0
    for position, task in enumerate(load_json_list(annotation_file, "Label Studio"), 1):
        image, answers = _read_task(annotation_file, position, task if isinstance(task, dict) else {})
        several += answers > 1
        images.append(image if with_labels else image._replace(objects=[]))
    notes = (f"{annotation_file}: several people labelled {several} images; the ground truth among their annotations "
             "is read, or else the first",) if several else ()
    return RawSet(images, "centre_fractions", tuple(image_folders), counted_folder=counted_folder, notes=notes)


def _read_task(file: str, position: int, task: Mapping[str, Any]) -> Tuple[RawImage, int]:
    """Returns the image of an entry, and how many annotations of it there are."""
    is_full = isinstance(task.get("data"), dict)
    stated = _image_of(task["data"] if is_full else task)
    where = f"{file}: task {task.get('id', position)} ({stated or 'without an image'})"
    if stated is None:
        return RawImage(where, position, "?", None, None, [], ("image_entry_broken", f"{where} names no image")), 0
    name, other = _file_names(stated)
    image = RawImage(where, os.path.splitext(os.path.basename(name))[0], name, None, None, [], other_name=other)
    if not is_full:
        return _with_shapes(image, list(_shapes_of_min_entry(task))), 1
    answers = [one for one in _list(task.get("annotations", task.get("completions")))
               if isinstance(one, dict) and not one.get("was_cancelled")]
    if not answers:
        return image._replace(fault=("image_without_entry", f"{where} was not labelled, or was skipped")), 0
    answer = next((one for one in answers if one.get("ground_truth")), answers[0])
    results = [one for one in _list(answer.get("result")) if isinstance(one, dict)]
    return _with_shapes(image, list(_shapes_of_results(results))), len(answers)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _image_of(data: Mapping[str, Any]) -> Optional[str]:
    """Returns what an entry states of its image: the value that is called so, or the first that looks like one."""
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    named = [texts[key] for key in _IMAGE_KEYS if key in texts]
    return next(iter([*named, *filter(_LOOKS_LIKE_AN_IMAGE.search, texts.values())]), None)


def _file_names(stated: str) -> Tuple[str, Optional[str]]:
    """Returns the name of an image's file, and another that it may have, or None.

    Stated are `/data/upload/1/0a1b2c3d-name.jpg`, of which the folder means nothing and the file may have its first
    name again, `/data/local-files/?d=folder/name.jpg`, addresses, and paths.
    """
    path = stated.replace("\\", "/")
    try:
        parts = urlsplit(path)
        local = parse_qs(parts.query).get("d")
    except ValueError:  # no address, such as http://[
        return path, posixpath.basename(path) or None
    if "/local-files" in parts.path and local:
        path = local[0].replace("\\", "/")
    elif parts.scheme and parts.netloc:
        path = parts.path.lstrip("/")
    base = posixpath.basename(path)
    if "upload/" in path or _UPLOAD.match(base):
        first = _UPLOAD.sub("", base)
        return base, first if first != base else None
    return path, base if base != path else None


def _shapes_of_results(results: Sequence[Mapping[str, Any]]) -> Iterator[Dict[str, Any]]:
    """Yields the shapes of an annotation, those of one region joined: its shape and its label may be apart."""
    regions: Dict[Any, Dict[str, Any]] = {}
    for position, one in enumerate(results):
        if isinstance(one.get("value"), dict):
            region = regions.setdefault(str(one.get("id", position)), {})
            for key, value in {**one, **one["value"]}.items():
                region.setdefault(key, value)
    yield from regions.values()


def _shapes_of_min_entry(task: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    for value in task.values():
        for one in value if isinstance(value, list) else ():
            if isinstance(one, dict) and any(key.endswith("labels") for key in one):
                yield one


def _with_shapes(image: RawImage, shapes: Sequence[Mapping[str, Any]]) -> RawImage:
    objects: List[RawObject] = []
    sized = next((one for one in shapes if "original_width" in one), {})
    for position, shape in enumerate(shapes, 1):
        if not any(key in shape for key in ("x", "points", "vertices", "rle")):
            continue  # a choice or a text about the whole image
        labels = next((value for key, value in shape.items() if key.endswith("labels") and isinstance(value, list)), [])
        objects.append(RawObject(position, as_class_name(labels[0]) if labels else None, _box_of(shape),
                                 stated_class=labels))
    return image._replace(objects=objects, width=sized.get("original_width"), height=sized.get("original_height"))


def _box_of(shape: Mapping[str, Any]) -> Any:
    """Returns centre x, centre y, width and height as fractions of the image; what is stated if that is broken."""
    if "rle" in shape or "vertices" in shape:
        return NoBox("it is no box, but a " + ("mask painted with a brush" if "rle" in shape else "vector"))
    if "keypointlabels" in shape:
        return NoBox("it is no box, but a keypoint")
    if shape.get("image_rotation"):
        return NoBox(f"the image was turned by {shape['image_rotation']} degrees when it was labelled")
    try:
        left, top, right, bottom = _edges_in_percent(shape)
    except (KeyError, TypeError, ValueError, OverflowError):
        return {key: shape.get(key) for key in ("x", "y", "width", "height", "rotation", "points") if key in shape}
    return (left + right) / 200, (top + bottom) / 200, (right - left) / 100, (bottom - top) / 100


def _edges_in_percent(shape: Mapping[str, Any]) -> Tuple[float, ...]:
    if "points" in shape:
        return box_around((float(x), float(y)) for x, y in shape["points"])
    x, y, angle = float(shape["x"]), float(shape["y"]), math.radians(float(shape.get("rotation") or 0))
    # A turned shape keeps its form in pixels, not in percent.
    x_unit, y_unit = (float(shape["original_width"]), float(shape["original_height"])) if angle else (1., 1.)
    if "radiusX" in shape:
        edges = box_of_ellipse(x * x_unit, y * y_unit, float(shape["radiusX"]) * x_unit,
                               float(shape["radiusY"]) * y_unit, angle)
    else:
        right, bottom = x + float(shape["width"]), y + float(shape["height"])
        edges = box_of_turned_rectangle((x * x_unit, y * y_unit, right * x_unit, bottom * y_unit), angle,
                                        (x * x_unit, y * y_unit))
    return tuple(value / unit for value, unit in zip(edges, (x_unit, y_unit, x_unit, y_unit)))
