"""Figures of an image set: how many images and boxes, of which classes, of which sizes."""
from typing import Any, Dict, NamedTuple, Sequence, Tuple

import numpy as np

from ..record import Record
from ..record_columns import image_field, joined_field, object_counts

# The size of a box in its image is the root of the share of the area that it covers. COCO calls objects small under
# 32 x 32 pixels and large from 96 x 96 on; its usual image has 640 x 480 pixels.
SMALL_UNDER, LARGE_FROM = 32 / (640 * 480) ** 0.5, 96 / (640 * 480) ** 0.5


class Spread(NamedTuple):
    """The least, the median and the greatest of some numbers; all 0 where there are none."""

    least: float
    median: float
    most: float


class SetStatistics(NamedTuple):
    """Figures of one image set.

    Attributes:
        images: number of images.
        images_without_boxes: of them, those without any box.
        boxes: number of boxes, of crowds, difficult and ignored objects too.
        crowd, difficult, ignored: number of boxes that are marked so, see `Record`.
        regions: number of places where annotations were left out, see `Record`.
        boxes_of_class: number of boxes of class 0, 1, ...
        images_of_class: number of images that have a box of class 0, 1, ...
        width, height: of the images, in pixels.
        aspect: width of the images divided by their height.
        boxes_per_image: number of boxes in an image.
        box_width, box_height: in pixels.
        small, medium, large: number of boxes by their size in their image, see `SMALL_UNDER` and `LARGE_FROM`.
    """

    images: int
    images_without_boxes: int
    boxes: int
    crowd: int
    difficult: int
    ignored: int
    regions: int
    boxes_of_class: Tuple[int, ...]
    images_of_class: Tuple[int, ...]
    width: Spread
    height: Spread
    aspect: Spread
    boxes_per_image: Spread
    box_width: Spread
    box_height: Spread
    small: int
    medium: int
    large: int

    def as_json(self, classes: Sequence[str]) -> Dict[str, Any]:
        """Returns the figures as a dict for a JSON file; those of classes are by the name of the class."""
        values = self._asdict()
        for key in ("boxes_of_class", "images_of_class"):
            values[key] = dict(zip(classes, values[key]))
        return {key: dict(value._asdict()) if isinstance(value, Spread) else value for key, value in values.items()}


def set_statistics(records: Sequence[Record], number_of_classes: int) -> SetStatistics:
    """Computes the figures of an image set.

    Args:
        records: of the set; their images are not read.
        number_of_classes: background is not counted.
    """
    counts = object_counts(records)
    widths, heights = image_field(records, "width").astype(float), image_field(records, "height").astype(float)
    boxes, classes = joined_field(records, "boxes").astype(float), joined_field(records, "classes").astype(int)
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    sizes = np.sqrt(sides.prod(axis=1) / np.repeat(widths * heights, counts))
    pairs = np.unique(np.stack([np.repeat(np.arange(len(records)), counts), classes]), axis=1)
    return SetStatistics(
        images=len(records),
        images_without_boxes=int((counts == 0).sum()),
        boxes=len(boxes),
        crowd=int(joined_field(records, "crowd").sum()),
        difficult=int(joined_field(records, "difficult").sum()),
        ignored=int(joined_field(records, "ignored").sum()),
        regions=int(object_counts(records, "regions").sum()),
        boxes_of_class=tuple(np.bincount(classes, minlength=number_of_classes).tolist()),
        images_of_class=tuple(np.bincount(pairs[1], minlength=number_of_classes).tolist()),
        width=_spread(widths),
        height=_spread(heights),
        aspect=_spread(widths / heights),
        boxes_per_image=_spread(counts),
        box_width=_spread(sides[:, 0]),
        box_height=_spread(sides[:, 1]),
        small=int((sizes < SMALL_UNDER).sum()),
        medium=int(((sizes >= SMALL_UNDER) & (sizes < LARGE_FROM)).sum()),
        large=int((sizes >= LARGE_FROM).sum()))


def _spread(values: np.ndarray) -> Spread:
    if not len(values):
        return Spread(0.0, 0.0, 0.0)
    return Spread(float(values.min()), float(np.median(values)), float(values.max()))
