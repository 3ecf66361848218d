"""Compares the answers of two detectors, of which one runs in another engine."""
from typing import List, NamedTuple, Sequence

import numpy as np

from ...inference.detections import Detections
from ...inference.detector import Detector, ImageLike
from ..sample_proposals import sample_proposals

# How far a detection may be from the one that it is taken for. Sums are rounded otherwise in another engine.
SCORE_TOLERANCE = 1e-4
BOX_TOLERANCE = 0.05  # pixels of the network's input
# Where two scores or overlaps are equal but for rounding, another box may be kept: of many detections a few differ.
LEAST_SHARE = 0.95


class Comparison(NamedTuple):
    """How two detectors agree.

    Attributes:
        detections: how many there are, the mean of both detectors.
        found_again: how many of them both found, within the tolerances.
        scores, boxes: the largest differences among these; of boxes in pixels of the network's input.
    """

    detections: float
    found_again: int
    scores: float
    boxes: float


def compare_answers(one: Detector, other: Detector, images: Sequence[ImageLike]) -> Comparison:
    """Pairs the detections of two detectors, each of which looks at an image once, at its first scale.

    Detectors on given proposals get those of `sample_proposals`.
    """
    counts, differences = [], [np.zeros((0, 2))]
    for image in images:
        answers = [_detections(detector, image) for detector in (one, other)]
        counts.append(np.mean([len(answer.ids) for answer in answers]))
        differences.append(paired_differences(*answers))
    pairs = np.concatenate(differences)
    return Comparison(float(np.sum(counts)), len(pairs), *(pairs.max(axis=0).tolist() if len(pairs) else (0.0, 0.0)))


def paired_differences(one: Detections, other: Detections) -> np.ndarray:
    """Pairs detections of one class whose scores and boxes are within the tolerances of each other, in any order.

    Returns:
        float (n, 2): the difference of the scores, and the largest one of the boxes' sides, of each pair.
    """
    pairs: List[List[float]] = []
    is_free = np.ones(len(other.ids), bool)
    for class_id, score, box in zip(*one):
        scores, boxes = abs(other.scores - score), abs(other.boxes - box).max(axis=1)
        fits = is_free & (other.ids == class_id) & (scores <= SCORE_TOLERANCE) & (boxes <= BOX_TOLERANCE)
        if fits.any():
            place = int(np.argmin(np.where(fits, boxes, np.inf)))
            is_free[place] = False
            pairs.append([float(scores[place]), float(boxes[place])])
    return np.array(pairs).reshape(-1, 2)


def _detections(detector: Detector, image: ImageLike) -> Detections:
    """The answer of a detector's network, in the frame of its input."""
    inputs = detector.prepare(image, sample_proposals(detector, image))
    ids, scores, boxes = (array.asnumpy()[0] for array in detector.net(*inputs))
    found = ids[:, 0] >= 0
    return Detections(ids[found, 0].astype(int), scores[found, 0], boxes[found])
