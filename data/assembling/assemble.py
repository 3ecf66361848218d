"""Makes records of what readers yield, under one policy for faults, whatever the layout."""
import contextlib
from collections import Counter
from typing import Any, Callable, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from ...errors import DataError
from ..pictures.pillow import MAX_MEGAPIXELS
from ..record import Record
from .faults import FaultLog
from .meaning import as_area, as_class_name, as_flag, shown
from .placing import PlacedImage, place_images
from .raw import FRACTIONS, NoBox, RawObject, RawSet
from .raw_boxes import FittedBoxes, another_format, as_coco_boxes, stated_numbers

_STAYS, _IGNORED, _REGION, _GONE = range(4)  # what becomes of an object


def assemble(raw: RawSet, classes: Sequence[str], log: FaultLog, unread: Optional[Counter] = None,
             max_megapixels: float = MAX_MEGAPIXELS) -> List[Record]:
    """Makes the records of an image set: finds the image files, lays the boxes on them and reports all faults.

    Args:
        raw: what a reader yielded.
        classes: names of the classes in the order of their ids. Objects of other classes are not seen: they become
            neither boxes nor regions.
        log: where faults are reported.
        unread: counts the objects of other classes by their name.
        max_megapixels: limit for the number of pixels of an image, in millions.

    Returns:
        The records of the images that can be used, in the order of `raw`.

    Raises:
        DataError: a fault of a kind that is an error, or half of the images or more cannot be found or read.
    """
    images = place_images(raw, log, max_megapixels)
    objects = _Objects(images, classes, Counter() if unread is None else unread)
    sizes = np.array([(image.width, image.height) for image in images], np.float64).reshape(-1, 2)[objects.image]
    no_box = np.array([type(one.box) is NoBox for one in objects.raw], bool)
    boxes = [one.box.place if type(one.box) is NoBox else one.box for one in objects.raw]
    numbers = stated_numbers(boxes)
    doubt = another_format(numbers, raw.box_format, sizes)
    if doubt:
        log.report("boxes_of_another_format", f"{images[0].raw.where}: {doubt}")
    stated = as_coco_boxes(numbers, raw.box_format, sizes)
    scale = np.array([image.scale for image in images], np.float64).reshape(-1, 2)[objects.image]
    if raw.box_format not in FRACTIONS and (scale != 1).any():
        stated = stated * np.tile(scale, 2)
    fitted = FittedBoxes(stated, sizes)
    difficult, odd_difficult = _read_column([one.difficult for one in objects.raw], as_flag, bool)
    crowd, odd_crowd = _read_column([one.crowd for one in objects.raw], as_flag, bool)
    areas, odd_area = _read_areas([one.area for one in objects.raw])
    areas = areas * scale.prod(axis=1)
    odd = odd_difficult | odd_crowd | odd_area
    fate = np.where(objects.left_out, np.where(fitted.nothing_left, _GONE, _REGION), _STAYS)
    faulty = objects.class_id < 0
    for mask in (no_box, fitted.not_numbers, fitted.inverted, fitted.outside, fitted.over_edge, odd):
        faulty = faulty | mask
    for row in np.flatnonzero(faulty & ~objects.left_out).tolist():
        fate[row] = _judge(row, images, objects, no_box, fitted, odd, log)
    for row in np.flatnonzero(objects.region & fitted.not_numbers).tolist():
        log.report("box_not_numbers", f"{objects.where(row, images)}: the region {objects.raw[row].box!r} is not four "
                                      "finite numbers")
    # The metrics take boxes as they are stated, but for those that were mended.
    mended = fitted.over_edge | fitted.inverted | fitted.not_numbers
    corners = fitted.boxes
    cut = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2] + 1], axis=1)
    coco_boxes = np.where(mended[:, None], cut, stated)
    areas = np.where(np.isnan(areas) | odd_area, coco_boxes[:, 2] * coco_boxes[:, 3], areas)
    keep, region = fate <= _IGNORED, fate == _REGION
    columns = (corners[keep].astype(np.float32), objects.class_id[keep].astype(np.int32), difficult[keep], crowd[keep],
               areas[keep], (fate == _IGNORED)[keep], coco_boxes[keep])
    of_objects = _slices(objects.image[keep], len(images))
    of_regions = _slices(objects.image[region], len(images))
    regions = corners[region].astype(np.float32)
    return [Record(image.raw.image_id, image.path, image.width, image.height, *(column[one] for column in columns),
                   regions[two], image.upright) for image, one, two in zip(images, of_objects, of_regions)]


