"""What a detector finds in an image, in the image's own frame."""
from typing import NamedTuple

import numpy as np


class Detections(NamedTuple):
    """What was found in one image, best score first."""

    ids: np.ndarray  # int (k,), places in `Detector.classes`
    scores: np.ndarray  # float32 (k,), from 0 to 1
    boxes: np.ndarray  # float32 (k, 4): x1, y1, x2, y2 in pixels of the original image, inclusive ends


def to_original_frame(ids: np.ndarray, scores: np.ndarray, boxes: np.ndarray, scale: float, width: int,
                      height: int) -> Detections:
    """Brings a network's answer for one image to the frame of the original image, and clips the boxes to it.

    Args:
        ids, scores, boxes: (K, 1), (K, 1), (K, 4); rows of -1 are padding; boxes in the frame of the network input.
        scale: size of the network input divided by that of the original image.
        width, height: size of the original image in pixels.
    """
    found = ids[:, 0] >= 0
    limits = np.array([width, height, width, height], np.float32) - 1
    boxes = np.clip(boxes[found] / np.float32(scale), 0, limits)
    return Detections(ids[found, 0].astype(int), scores[found, 0].astype(np.float32), boxes.astype(np.float32))
