"""Reads one annotation file in COCO's format, wherever it and its images lie."""
import contextlib
import posixpath
from collections import Counter
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

from ...errors import DataError
from ..assembling.raw import RawImage, RawObject, RawSet
from .coco_categories import Category, class_categories, class_names, read_categories, scan_categories
from .coco_ids import Id, IdTable, as_id
from .coco_json import Entry, list_of, load_coco_json


def read_coco_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                   counted_folder: Optional[str] = None) -> RawSet:
    """Reads an annotation file in COCO's format.

    An annotation belongs to the image whose id it states; its own id matters to nothing. Ids are whole numbers or
    texts: 7.0 is 7, and "7" is 7 where no id is the text "7".

    Args:
        annotation_file: the json file.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.

    Raises:
        DataError: there is no such file, it is not valid JSON (the message names the line), it lacks a list, or two
            categories have one id.
    """
    content = load_coco_json(annotation_file)
    entries = list_of(content, "annotations", annotation_file) if with_labels else []
    declared = content.get("categories") if not with_labels else list_of(content, "categories", annotation_file)
    categories = read_categories(declared if isinstance(declared, list) else (), annotation_file)
    images, objects_of_id = _read_images(list_of(content, "images", annotation_file), annotation_file, with_labels)
    faults, used = _share_out(entries, categories, objects_of_id, annotation_file)
    classes = class_categories(categories, used)
    counts = Counter(one.name for one in classes)
    notes = tuple(f"{annotation_file}: {count} categories are named {name!r}; they are one class"
                  for name, count in counts.items() if count > 1)
    category_ids: Dict[str, Id] = {}
    for one in (*classes, *categories):
        category_ids.setdefault(one.name, one.id)
    return RawSet(images, "xywh", tuple(image_folders), faults, category_ids, counted_folder, notes)


def coco_class_names(annotation_files: Sequence[str]) -> List[str]:
    """Returns the names of the classes that several annotation files declare together, in the order of their ids.

    Categories that are only the parent of others and that no annotation uses are no classes. Files that cannot be read
    are passed over.
    """
    found, used = [], set()
    for file in annotation_files:
        with contextlib.suppress(DataError, OSError, ValueError):
            categories, used_here = scan_categories(file)
            found.append(categories)
            used |= {one.name for one in categories if one.id in used_here}
    # What is used in one file is a class in all of them.
    return class_names([class_categories(one, {c.id for c in one if c.name in used}) for one in found])


def _read_images(entries: Sequence[Any], file: str, with_labels: bool,
                 ) -> Tuple[List[RawImage], IdTable[List[RawObject]]]:
    """Returns the images, and the list of objects of each image id."""
    images: List[RawImage] = []
    objects_of_id: IdTable[List[RawObject]] = IdTable()
    position_of_id: Dict[Id, int] = {}
    for position, entry in enumerate(entries):
        entry = entry if isinstance(entry, dict) else {}
        image_id, name = as_id(entry.get("id")), entry.get("file_name")
        name = str(name) if isinstance(name, (str, int, float)) else ""
        objects: List[RawObject] = []
        image = RawImage(f"{file}: image {image_id!r} ({name})", image_id, name, entry.get("width"),
                         entry.get("height"), objects)
        if image_id is None or not name:
            lacks = ' nor '.join(what for what, there in (("id", image_id is not None), ("file_name", name))
                                 if not there)
            image = image._replace(image_id=position, fault=(
                "image_entry_broken", f"{file}: image entry {position} has no valid {lacks}"))
        if image_id is not None:
            first = position_of_id.setdefault(image_id, position)
            if first == position:
                objects_of_id.add(image_id, objects)
            elif with_labels and image.fault is None and _plain(images[first].name) != _plain(name):
                message = f"{file}: the images {images[first].name} and {name} have one id, {image_id!r}"
                images[first] = images[first]._replace(fault=images[first].fault or ("image_id_twice", message))
                image = image._replace(fault=("image_id_twice", message))
        images.append(image)
    return images, objects_of_id


def _share_out(entries: Sequence[Any], categories: Sequence[Category], objects_of_id: IdTable[List[RawObject]],
               file: str) -> Tuple[List[Tuple[str, str]], Set[Id]]:
    """Appends each annotation to the objects of its image; returns the faults and the ids of the categories in use."""
    of_category: IdTable[Category] = IdTable()
    for one in categories:
        of_category.add(one.id, one)
    faults, used = [], set()
    for position, entry in enumerate(entries):
        if not isinstance(entry, Entry):
            faults.append(("annotation_broken", f'{file}: annotation entry {position} has no "image_id"'))
            continue
        objects = objects_of_id.find(entry.image_id)
        if objects is None:
            faults.append(("annotation_of_no_image",
                           f"{file}: annotation entry {position}: there is no image {entry.image_id!r}"))
            continue
        category = of_category.find(entry.category_id)
        if category is None:
            objects.append(RawObject(position, None, entry.bbox, entry.difficult, entry.iscrowd, entry.area,
                                     entry.category_id))
        else:
            used.add(category.id)
            objects.append(RawObject(position, category.name, entry.bbox, entry.difficult, entry.iscrowd, entry.area))
    return faults, used


def _plain(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/"))
