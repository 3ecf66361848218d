"""The rows of an image's ground truth in a batch: boxes to learn, and regions of which nothing is known."""
from typing import Tuple

import numpy as np

from ..record import Record, training_boxes, training_regions

# The class of a row that is a region which neither anchors nor RoIs are drawn from as background. Objects have the
# classes from 1, and rows of padding -1. `operators.boxes` has the same number.
IGNORED_REGION = -2


def batch_boxes(record: Record, ignore_crowd_and_difficult: bool = True) -> Tuple[np.ndarray, np.ndarray]:
    """Returns the boxes of a record that a training batch holds, those of objects first, then ignored regions.

    Args:
        record: the image.
        ignore_crowd_and_difficult: see `crowd_and_difficult` of `training_regions`.

    Returns:
        boxes: (m, 4), in the frame of the original image, see `Record`.
        classes: int32 (m,), counted from 0 as `preprocess` takes them: regions have `IGNORED_REGION` - 1.
    """
    boxes, classes = training_boxes(record)
    regions = training_regions(record, ignore_crowd_and_difficult)
    return (np.concatenate([boxes, regions]),
            np.concatenate([classes, np.full(len(regions), IGNORED_REGION - 1, np.int32)]))
