"""Reading of detections from a file in COCO's result format."""
import os
from collections import Counter, defaultdict
from typing import Any, Dict, List, Sequence

import numpy as np

from ...data import Dataset
from ...data.files.json_text import parse_json
from ...data.files.opening import read_regular
from ...errors import DataError
from ..files import PathLike
from .coco_results import category_ids, relative_path
from .detections import ImageDetections


def read_results(path: PathLike, dataset: Dataset) -> List[ImageDetections]:
    """Reads the detections of a data set from a file that `write_results` wrote, or another program in COCO's format.

    Args:
        path: the file.
        dataset: the data set that was tested.

    Returns:
        Of each image of the data set, in the order of its records: ids (k,), scores (k,), boxes (k, 4), rows x1, y1,
        x2, y2 in pixels of the original image, inclusive ends.

    Raises:
        DataError: there is no such file, it is of another format, or it names an image or a category that the data set
            does not have.
    """
    try:
        entries = parse_json(read_regular(path).decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: the detections cannot be read ({reason})") from None
    if not isinstance(entries, list):
        raise DataError(f"{path}: it is not a list of detections in COCO's result format")
    class_of = {category: class_id for class_id, category in enumerate(category_ids(dataset))}
    positions = _positions(dataset)
    rows: Dict[int, List[List[float]]] = defaultdict(list)
    for number, entry in enumerate(entries):
        try:
            x, y, width, height = map(float, entry["bbox"])
            numbers = [float(entry["score"]), x, y, x + width - 1, y + height - 1]
            position = positions.get((entry["image_id"], entry.get("file_name")))
            class_id = class_of.get(entry["category_id"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise DataError(f"{path}: detection {number} lacks a valid image_id, category_id, bbox or score") from None
        if position is None:
            raise DataError(f"{path}: detection {number} is of the image {entry['image_id']!r}, which is not in "
                            f"{dataset.name}, or more than once: the detections are those of another set")
        if class_id is None:
            raise DataError(f"{path}: detection {number} has the category {entry['category_id']!r}; those of "
                            f"{dataset.name} are {', '.join(map(repr, class_of))}")
        rows[position].append([class_id, *numbers])
    return [_arrays(rows[position]) for position in range(len(dataset.records))]


def _positions(dataset: Dataset) -> Dict[Any, int]:
    """Returns the position of each image by (id, None), where no other image has its id, and by (id, file name)."""
    positions = {}
    counts = Counter(record.image_id for record in dataset.records)
    for position, record in enumerate(dataset.records):
        positions[record.image_id, relative_path(record.path, os.fspath(dataset.path))] = position
        if counts[record.image_id] == 1:
            positions[record.image_id, None] = position
    return positions


def _arrays(rows: Sequence[Sequence[float]]) -> ImageDetections:
    table = np.array(rows, np.float64).reshape(-1, 6)
    return table[:, 0].astype(np.int64), table[:, 1], table[:, 2:]
