"""The record of one image and its boxes, which every reader of a data set yields."""
from dataclasses import dataclass
from typing import Iterable, NamedTuple, Optional, Sequence, Tuple, Union

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
        coco_box: x, y, width, height as COCO's metrics take them, see `Record.coco_boxes`; None for those of `box`.
    """

    box: Sequence[float]
    class_id: int
    difficult: bool = False
    crowd: bool = False
    area: Optional[float] = None
    ignored: bool = False
    coco_box: Optional[Sequence[float]] = None


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
        coco_boxes: float64 (n, 4), rows x, y, width, height in the frame of `boxes`, as COCO's metrics take them: in
            double precision and as the annotation states them. `boxes` are these in single precision, with sides of at
            least one pixel, and clipped to the image.
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
    coco_boxes: np.ndarray
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
    coco_boxes = [_coco_box(*a.box) if a.coco_box is None else a.coco_box for a in annotations]
    areas = [box[2] * box[3] if a.area is None else a.area for a, box in zip(annotations, coco_boxes)]
    return Record(image_id, path, width, height,
                  boxes=np.array([a.box for a in annotations], np.float32).reshape(-1, 4),
                  classes=np.array([a.class_id for a in annotations], np.int32),
                  difficult=np.array([a.difficult for a in annotations], bool),
                  crowd=np.array([a.crowd for a in annotations], bool),
                  areas=np.array(areas, np.float64),
                  ignored=np.array([a.ignored for a in annotations], bool),
                  coco_boxes=np.array(coco_boxes, np.float64).reshape(-1, 4),
                  regions=np.array(list(regions), np.float32).reshape(-1, 4),
                  upright=upright)


def _coco_box(x1: float, y1: float, x2: float, y2: float) -> Tuple[float, float, float, float]:
    return float(x1), float(y1), float(x2) - float(x1) + 1.0, float(y2) - float(y1) + 1.0


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
