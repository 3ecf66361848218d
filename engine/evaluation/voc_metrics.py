"""Pascal VOC's average precision: at 11 points (2007), and as the area under the curve (from 2010 on)."""
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from ...data import Dataset, Record
from ...operators import boxes as box_ops
from .detections import ImageDetections, check_detections


def voc_metrics(dataset: Dataset, detections: Sequence[ImageDetections], threshold: float = 0.5) -> Dict[str, Any]:
    """Computes average precision as the VOC development kit does.

    Boxes have inclusive ends: a side is x2 - x1 + 1 long. A detection belongs to the object of its class that it
    overlaps most. It is right if their IoU is at least `threshold` and no better detection has taken the object.
    Difficult objects and crowds need not be found, and detections that belong to them do not count.

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
    detections = check_detections(dataset, detections)
    per_class = {}
    for class_id, name in enumerate(dataset.classes):
        right, objects = _ranked(dataset.records, detections, class_id, threshold)
        per_class[name] = {"AP": _area(right, objects), "AP07": _eleven_points(right, objects), "objects": objects}
    means = {key: _mean([figures[key] for figures in per_class.values()]) for key in ("AP", "AP07")}
    return dict(means, per_class=per_class)


def _ranked(records: Sequence[Record], detections: Sequence[ImageDetections], class_id: int,
            threshold: float) -> Tuple[np.ndarray, int]:
    """Judges the detections of one class.

    Returns:
        right: bool (m,), of each detection that counts, best score first.
        objects: number of objects to find.
    """
    scores, right, objects = [], [], 0
    for record, (ids, image_scores, boxes) in zip(records, detections):
        own, chosen = record.classes == class_id, ids == class_id
        if not own.any() and not chosen.any():
            continue
        truth, ignored = record.boxes[own], (record.difficult | record.crowd)[own]
        objects += int((~ignored).sum())
        image_scores, boxes = image_scores[chosen], boxes[chosen]
        order = np.argsort(-image_scores, kind="stable")
        overlaps = box_ops.iou(boxes[order][None], truth[None])[0]
        taken = np.zeros(len(truth), bool)
        for score, overlap in zip(image_scores[order], overlaps):
            best = overlap.argmax() if len(truth) else -1
            hit = best >= 0 and overlap[best] >= threshold
            if hit and ignored[best]:
                continue
            scores.append(score)
            right.append(hit and not taken[best])
            if hit:
                taken[best] = True
    order = np.argsort(-np.array(scores), kind="stable")
    return np.array(right, bool)[order], objects


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
