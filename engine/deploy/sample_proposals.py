"""Boxes that stand in for proposals where an export of a detector on given proposals is tried or compared."""
from typing import List, Optional

import numpy as np

from ..inference.detector import Detector, ImageLike

# Sides of the boxes as shares of the image's sides, (width, height).
_SHARES = ((1.0, 1.0), (0.6, 0.6), (0.3, 0.6), (0.6, 0.3), (0.25, 0.25), (0.1, 0.15))


def sample_boxes(height: int, width: int) -> np.ndarray:
    """Returns boxes of six sizes at even distances, the whole image first.

    Args:
        height, width: of the image in pixels.

    Returns:
        float32 (k, 4), rows (x1, y1, x2, y2) in pixels of the image, far ends inclusive.
    """
    boxes: List[np.ndarray] = []
    for share_x, share_y in _SHARES:
        x1, y1 = (np.arange(0, 1.001 - share, share / 2) * side for share, side in ((share_x, width),
                                                                                  (share_y, height)))
        corners = np.stack(np.meshgrid(x1, y1), axis=-1).reshape(-1, 2)
        boxes.append(np.concatenate([corners, corners + [share_x * width - 1, share_y * height - 1]], axis=1))
    return np.maximum(np.concatenate(boxes), 0).astype(np.float32)


def sample_proposals(detector: Detector, image: ImageLike) -> Optional[np.ndarray]:
    """Returns `sample_boxes` of an image where a detector needs proposals, else None.

    Raises:
        DataError: the image cannot be read.
    """
    return None if detector.rois is None else sample_boxes(*detector.read(image).shape[:2])
