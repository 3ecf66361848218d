"""Writes data sets in COCO's layout: `annotations/instances_<set>.json`, and the images in `<set>/`."""
import json
import os
from typing import Any, Dict, List, Optional, Sequence, Union

from ...progress import ProgressBar
from ..record import Record
from .image_files import ImageFiles
from .sets import RecordSets, counted

_DECIMALS = 4


def write_coco(folder: str, sets: RecordSets, classes: Sequence[str], images: ImageFiles,
               category_ids: Optional[Sequence[Union[int, str]]] = None) -> List[str]:
    """Writes image sets in COCO's layout.

    Boxes and areas are written to 0.0001 pixel. The ids of images stay where they are whole numbers and all different.
    Difficult and ignored objects have `"difficult": 1`, which COCO itself does not know.

    Args:
        folder: is there, and empty.
        sets: the records of each image set by its name.
        classes: names of the classes by id.
        images: puts the image files into the folder.
        category_ids: of the classes; None numbers them from 1.

    Returns:
        What COCO cannot keep, a sentence each.
    """
    os.makedirs(os.path.join(folder, "annotations"))
    categories = list(category_ids or range(1, len(classes) + 1))
    for image_set, records in sets.items():
        names = images.names()
        ids = [record.image_id for record in records]
        if len(set(ids)) < len(ids) or not all(isinstance(image_id, int) for image_id in ids):
            ids = list(range(1, len(records) + 1))
        entries: List[Dict[str, Any]] = []
        annotations: List[Dict[str, Any]] = []
        for image_id, record in zip(ids, ProgressBar(records, desc=image_set, unit="image", leave=False, disable=None)):
            name = names.name(record.path)
            images.put(record.path, os.path.join(folder, image_set, name))
            entries.append({"id": image_id, "file_name": name, "width": record.width, "height": record.height})
            for annotation in _annotations(record, categories):
                annotations.append({"id": len(annotations) + 1, "image_id": image_id, **annotation})
        content = {"images": entries, "annotations": annotations,
                   "categories": [{"id": category, "name": name} for category, name in zip(categories, classes)]}
        with open(os.path.join(folder, "annotations", f"instances_{image_set}.json"), "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False)
    ignored = sum(int((record.ignored & ~record.difficult).sum()) for records in sets.values() for record in records)
    return counted((ignored, "ignored object", "written as a difficult object"))


def _annotations(record: Record, categories: Sequence[Union[int, str]]) -> List[Dict[str, Any]]:
    annotations = []
    for index, class_id in enumerate(record.classes.tolist()):
        annotation = {"category_id": categories[class_id],
                      "bbox": [round(value, _DECIMALS) for value in record.coco_boxes[index].tolist()],
                      "area": round(float(record.areas[index]), _DECIMALS), "iscrowd": int(record.crowd[index])}
        if record.difficult[index] or record.ignored[index]:
            annotation["difficult"] = 1
        annotations.append(annotation)
    return annotations
