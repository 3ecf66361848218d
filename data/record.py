"""The record of one image and its boxes, which every reader of a data set yields."""
from dataclasses import dataclass
from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np


class Annotation(NamedTuple):
    """One annotated object of an image.

    Attributes:
        box: x1, y1, x2, y2 in the frame of the original image: 0-based pixels, inclusive ends.
        class_id: 0..C-1, background is not counted.
        difficult: True for a VOC object that neither training nor evaluation counts.
        crowd: True for a COCO box around a group of objects.
        area: of the object in pixels, as the annotation states it; None for that of the box.
        ignored: True for an object whose annotation has a fault of a kind that is ignored: neither training nor
            evaluation counts it.
    """

    box: Sequence[float]
    class_id: int
    difficult: bool = False
    crowd: bool = False
    area: Optional[float] = None
    ignored: bool = False


@dataclass(frozen=True, eq=False)
class Record:
    """One image and its boxes; two records are equal only if they are the same object.

    Attributes:
        image_id: the id of the image in COCO, the stem of the file's name elsewhere. Two records may have the same.
        path: the image file.
        width, height: size in pixels of the frame that the boxes are in: that of the image as `read_image` reads it.
        boxes: float32 (n, 4), rows x1, y1, x2, y2 in the frame of the original image: 0-based pixels, inclusive ends.
        classes: int32 (n,), 0..C-1, background is not counted.
        difficult: bool (n,), True for VOC objects that neither training nor evaluation counts.
        crowd: bool (n,), True for COCO boxes around a group of objects.
        areas: float64 (n,), area of each object in pixels, by which COCO tells small and large objects apart.
        ignored: bool (n,), True for objects that neither training nor evaluation counts, because their annotation has a
            fault of a kind that is ignored.
        regions: float32 (k, 4), in the frame of `boxes`: where annotations were left out, so that nothing is known.
            Training draws neither anchors nor RoIs from there.
        upright: whether the boxes are in the frame of the image as viewers show it, turned as its EXIF orientation
            says; False where it was labelled as it is stored.
    """

    image_id: Union[int, str]
    path: str
    width: int
    height: int
    boxes: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray
    crowd: np.ndarray
    areas: np.ndarray
    ignored: np.ndarray
    regions: np.ndarray
    upright: bool = True


def make_record(image_id: Union[int, str], path: str, width: int, height: int, annotations: Iterable[Annotation],
                regions: Iterable[Sequence[float]] = (), upright: bool = True) -> Record:
    """Builds the record of an image from a list of its annotations, which may be empty.

    Args:
        image_id, path, width, height, upright: see `Record`.
        annotations: one `Annotation` an object.
        regions: boxes of annotations that were left out, see `Record`.
    """
    annotations = [Annotation(*annotation) for annotation in annotations]
    boxes = np.array([a.box for a in annotations], np.float32).reshape(-1, 4)
    box_areas = (boxes[:, 2] - boxes[:, 0] + 1.0) * (boxes[:, 3] - boxes[:, 1] + 1.0)
    areas = [area if a.area is None else a.area for a, area in zip(annotations, box_areas)]
    return Record(image_id, path, width, height, boxes,
                  classes=np.array([a.class_id for a in annotations], np.int32),
                  difficult=np.array([a.difficult for a in annotations], bool),
                  crowd=np.array([a.crowd for a in annotations], bool),
                  areas=np.array(areas, np.float64),
                  ignored=np.array([a.ignored for a in annotations], bool),
                  regions=np.array(list(regions), np.float32).reshape(-1, 4),
                  upright=upright)


def training_boxes(record: Record) -> Tuple[np.ndarray, np.ndarray]:
    """Returns the ground truth to train on: the boxes that are neither crowds nor difficult nor ignored.

    Returns:
        boxes: float32 (m, 4), in the frame of the original image, see `Record`.
        classes: int32 (m,), 0..C-1.
    """
    keep = ~(record.crowd | record.difficult | record.ignored)
    return record.boxes[keep], record.classes[keep]


def training_regions(record: Record, crowd_and_difficult: bool = True) -> np.ndarray:
    """Returns the regions of an image that training draws neither anchors nor RoIs from.

    Args:
        record: the image.
        crowd_and_difficult: count the boxes of crowds and of difficult objects among them; without it they are
            background, as in the MXNet original.

    Returns:
        float32 (k, 4), in the frame of the original image, see `Record`.
    """
    chosen = record.ignored | ((record.crowd | record.difficult) if crowd_and_difficult else False)
    return np.concatenate([record.regions, record.boxes[chosen]])


def drop_images_without_boxes(records: Iterable[Record]) -> List[Record]:
    """Returns the records, in their order, that have at least one box to train on (see `training_boxes`)."""
    return [record for record in records if len(training_boxes(record)[0])]
