"""Reads Supervisely's annotation files: one JSON file an image, in a folder `ann` beside the images' folder `img`."""
import base64
import binascii
import json
import os
import struct
import zlib
from typing import Any, Mapping, Optional, Sequence

from ..assembling.meaning import as_class_name
from ..assembling.raw import NoBox, RawImage, RawObject, RawSet
from ..files.text_lists import read_text
from .outlines import box_around

IMAGE_FOLDER = "img"
_PNG_HEADER = struct.Struct(">8s4x4sII")  # the signature, and width and height in the first chunk


def read_supervisely_files(json_files: Sequence[str], image_folders: Sequence[str], with_labels: bool = True,
                           counted_folder: Optional[str] = None) -> RawSet:
    """Reads annotation files; the boxes are those around rectangles, polygons and bitmaps.

    Args:
        json_files: the files, named after their images: `photo.jpg.json`, or `photo.json`.
        image_folders: where images are looked for that do not lie in the folder `img` beside that of their file.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.
    """
    images = (_read_image(file, with_labels) for file in json_files)
    return RawSet(images, "corners", tuple(image_folders), counted_folder=counted_folder)


def _read_image(file: str, with_labels: bool) -> RawImage:
    name = os.path.basename(file)[:-len(".json")]
    stem = os.path.splitext(name)[0]
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(file))), IMAGE_FOLDER)
    path = os.path.join(folder, name)
    image = RawImage(file, stem, path if os.path.isfile(path) else name, None, None, [])
    try:
        content = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        return image._replace(fault=("image_entry_broken", f"{file}: not valid JSON ({error})"))
    if not isinstance(content, dict) or not isinstance(content.get("objects"), list):
        return image._replace(fault=("image_entry_broken",
                                     f'{file}: not a file of Supervisely, it has no list "objects"'))
    size = content["size"] if isinstance(content.get("size"), dict) else {}
    objects = [_read_object(position, one if isinstance(one, dict) else {})
               for position, one in enumerate(content["objects"] if with_labels else (), 1)]
    return image._replace(width=size.get("width"), height=size.get("height"), objects=objects)


def _read_object(position: int, one: Mapping[str, Any]) -> RawObject:
    label = one.get("classTitle")
    return RawObject(position, as_class_name(label), _box_of(one), stated_class=label)


def _box_of(one: Mapping[str, Any]) -> Any:
    """Returns x1, y1, x2, y2 in pixels with inclusive ends; what is stated if that is broken."""
    kind = one.get("geometryType", one.get("type"))
    try:
        if kind == "bitmap" or (kind is None and one.get("bitmap")):
            return _box_of_bitmap(one["bitmap"])
        box = box_around((float(x), float(y)) for x, y in one["points"]["exterior"])
        return box if kind in ("rectangle", "polygon", None) else NoBox(f"it is no box, but a {kind}", box)
    except (KeyError, TypeError, ValueError, OverflowError, zlib.error, binascii.Error, struct.error):
        return one.get("points") if kind in ("rectangle", "polygon", None) else NoBox(f"it is a {kind} without a box")


def _box_of_bitmap(bitmap: Mapping[str, Any]) -> Any:
    """Returns the box of a mask: where it lies is stated, its size is that of a PNG image within."""
    x, y = map(float, bitmap["origin"])
    png = zlib.decompressobj().decompress(base64.b64decode(bitmap["data"]), _PNG_HEADER.size)
    _, _, width, height = _PNG_HEADER.unpack(png)
    return x, y, x + width - 1, y + height - 1
