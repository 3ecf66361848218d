"""Orders of channels in which the originals' detectors differ from those here."""
from typing import Tuple

import numpy as np

from ...data.class_names import COCO_CLASSES

POOLED = 7  # bins along each side of a pooled RoI


def split_scores(array: np.ndarray) -> np.ndarray:
    """Reorders the channels of the RPN's scores, the first axis: (background, foreground) an anchor to all of each."""
    return np.concatenate([array[0::2], array[1::2]])


def with_x_first(array: np.ndarray) -> np.ndarray:
    """Reorders box deltas, four an anchor or class along the first axis: (dy, dx, dh, dw) to (dx, dy, dw, dh)."""
    return array.reshape(-1, 4, *array.shape[1:])[:, [1, 0, 3, 2]].reshape(array.shape)


def coco_classes(outputs: np.ndarray) -> Tuple[str, ...]:
    """Returns COCO's classes for a layer of 81 outputs, background first; () for another number."""
    return tuple(COCO_CLASSES) if len(outputs) == len(COCO_CLASSES) + 1 else ()
