"""Reads Create ML's annotation files: one JSON file for many images, with boxes by their centres."""
import os
from typing import Any, Iterator, List, Optional, Sequence

from ..assembling.meaning import as_class_name
from ..assembling.raw import RawImage, RawObject, RawSet
from .json_lists import load_json_list

# The two spellings of Apple's documentation; all tools write the first.
NAME_KEYS, ANNOTATION_KEYS = ("image", "imagefilename"), ("annotations", "annotation")
_COORDINATES = ("x", "y", "width", "height")


def read_createml_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                       counted_folder: Optional[str] = None) -> RawSet:
    """Reads an annotation file in pixels, or in fractions of the image where no number in it is above 1.

    Args:
        annotation_file: the file.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.

    Raises:
        DataError: it is not valid JSON, or no list.
    """
    images = [_read_image(annotation_file, position, entry)
              for position, entry in enumerate(load_json_list(annotation_file, "Create ML"), 1)]
    boxes = [one.box for image in images for one in image.objects if isinstance(one.box, list)]
    in_fractions = bool(boxes) and all(isinstance(value, (int, float)) and 0 <= value <= 1
                                       for box in boxes for value in box)
    notes = (f"{annotation_file}: its boxes are taken as fractions of the image, no number is above 1",) \
        if in_fractions else ()
    if not with_labels:
        images = [image._replace(objects=[]) for image in images]
    return RawSet(images, "centre_fractions" if in_fractions else "centre", tuple(image_folders),
                  counted_folder=counted_folder, notes=notes)


def _read_image(file: str, position: int, entry: Any) -> RawImage:
    entry = entry if isinstance(entry, dict) else {}
    name = next((entry[key] for key in NAME_KEYS if key in entry), None)
    objects = next((entry[key] for key in ANNOTATION_KEYS if key in entry), [])
    where = f"{file}: image {position} ({name})"
    if not isinstance(name, str) or not name:
        return RawImage(where, position, "?", None, None, [], ("image_entry_broken", f'{where} lacks an "image"'))
    stem = os.path.splitext(os.path.basename(name.replace("\\", "/")))[0]
    if not isinstance(objects, list):
        return RawImage(where, stem, name, None, None, [],
                        ("image_entry_broken", f"{where} has no list of annotations"))
    return RawImage(where, stem, name, None, None, list(_read_objects(objects)))


def _read_objects(objects: List[Any]) -> Iterator[RawObject]:
    for position, one in enumerate(objects, 1):
        one = one if isinstance(one, dict) else {}
        stated, label = one.get("coordinates"), one.get("label")
        complete = isinstance(stated, dict) and all(key in stated for key in _COORDINATES)
        yield RawObject(position, as_class_name(label), [stated[key] for key in _COORDINATES] if complete else stated,
                        stated_class=label)