class _Objects:
    """The objects of all images behind one another, but those of classes that were not asked for.

    Attributes:
        raw: n objects.
        class_id: (n,), -1 for a class that its file does not declare.
        image: (n,), positions in the list of images.
        left_out: bool (n,), True for those of entries that were left out, and for regions without labels.
        region: bool (n,), True for regions without labels.
    """

    def __init__(self, images: Sequence[PlacedImage], classes: Sequence[str], unread: Counter):
        ids = {name: position for position, name in enumerate(classes)}
        ids[None] = -1
        self.raw: List[RawObject] = []
        class_id, image_of, left_out = [], [], []
        for position, image in enumerate(images):
            for objects, out in ((image.raw.objects, False), (image.left_out, True)):
                for one in objects:
                    label = one.label if one.label in ids else as_class_name(one.label)
                    known = ids.get(label)
                    if known is None:
                        unread[label] += 1
                        continue
                    self.raw.append(one)
                    class_id.append(known)
                    image_of.append(position)
                    left_out.append(out or one.region)
        self.class_id = np.array(class_id, np.int64)
        self.image = np.array(image_of, np.int64)
        self.left_out = np.array(left_out, bool)
        self.region = np.array([one.region for one in self.raw], bool)

    def where(self, row: int, images: Sequence[PlacedImage]) -> str:
        """Names an object, for messages."""
        one = self.raw[row]
        return f"{images[self.image[row]].raw.where}, annotation {one.position} ({one.label or 'no class'})"


def _judge(row: int, images: Sequence[PlacedImage], objects: _Objects, no_box: np.ndarray, fitted: FittedBoxes,
           odd: np.ndarray, log: FaultLog) -> int:
    """Reports the faults of one object, until it is left out; returns what becomes of it."""
    one, image = objects.raw[row], images[objects.image[row]]
    where = objects.where(row, images)
    size = f"the image of {image.width} x {image.height} pixels"
    fate = _STAYS
    for kind, mask, text in (
            ("class_unknown", objects.class_id < 0, "it states no class" if one.stated_class in (None, "", [], {})
             else f"class {shown(one.stated_class)} is not declared"),
            ("no_box", no_box, one.box.why if no_box[row] else ""),
            ("box_not_numbers", fitted.not_numbers, f"box {one.box!r} is not four finite numbers"),
            ("box_inverted", fitted.inverted, f"box {one.box!r} ends before it begins"),
            ("box_outside", fitted.outside, f"box {one.box!r} lies outside {size}"),
            ("box_over_edge", fitted.over_edge, f"box {one.box!r} reaches over the edge of {size}"),
            ("value_not_understood", odd, _odd_values(one) if odd[row] else "")):
        if not mask[row]:
            continue
        action = log.report(kind, f"{where}: {text}")
        if action == "drop":
            return _GONE if fitted.nothing_left[row] else _REGION
        if action == "ignore":
            fate = _GONE if fitted.nothing_left[row] else _IGNORED
    return fate


def _odd_values(one: RawObject) -> str:
    """Says which of an object's values are not understood."""
    texts = []
    for name, value, read in (("difficult", one.difficult, as_flag), ("crowd", one.crowd, as_flag),
                              ("area", one.area, as_area)):
        try:
            read(value)
        except DataError as error:
            texts.append(f"{name}: {error}")
    return "; ".join(texts)


def _read_column(values: Sequence[Any], read: Callable[[Any], Any], dtype: Any) -> Tuple[np.ndarray, np.ndarray]:
    """Reads one value of each object; values that are equal are read once.

    Returns:
        (n,) of `dtype`, 0 where the value is not understood, and bool (n,), True there.
    """
    meanings = {}
    column, odd = [], []
    for value in values:
        key = (type(value), value) if isinstance(value, (str, int, float, type(None))) else None
        if key in meanings:
            meaning = meanings[key]
        else:
            try:
                meaning = read(value)
            except DataError:
                meaning = None
            if key is not None and len(meanings) < 1000:
                meanings[key] = meaning
        column.append(0 if meaning is None else meaning)
        odd.append(meaning is None)
    return np.array(column, dtype), np.array(odd, bool)


def _read_areas(values: Sequence[Any]) -> Tuple[np.ndarray, np.ndarray]:
    """Reads the areas as `_read_column` does; NaN where none is stated."""
    if set(map(type, values)) <= {int, float}:  # as in nearly all files
        with contextlib.suppress(OverflowError):  # a whole number beyond the range of float64
            areas = np.array(values, np.float64)
            odd = ~np.isfinite(areas) | (areas < 0)
            return np.where(odd, 0, areas), odd
    return _read_column(values, _area_or_nan, np.float64)


def _area_or_nan(value: Any) -> float:
    area = as_area(value)
    return np.nan if area is None else area


def _slices(image: np.ndarray, count: int) -> Iterable[slice]:
    """Returns which rows belong to each of `count` images; rows are sorted by image."""
    ends = np.cumsum(np.bincount(image, minlength=count)).tolist()
    return map(slice, [0, *ends], ends)
