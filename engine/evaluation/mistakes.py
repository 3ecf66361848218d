"""What a detector got wrong in each image: the objects that it missed, and its false detections."""
from typing import List, NamedTuple, Sequence

import numpy as np

from ...data import Dataset, Record
from ...operators import boxes as box_ops
from .detections import ImageDetections, check_detections


class ImageMistakes(NamedTuple):
    """The detections of one image beside its ground truth.

    Attributes:
        record: the image and its ground truth.
        detections: ids (k,), scores (k,), boxes (k, 4), those with the highest scores first.
        found: bool (n,), whether a detection was assigned to each object of the record.
        counted: bool (n,), False for objects that do not count: crowds, difficult and ignored ones.
        correct: bool (k,), whether each detection was assigned to an object that counts.
        false: bool (k,). A detection that is neither correct nor false lies on what does not count.
    """

    record: Record
    detections: ImageDetections
    found: np.ndarray
    counted: np.ndarray
    correct: np.ndarray
    false: np.ndarray

    @property
    def missed(self) -> np.ndarray:
        """bool (n,), True for objects that count and were not found."""
        return self.counted & ~self.found

    @property
    def count(self) -> int:
        """Number of missed objects and false detections."""
        return int(self.missed.sum() + self.false.sum())


def find_mistakes(dataset: Dataset, detections: Sequence[ImageDetections], threshold: float = 0.5,
                  least_iou: float = 0.5) -> List[ImageMistakes]:
    """Compares the detections of a data set with its ground truth, image by image.

    In each image the detection with the highest score chooses first, the object of its class with which it has the
    highest IoU and that no other detection chose. A detection that finds none is false, unless it lies on something
    that does not count: a crowd or a region of which at least `least_iou` of its area is covered, or a difficult or
    ignored object with which it has that IoU.

    Args:
        dataset: the data set that was tested.
        detections: of each image, see `check_detections`.
        threshold: detections of lower scores are not looked at.
        least_iou: IoU from which a detection finds an object.

    Returns:
        The images, that with most mistakes first; of images with equally many, that which misses more is first.

    Raises:
        UsageError: the detections are not those of the data set.
    """
    images = [_compare(record, *of_image, threshold, least_iou)
              for record, of_image in zip(dataset.records, check_detections(dataset, detections))]
    return sorted(images, key=lambda image: (-image.count, -int(image.missed.sum())))


def _compare(record: Record, ids: np.ndarray, scores: np.ndarray, boxes: np.ndarray, threshold: float,
             least_iou: float) -> ImageMistakes:
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= threshold]
    ids, scores, boxes = ids[order], scores[order], boxes[order]
    counted = ~(record.crowd | record.difficult | record.ignored)
    truth = record.boxes.astype(np.float64)
    overlaps = box_ops.iou(boxes[None], truth[None])[0]
    inside = box_ops.share_inside(boxes[None], np.concatenate([truth[record.crowd], record.regions])[None])[0]
    same_class = ids[:, None] == record.classes
    # Regions have no class.
    excusing = np.concatenate([same_class[:, record.crowd], np.ones((len(ids), len(record.regions)), bool)], axis=1)
    excused = ((overlaps >= least_iou) & same_class & ~counted & ~record.crowd).any(axis=1)
    excused |= ((inside >= least_iou) & excusing).any(axis=1)
    found, correct = np.zeros(len(truth), bool), np.zeros(len(ids), bool)
    for index in range(len(ids)):
        free = np.where(same_class[index] & counted & ~found, overlaps[index], -1.0)
        if len(free) and free.max() >= least_iou:
            found[free.argmax()] = correct[index] = True
    return ImageMistakes(record, (ids, scores, boxes), found, counted, correct, ~correct & ~excused)
