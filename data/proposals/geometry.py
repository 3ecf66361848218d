"""Proposals in the frame of the network's input: scaled, and without those that pool the same cells."""
import numpy as np

from .rules import first_of_equal


def scaled_proposals(boxes: np.ndarray, scale: float) -> np.ndarray:
    """Returns boxes in the frame of an image that was resized, by multiplication as for ground truths.

    Args:
        boxes: float32 (n, 4), in the frame of the original image.
        scale: pixels of the resized image for each pixel of the original one.

    Returns:
        float32 (n, 4).
    """
    return np.asarray(boxes, np.float32) * np.float32(scale)


def unique_at_stride(boxes: np.ndarray, scale: float, stride: int) -> np.ndarray:
    """Chooses one of all boxes that are the same on the map that RoIs are pooled from.

    The authors' Fast R-CNN does so in tests (DEDUP_BOXES): boxes times the scale of the map are rounded, and boxes
    that are then equal have equal features.

    Args:
        boxes: float32 (n, 4), in the frame of the original image.
        scale: see `scaled_proposals`.
        stride: of the map, in pixels of the network's input, such as 16.

    Returns:
        int64 (k,), the index of the first box of each kind, rising.
    """
    cells = np.round(scaled_proposals(boxes, scale) * np.float32(1.0 / stride)) + np.float32(0)
    return first_of_equal(cells)
