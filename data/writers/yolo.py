"""Writes data sets in the layout of YOLO: `data.yaml`, `images/<set>/`, `labels/<set>/`."""
import os
from typing import Dict, List, Sequence, Tuple

import numpy as np
import yaml

from ...progress import ProgressBar
from ..pictures.headers import read_header
from ..record import Record
from .image_files import ImageFiles
from .sets import RecordSets, counted

_DIGITS = 9  # of a fraction: 0.0001 pixel in images of up to 100,000 pixels


def write_yolo(folder: str, sets: RecordSets, classes: Sequence[str], images: ImageFiles) -> List[str]:
    """Writes image sets in the layout of YOLO.

    A box is a line "class cx cy width height" in fractions of the image as viewers show it, to nine digits. An image
    without boxes has an empty file of labels.

    Args:
        folder: is there, and empty.
        sets: the records of each image set by its name.
        classes: names of the classes by id.
        images: puts the image files into the folder.

    Returns:
        What YOLO cannot keep, a sentence each.
    """
    left_out = areas = 0
    for image_set, records in sets.items():
        names = images.names()
        labels = os.path.join(folder, "labels", image_set)
        os.makedirs(labels)
        for record in ProgressBar(records, desc=image_set, unit="image", leave=False, disable=None):
            name = names.name(record.path)
            images.put(record.path, os.path.join(folder, "images", image_set, name))
            with open(os.path.join(labels, os.path.splitext(name)[0] + ".txt"), "w", encoding="utf-8") as file:
                file.write(_lines(record))
            kept = ~(record.crowd | record.difficult | record.ignored)
            left_out += int((~kept).sum())
            areas += int((abs(record.areas - record.coco_boxes[:, 2] * record.coco_boxes[:, 3])[kept] > 0.5).sum())
    content: Dict[str, object] = {**_paths(list(sets)), "nc": len(classes), "names": list(classes)}
    with open(os.path.join(folder, "data.yaml"), "w", encoding="utf-8") as file:
        yaml.safe_dump(content, file, sort_keys=False, allow_unicode=True)
    return counted((left_out, "crowd, difficult or ignored object", "left out, because YOLO marks none of these; its "
                    "place is background there"),
                   (areas, "area other than that of the box", "not kept, because YOLO has no areas"))


def _lines(record: Record) -> str:
    """Returns the lines of an image's file of labels."""
    kept = ~(record.crowd | record.difficult | record.ignored)
    boxes = record.boxes[kept].astype(np.float64)
    size = np.array([record.width, record.height], np.float64)
    centres = (boxes[:, :2] + boxes[:, 2:] + 1) / 2 / size
    sides = (boxes[:, 2:] - boxes[:, :2] + 1) / size
    if not record.upright:
        centres, sides = _turn(centres, sides, read_header(record.path).orientation)
    rows = np.concatenate([centres, sides], axis=1)
    return "".join(f"{class_id} " + " ".join(f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".") for value in row) + "\n"
                   for class_id, row in zip(record.classes[kept].tolist(), rows.tolist()))


def _turn(centres: np.ndarray, sides: np.ndarray, orientation: int) -> Tuple[np.ndarray, np.ndarray]:
    """Turns boxes, given in fractions of an image as it is stored, as viewers show the image.

    Args:
        centres, sides: (n, 2).
        orientation: EXIF's, 5 to 8: the others leave an image's size as it is, so that no size tells that the boxes are
            those of the image as it is stored.
    """
    x, y = centres.T
    turned = {5: (y, x), 6: (1 - y, x), 7: (1 - y, 1 - x), 8: (y, 1 - x)}
    return (np.stack(turned[orientation], axis=1), sides[:, ::-1]) if orientation in turned else (centres, sides)


def _paths(sets: Sequence[str]) -> Dict[str, str]:
    """Returns the entries of data.yaml that name the folders of images.

    YOLO's programs read `train`, `val` and `test`. A set whose name begins so has that entry, if no other one does.
    """
    entries = {}
    for key in ("train", "val", "test"):
        fitting = [name for name in sets if name == key] or [name for name in sets if name.startswith(key)]
        if len(fitting) == 1:
            entries[key] = f"images/{fitting[0]}"
    entries.update({name: f"images/{name}" for name in sets if f"images/{name}" not in entries.values()})
    return entries
