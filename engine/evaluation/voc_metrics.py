"""Pascal VOC's average precision: at 11 points (2007), and as the area under the curve (from 2010 on)."""
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from ...data import Dataset
from ...operators import boxes as box_ops
from .detections import Found, ImageDetections, join_detections


def voc_metrics(dataset: Dataset, detections: Sequence[ImageDetections], threshold: float = 0.5) -> Dict[str, Any]:
    """Computes average precision as the VOC development kit does.

    Boxes have inclusive ends: a side is x2 - x1 + 1 long. A detection belongs to the object of its class that it
    overlaps most. It is right if their IoU is at least `threshold` and no better detection has taken the object.
    Difficult and ignored objects and crowds need not be found, and detections that belong to them do not count. Nor do
    detections that find no object and have `threshold` or more of their area in a region of which nothing is known.

    GluonCV's VOC07MApMetric differs at recalls that are an exact tenth, for its steps are rounded sums of 0.1.

    Args:
        dataset: the data set that was tested.
        detections: (ids (k,), scores (k,), boxes (k, 4)) of each image, see `check_detections`.
        threshold: least IoU.

    Returns:
        AP (area) and AP07 (11 points), means over the classes that have objects to find; "per_class", a dict from name
        to {"AP", "AP07", "objects"}, where "objects" is the number of objects to find. AP and AP07 are from 0 to 1, and
        NaN where there is no object to find.

    Raises:
        UsageError: the detections are not those of the data set.
    """
    found = join_detections(dataset, detections)
    order = np.argsort(found.ids, kind="stable")
    bounds = np.searchsorted(found.ids[order], np.arange(len(dataset.classes) + 1))
    truth = _truth_by_class(dataset)
    unknown = _in_unknown_regions(dataset, found, threshold)
    per_class = {}
    for class_id, name in enumerate(dataset.classes):
        own = order[bounds[class_id]:bounds[class_id + 1]]
        right, objects = _ranked(truth[class_id], Found(*(field[own] for field in found)), unknown[own], threshold)
        per_class[name] = {"AP": _area(right, objects), "AP07": _eleven_points(right, objects), "objects": objects}
    means = {key: _mean([figures[key] for figures in per_class.values()]) for key in ("AP", "AP07")}
    return dict(means, per_class=per_class)


# By the position of its image: the boxes (m, 4) of one class, and which of them need not be found, bool (m,).
_Truth = Dict[int, Tuple[np.ndarray, np.ndarray]]


def _truth_by_class(dataset: Dataset) -> List[_Truth]:
    truth: List[_Truth] = [{} for _ in dataset.classes]
    for image, record in enumerate(dataset.records):
        ignored = record.difficult | record.crowd | record.ignored
        for class_id in np.unique(record.classes):
            own = record.classes == class_id
            truth[class_id][image] = record.boxes[own], ignored[own]
    return truth


def _in_unknown_regions(dataset: Dataset, found: Found, threshold: float) -> np.ndarray:
    """Returns which detections have at least a share of their area in a region of which nothing is known, bool (m,)."""
    inside = np.zeros(len(found.ids), bool)
    for image, record in enumerate(dataset.records):
        if len(record.regions):
            start, end = np.searchsorted(found.images, (image, image + 1))
            shares = box_ops.share_inside(found.boxes[None, start:end], record.regions[None])[0]
            inside[start:end] = (shares >= threshold).any(axis=1)
    return inside


def _ranked(truth: _Truth, found: Found, unknown: np.ndarray, threshold: float) -> Tuple[np.ndarray, int]:
    """Judges the detections of one class.

    Args:
        truth: the objects of that class in each image that has any.
        found: the detections of that class, image by image.
        unknown: bool (m,), which of them do not count unless they find an object.
        threshold: least IoU.

    Returns:
        right: bool (m,), of each detection that counts, best score first.
        objects: number of objects to find.
    """
    right, counts = np.zeros(len(found.ids), bool), np.ones(len(found.ids), bool)
    for image, (boxes, ignored) in truth.items():
        start, end = np.searchsorted(found.images, (image, image + 1))
        overlaps = box_ops.iou(found.boxes[None, start:end], boxes[None])[0]
        nearest = overlaps.argmax(axis=1)
        hits = overlaps[np.arange(end - start), nearest] >= threshold
        taken = ignored.copy()
        for row in np.argsort(-found.scores[start:end], kind="stable"):
            if hits[row]:
                counts[start + row] = not ignored[nearest[row]]
                right[start + row] = not taken[nearest[row]]
                taken[nearest[row]] = True
    counts &= right | ~unknown
    best_first = np.argsort(-found.scores[counts], kind="stable")
    return right[counts][best_first], sum(int((~ignored).sum()) for _, ignored in truth.values())


def _area(right: np.ndarray, objects: int) -> float:
    """Returns the area under the curve of precision over recall, with precision made to fall monotonically."""
    if not objects:
        return float("nan")
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    # The best precision at this recall or a higher one.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    # Each right detection raises the recall by 1 / objects.
    return float(envelope[right].sum() / objects)


def _eleven_points(right: np.ndarray, objects: int) -> float:
    """Returns the mean, over the recalls 0, 0.1, ..., 1, of the best precision at that recall or a higher one."""
    if not objects:
        return float("nan")
    found = np.cumsum(right)
    precision = found / np.arange(1, len(right) + 1)
    # In whole numbers, "recall >= tenth / 10" is not rounded.
    reached = [precision[10 * found >= tenth * objects] for tenth in range(11)]
    return float(sum(part.max() for part in reached if len(part)) / 11)


def _mean(values: List[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
