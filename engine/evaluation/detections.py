"""The detections of a data set, as every metric takes them."""
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from ...data import Dataset
from ...errors import UsageError

# ids (k,), scores (k,), boxes (k, 4) of one image.
ImageDetections = Tuple[np.ndarray, np.ndarray, np.ndarray]


class Found(NamedTuple):
    """The detections of all images as arrays; those of one image follow each other, in its order.

    Attributes:
        images: int32 (n,), positions of the images in `dataset.records`.
        ids: int32 (n,), 0..C-1.
        scores: float64 (n,).
        boxes: float64 (n, 4), rows x1, y1, x2, y2 in pixels of the original image, inclusive ends.
    """

    images: np.ndarray
    ids: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray


def check_detections(dataset: Dataset, detections: Sequence[ImageDetections]) -> List[ImageDetections]:
    """Checks that detections belong to a data set.

    Args:
        dataset: the data set that was tested.
        detections: (ids, scores, boxes) of each image, in the order of `dataset.records`: ids int (k,), 0..C-1; scores
            (k,); boxes (k, 4), rows x1, y1, x2, y2 in pixels of the original image, inclusive ends.

    Returns:
        The same as arrays; arrays are not copied.

    Raises:
        UsageError: the number of images differs, or the detections of an image have other shapes, ids that are not
            classes of the data set, or numbers that are not finite; the message names the image.
    """
    if len(detections) != len(dataset.records):
        raise UsageError(f"detections of {len(detections)} images for the {len(dataset.records)} of {dataset.name}")
    checked = []
    for record, of_image in zip(dataset.records, detections):
        where = f"detections in image {record.image_id!r} of {dataset.name}"
        ids, scores, boxes = map(np.asarray, of_image)
        if ids.ndim != 1 or scores.shape != ids.shape or boxes.shape != (len(ids), 4):
            raise UsageError(f"{where}: ids, scores and boxes have the shapes {ids.shape}, {scores.shape} and "
                             f"{boxes.shape}, not (k,), (k,) and (k, 4)")
        if not ((ids >= 0) & (ids < len(dataset.classes))).all():
            raise UsageError(f"{where}: the ids {ids.min()} to {ids.max()} are not all among those of the "
                             f"{len(dataset.classes)} classes")
        if not (np.isfinite(scores).all() and np.isfinite(boxes).all()):
            raise UsageError(f"{where}: a score or a box is not finite")
        checked.append((ids, scores, boxes))
    return checked


def join_detections(dataset: Dataset, detections: Sequence[ImageDetections]) -> Found:
    """Returns the detections of all images as arrays, see `check_detections`, which is called first."""
    ids, scores, boxes = zip(*check_detections(dataset, detections))
    images = np.repeat(np.arange(len(ids), dtype=np.int32), [len(one) for one in ids])
    return Found(images, np.concatenate(ids).astype(np.int32), np.concatenate(scores).astype(np.float64),
                 np.concatenate(boxes).astype(np.float64))
