"""The record of one image and its boxes, which every reader of a data set yields."""
from dataclasses import dataclass
from typing import Iterable, List, NamedTuple, Sequence, Tuple, Union

import numpy as np


class Annotation(NamedTuple):
    """One annotated object of an image.

    Attributes:
        box: x1, y1, x2, y2 in the frame of the original image: 0-based pixels, inclusive ends.
        class_id: 0..C-1, background is not counted.
        difficult: True for a VOC object that neither training nor evaluation counts.
        crowd: True for a COCO box around a group of objects.
    """

    box: Sequence[float]
    class_id: int
    difficult: bool = False
    crowd: bool = False


@dataclass(frozen=True, eq=False)
class Record:
    """One image and its boxes; two records are equal only if they are the same object.

    Attributes:
        image_id: the id of the image in COCO, the stem of the file's name in VOC.
        path: the image file.
        width, height: size of the original image in pixels.
        boxes: float32 (n, 4), rows x1, y1, x2, y2 in the frame of the original image: 0-based pixels, inclusive ends.
        classes: int32 (n,), 0..C-1, background is not counted.
        difficult: bool (n,), True for VOC objects that neither training nor evaluation counts.
        crowd: bool (n,), True for COCO boxes around a group of objects.
    """

    image_id: Union[int, str]
    path: str
    width: int
    height: int
    boxes: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray
    crowd: np.ndarray


def make_record(image_id: Union[int, str], path: str, width: int, height: int,
                annotations: Iterable[Annotation]) -> Record:
    """Builds the record of an image from a list of its annotations, which may be empty.

    Args:
        image_id, path, width, height: see `Record`.
        annotations: one `Annotation` an object.
    """
    annotations = [Annotation(*annotation) for annotation in annotations]
    return Record(image_id, path, width, height,
                  boxes=np.array([a.box for a in annotations], np.float32).reshape(-1, 4),
                  classes=np.array([a.class_id for a in annotations], np.int32),
                  difficult=np.array([a.difficult for a in annotations], bool),
                  crowd=np.array([a.crowd for a in annotations], bool))


def training_boxes(record: Record) -> Tuple[np.ndarray, np.ndarray]:
    """Returns the ground truth to train on: the boxes that are neither crowds nor difficult.

    Returns:
        boxes: float32 (m, 4), in the frame of the original image, see `Record`.
        classes: int32 (m,), 0..C-1.
    """
    keep = ~(record.crowd | record.difficult)
    return record.boxes[keep], record.classes[keep]


def drop_images_without_boxes(records: Iterable[Record]) -> List[Record]:
    """Returns the records, in their order, that have at least one box to train on (see `training_boxes`)."""
    return [record for record in records if len(training_boxes(record)[0])]
