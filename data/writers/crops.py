"""Cuts the labelled objects of a data set out, as images by class: SET/CLASS/IMAGE.jpg, to train classifiers on."""
import math
import os
import re
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np
from PIL import Image

from ...errors import DataError, UsageError
from ...progress import ProgressBar
from ..files.plain_names import plain_name
from ..pictures.images import read_image
from ..record import Record, training_boxes
from .image_files import ImageNames
from .new_folder import new_folder
from .sets import RecordSets

_QUALITY = 95  # of the JPEG files


class CropCounts(NamedTuple):
    """What became of the objects.

    Attributes:
        written: number of crops by set and class, as (set, class, number).
        small: number of objects that are left out because a side is too short.
        unread: what is wrong with each image that could not be read; its objects are left out.
    """

    written: List[Tuple[str, str, int]]
    small: int
    unread: List[str]


def write_crops(folder: str, sets: RecordSets, classes: Sequence[str], margin: float = 0.0,
                least_side: int = 8) -> CropCounts:
    """Writes each object of a data set as an image of its own to a new folder, which is complete or not there.

    Crowds, difficult objects and those that are ignored are left out.

    Args:
        folder: does not exist yet, or is empty.
        sets: the records of each image set by its name.
        classes: names of the classes by id.
        margin: share of a box's sides that is added on each side, as far as the image goes.
        least_side: objects with a shorter side, in pixels and without the margin, are left out.

    Raises:
        UsageError: the folder is not empty, or two classes would have folders of one name.
    """
    names = [plain_name(re.sub(r'[:*?"<>|]', "_", name)) for name in classes]
    if len({name.casefold() for name in names}) < len(names) or len(set(map(plain_name, sets))) < len(sets):
        raise UsageError(f"the classes {', '.join(classes)}, or the sets {', '.join(sets)}, would not all have folders "
                         "of their own")
    written, unread, small = [], [], 0
    with new_folder(folder) as temporary:
        for set_name, records in sets.items():
            counts = [0] * len(classes)
            free_names = [ImageNames() for _ in classes]
            for record in ProgressBar(records, desc=set_name, unit="image", leave=False, disable=None):
                boxes, labels = training_boxes(record)
                big = (boxes[:, 2:] - boxes[:, :2] + 1).min(axis=1, initial=math.inf) >= least_side
                small += int((~big).sum())
                try:
                    crops = _crops(record, boxes[big], margin)
                except DataError as error:
                    unread.append(str(error))
                    continue
                stem = os.path.splitext(os.path.basename(record.path))[0]
                for crop, label in zip(crops, labels[big]):
                    of_class = os.path.join(temporary, plain_name(set_name), names[label])
                    os.makedirs(of_class, exist_ok=True)
                    path = os.path.join(of_class, free_names[label].name(f"{stem}.jpg"))
                    Image.fromarray(crop).save(path, quality=_QUALITY, subsampling=0)
                    counts[label] += 1
            written += [(set_name, name, count) for name, count in zip(classes, counts)]
    return CropCounts(written, small, unread)


def _crops(record: Record, boxes: np.ndarray, margin: float) -> List[np.ndarray]:
    """Returns the pixels of boxes (n, 4) of an image."""
    if not len(boxes):
        return []
    pixels = read_image(record)
    around = margin * (boxes[:, 2:] - boxes[:, :2] + 1)
    starts = np.maximum(np.round(boxes[:, :2] - around), 0).astype(int)
    ends = np.round(boxes[:, 2:] + around).astype(int) + 1
    return [np.ascontiguousarray(pixels[top:bottom, left:right])
            for (left, top), (right, bottom) in zip(starts, ends)]
