"""Pascal VOC's average precision: 11 points (2007) and area under the curve (2010 on)."""
import numpy as np

from ...operators import boxes as box_ops


def voc_metrics(dataset, detections, threshold=0.5):
    """Average precision as the VOC development kit computes it.

    Boxes have inclusive ends: a side is x2 - x1 + 1 long. A detection belongs to the object of its class that it
    overlaps most, and is right when that IoU is at least `threshold` and the object is not taken by a better one.
    Difficult objects and crowds need not be found; detections that belong to them do not count.

    GluonCV's VOC07MApMetric differs at recalls that are an exact tenth: its steps are rounded sums of 0.1.

    Parameters
    ----------
    dataset : VocDataset or CocoDataset
    detections : list of (ids (k,), scores (k,), boxes (k, 4))
        One an image of `dataset.records`, boxes in the original image's frame, inclusive ends.

    Returns
    -------
    dict
        AP (area) and AP07 (11 points), means over the classes that have objects; per_class: name to {"AP", "AP07",
        "objects"}. From 0 to 1, NaN where there is no object to find.
    """
    per_class = {}
    for index, name in enumerate(dataset.classes):
        right, objects = _ranked(dataset.records, detections, index, threshold)
        per_class[name] = {"AP": _area(right, objects), "AP07": _eleven_points(right, objects), "objects": objects}
    means = {key: _mean([figures[key] for figures in per_class.values()]) for key in ("AP", "AP07")}
    return dict(means, per_class=per_class)


def _ranked(records, detections, index, threshold):
    """Whether each counted detection of a class is right, best score first, and how many objects there are to find."""
    scores, right, objects = [], [], 0
    for record, (ids, image_scores, boxes) in zip(records, detections):
        own = record.classes == index
        truth, ignored = record.boxes[own], (record.difficult | record.crowd)[own]
        objects += int((~ignored).sum())
        chosen = np.asarray(ids) == index
        image_scores, boxes = np.asarray(image_scores)[chosen], np.asarray(boxes, float).reshape(-1, 4)[chosen]
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


def _area(right, objects):
    if not objects:
        return float("nan")
    found = np.cumsum(right)
    precision = found / np.arange(1, len(right) + 1)
    # The best precision at this recall or a higher one; each right detection raises recall by one object.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[right].sum() / objects)


def _eleven_points(right, objects):
    if not objects:
        return float("nan")
    found = np.cumsum(right)
    precision = found / np.arange(1, len(right) + 1)
    # Whole numbers: recall >= tenth / 10 without rounding.
    reached = [precision[10 * found >= tenth * objects] for tenth in range(11)]
    return float(sum(part.max() for part in reached if len(part)) / 11)


def _mean(values):
    known = [value for value in values if value == value]
    return float(np.mean(known)) if known else float("nan")
