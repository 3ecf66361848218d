"""Reads BDD100K's annotation files (Scalabel's format): one JSON file for many images."""
import os
from typing import Any, Dict, Optional, Sequence

from ..assembling.meaning import as_class_name
from ..assembling.raw import RawImage, RawObject, RawSet
from .json_lists import load_json_list

_CORNERS = ("x1", "y1", "x2", "y2")


def read_bdd_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                  counted_folder: Optional[str] = None) -> RawSet:
    """Reads an annotation file; the boxes are its `box2d`.

    Labels without one, such as drivable areas and lanes, are of other tasks and are not read.

    Args:
        annotation_file: the file.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.

    Raises:
        DataError: it is not valid JSON, or no list.
    """
    images = [_read_image(annotation_file, position, entry if isinstance(entry, dict) else {}, with_labels)
              for position, entry in enumerate(load_json_list(annotation_file, "BDD100K"), 1)]
    return RawSet(images, "corners", tuple(image_folders), counted_folder=counted_folder)


def _read_image(file: str, position: int, entry: Dict[str, Any], with_labels: bool) -> RawImage:
    name, labels = entry.get("name"), entry.get("labels") or []
    where = f"{file}: image {position} ({name})"
    if not isinstance(name, str) or not name:
        return RawImage(where, position, "?", None, None, [], ("image_entry_broken", f'{where} lacks a "name"'))
    image = RawImage(where, os.path.splitext(os.path.basename(name))[0], name, None, None, [])
    if not isinstance(labels, list):
        return image._replace(fault=("image_entry_broken", f"{where} has no list of labels"))
    return image._replace(objects=[_read_object(number, one) for number, one in enumerate(labels, 1)
                                   if isinstance(one, dict) and one.get("box2d") is not None] if with_labels else [])


def _read_object(position: int, one: Dict[str, Any]) -> RawObject:
    box, label = one["box2d"], one.get("category")
    attributes = one["attributes"] if isinstance(one.get("attributes"), dict) else {}
    complete = isinstance(box, dict) and all(key in box for key in _CORNERS)
    return RawObject(position, as_class_name(label), [box[key] for key in _CORNERS] if complete else box,
                     crowd=attributes.get("crowd"), stated_class=label)
