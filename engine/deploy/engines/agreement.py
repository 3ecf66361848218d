"""How near the detections of a detector that rounds are to those of the one that it was made from."""
from typing import List, NamedTuple, Sequence

import numpy as np

from ....errors import DataError
from ....operators import boxes as box_operators
from ...inference.detections import Detections
from ...inference.detector import Detector, ImageLike
from ..sample_proposals import sample_proposals

# Detections below this score are not asked for.
LEAST_SCORE = 0.3
# The overlap from which on two boxes of one class are taken for the same object.
LEAST_IOU = 0.5
# Where fewer are found by both detectors, the difference is no rounding.
LEAST_SHARE = 0.5


class Agreement(NamedTuple):
    """How two detectors agree.

    Attributes:
        objects: detections of either with a score of `LEAST_SCORE` or more.
        found_by_both: those of them that the other one has too, with any score.
        scores, boxes: the median differences among these; of boxes that of the side that moved most, in pixels of the
            original images.
    """

    objects: int
    found_by_both: int
    scores: float
    boxes: float


def agreement(one: Detector, other: Detector, images: Sequence[ImageLike]) -> Agreement:
    """Looks for the detections of each of two detectors among those of the other one.

    Args:
        one, other: detectors of the same classes.
        images: see `Detector`; those that cannot be read are passed over. Detectors on given proposals get those of
            `sample_proposals`.
    """
    objects, differences = 0, [np.zeros((0, 2))]
    for image in images:
        try:
            answers = [detector(image, sample_proposals(detector, image)) for detector in (one, other)]
        except DataError:
            continue
        for these, those in (answers, answers[::-1]):
            objects += int((these.scores >= LEAST_SCORE).sum())
            differences.append(_found_again(these, those))
    pairs = np.concatenate(differences)
    return Agreement(objects, len(pairs), *(np.median(pairs, axis=0).tolist() if len(pairs) else (0.0, 0.0)))


def _found_again(these: Detections, those: Detections) -> np.ndarray:
    """The difference of score and box, float (n, 2), of each detection that others contain too."""
    pairs: List[List[float]] = []
    for class_id, score, box in zip(*these):
        same = those.ids == class_id
        if score < LEAST_SCORE or not same.any():
            continue
        overlaps = np.where(same, box_operators.iou(box[None, None], those.boxes[None])[0, 0], 0)
        place = int(overlaps.argmax())
        if overlaps[place] >= LEAST_IOU:
            pairs.append([abs(float(those.scores[place] - score)), float(abs(those.boxes[place] - box).max())])
    return np.array(pairs).reshape(-1, 2)
