"""Detections in COCO's result format, as its evaluation server and pycocotools take them."""
import os
from typing import Any, Dict, Iterator, Sequence, Tuple, Union

import numpy as np

from ...data import Dataset
from ..files import PathLike, write_json_list
from .detections import ImageDetections, check_detections


def result_boxes(boxes: np.ndarray) -> np.ndarray:
    """Returns the boxes of detections as a result file has them.

    Args:
        boxes: (k, 4), rows x1, y1, x2, y2 in pixels of the original image, inclusive ends.

    Returns:
        float64 (k, 4), rows x, y, width, height to 3 decimals; x + width is an exclusive end.
    """
    boxes = np.asarray(boxes, np.float64)
    return np.round(np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2] + 1], axis=1), 3)


def result_scores(scores: np.ndarray) -> np.ndarray:
    """Returns scores as a result file has them: float64, to 6 decimals."""
    return np.round(np.asarray(scores, np.float64), 6)


def category_ids(dataset: Dataset) -> Tuple[Union[int, str], ...]:
    """Returns the category id of each class: that of its annotation file, or i + 1 for class i if there is none."""
    return dataset.category_ids or tuple(range(1, len(dataset.classes) + 1))


def relative_path(path: str, folder: str) -> str:
    """Returns a path from a folder, with slashes; one that lies elsewhere stays absolute."""
    path, folder = os.path.abspath(path), os.path.abspath(folder)
    inside = path.startswith(os.path.join(folder, ""))
    return (os.path.relpath(path, folder) if inside else path).replace(os.sep, "/")


def coco_results(dataset: Dataset, detections: Sequence[ImageDetections]) -> Iterator[Dict[str, Any]]:
    """Yields detections in COCO's result format, in the order of the images.

    Args:
        dataset: the data set that was tested.
        detections: (ids (k,), scores (k,), boxes (k, 4)) of each image, see `check_detections`.

    Returns:
        Iterator over one dict a detection: image_id; category_id, see `category_ids`; bbox, [x, y, width, height] in
        pixels of the original image to 3 decimals, where width is x2 - x1 + 1; score, to 6 decimals. Where several
        images of the data set have one id, as in joined sets, there is also "file_name": the image's path from the
        folder of the data set, with slashes.

    Raises:
        UsageError: the detections are not those of the data set.
    """
    return _results(dataset, check_detections(dataset, detections))


def _results(dataset: Dataset, detections: Sequence[ImageDetections]) -> Iterator[Dict[str, Any]]:
    categories = category_ids(dataset)
    ambiguous = len({record.image_id for record in dataset.records}) < len(dataset.records)
    for record, (ids, scores, boxes) in zip(dataset.records, detections):
        # A reader of one's own may take ids from an array.
        image_id = record.image_id.item() if isinstance(record.image_id, np.generic) else record.image_id
        named = {"file_name": relative_path(record.path, dataset.path)} if ambiguous else {}
        rows = ids.tolist(), result_scores(scores).tolist(), result_boxes(boxes).tolist()
        for class_id, score, bbox in zip(*rows):
            yield {"image_id": image_id, **named, "category_id": categories[class_id], "bbox": bbox, "score": score}


def write_results(path: PathLike, dataset: Dataset, detections: Sequence[ImageDetections]) -> None:
    """Writes `coco_results` of the same arguments to a JSON file, atomically, one detection a line."""
    write_json_list(path, coco_results(dataset, detections))
