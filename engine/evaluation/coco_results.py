"""Detections in COCO's result format, as its evaluation server and pycocotools take them."""
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple, Union

from ...data import Dataset
from ..files import PathLike, write_json
from .detections import ImageDetections, check_detections


class Result(NamedTuple):
    """One detection, rounded as in a result file.

    Attributes:
        image: position of the image in `dataset.records`.
        class_id: 0..C-1.
        bbox: x, y, width, height in pixels of the original image to 3 decimals; x + width is an exclusive end.
        score: to 6 decimals.
    """

    image: int
    class_id: int
    bbox: List[float]
    score: float


def rounded_results(dataset: Dataset, detections: Sequence[ImageDetections]) -> Iterator[Result]:
    """Yields the detections of a data set, see `check_detections`, in the order of its images."""
    for image, (ids, scores, boxes) in enumerate(check_detections(dataset, detections)):
        for class_id, score, (x1, y1, x2, y2) in zip(ids.tolist(), scores.tolist(), boxes.tolist()):
            yield Result(image, class_id, [round(value, 3) for value in (x1, y1, x2 - x1 + 1, y2 - y1 + 1)],
                         round(score, 6))


def category_ids(dataset: Dataset) -> Tuple[Union[int, str], ...]:
    """Returns the category id of each class: that of its annotation file, or i + 1 for class i if there is none."""
    return getattr(dataset, "category_ids", None) or tuple(range(1, len(dataset.classes) + 1))


def coco_results(dataset: Dataset, detections: Sequence[ImageDetections]) -> List[Dict[str, Any]]:
    """Returns detections in COCO's result format.

    Args:
        dataset: the data set that was tested.
        detections: (ids (k,), scores (k,), boxes (k, 4)) of each image, see `check_detections`.

    Returns:
        One dict a detection: image_id; category_id; bbox, [x, y, width, height] in pixels of the original image to 3
        decimals, where width is x2 - x1 + 1; score, to 6 decimals.

    Raises:
        UsageError: the detections are not those of the data set.
    """
    categories = category_ids(dataset)
    return [{"image_id": dataset.records[result.image].image_id, "category_id": categories[result.class_id],
             "bbox": result.bbox, "score": result.score} for result in rounded_results(dataset, detections)]


def write_results(path: PathLike, dataset: Dataset, detections: Sequence[ImageDetections]) -> None:
    """Writes `coco_results` of the same arguments to a JSON file, atomically."""
    write_json(path, coco_results(dataset, detections), indent=None)
