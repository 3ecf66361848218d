"""Pictures of ground truth, alone and with the detections beside which it was put."""
from typing import List, Optional, Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw

from ...data import Record, read_image
from .box_drawing import DrawnBox, class_color, draw_boxes

# Of what was found and missed. They differ in how light they are too, for people who do not tell red from green.
FOUND, MISSED, CORRECT, FALSE = (60, 200, 80), (230, 30, 30), (70, 160, 255), (255, 160, 0)
NOT_COUNTED = (190, 190, 190)
_HATCHING = (128, 128, 128)


def draw_truth(record: Record, classes: Sequence[str], limit: Optional[int] = None,
               least: int = 0) -> Image.Image:
    """Draws the ground truth of an image on it.

    Objects have the colour of their class. Those that count neither in training nor in a test (crowds, difficult and
    ignored ones) are dashed, and labelled so. Regions where annotations were left out are hatched.

    Args:
        record: the image.
        classes: names of the classes by id.
        limit: the longer side of the picture in pixels, where it is to be smaller than the image.
        least: the same, where it is to be larger.

    Raises:
        DataError: the image cannot be read.
    """
    picture, scale = _open(record, limit, least)
    marks = [_mark(record, index) for index in range(len(record.boxes))]
    boxes = [DrawnBox(_scaled(box, scale), class_color(int(class_id)), _text(classes[class_id]),
                      f" ({mark})" if mark else "", f"class {class_id}", bool(mark))
             for box, class_id, mark in zip(record.boxes, record.classes, marks)]
    hatch(picture, [_scaled(region, scale) for region in record.regions])
    # Small objects are on top of large ones.
    draw_boxes(picture, sorted(boxes, key=lambda drawn: _area(drawn.box)), sparing=True)
    return picture


def draw_comparison(record: Record, classes: Sequence[str], found: np.ndarray, counted: np.ndarray,
                    detections: Tuple[np.ndarray, np.ndarray, np.ndarray], correct: np.ndarray,
                    false: np.ndarray, least: int = 0) -> Image.Image:
    """Draws ground truth and detections on an image, coloured by what was found and what was missed.

    Args:
        record: the image.
        classes: names of the classes by id.
        found: bool (n,), objects that a detection found.
        counted: bool (n,), objects that count; the others are dashed.
        detections: ids (k,), scores (k,), boxes (k, 4) in the frame of the record's boxes.
        correct, false: bool (k,), detections that found an object, and false ones.
        least: the longer side of the picture in pixels, where it is to be larger than the image.

    Raises:
        DataError: the image cannot be read.
    """
    picture, scale = _open(record, None, least)
    truth = [_scaled(box, scale) for box in record.boxes]
    found_boxes = [_scaled(box, scale) for box in detections[2]]
    hatch(picture, [_scaled(region, scale) for region in record.regions])
    boxes: List[DrawnBox] = []
    for index in np.flatnonzero(counted & ~found):
        boxes.append(DrawnBox(truth[index], MISSED, _text(classes[record.classes[index]])))
    for index in [*np.flatnonzero(false), *np.flatnonzero(correct), *np.flatnonzero(~correct & ~false)]:
        color = FALSE if false[index] else CORRECT if correct[index] else NOT_COUNTED
        boxes.append(DrawnBox(found_boxes[index], color, _text(classes[detections[0][index]]),
                              f" {detections[1][index]:.2f}"))
    boxes += [DrawnBox(truth[index], FOUND) for index in np.flatnonzero(counted & found)]
    boxes += [DrawnBox(truth[index], NOT_COUNTED, _text(classes[record.classes[index]]),
                       f" ({_mark(record, index)})", dashed=True) for index in np.flatnonzero(~counted)]
    draw_boxes(picture, boxes, sparing=True)
    return picture


def _open(record: Record, limit: Optional[int], least: int) -> Tuple[Image.Image, np.ndarray]:
    """Returns the picture, and the factors (horizontal, vertical) by which it is larger than the image."""
    picture = Image.fromarray(read_image(record))
    size = np.array(picture.size)
    side = max(size.max(), least) if limit is None else min(size.max(), limit)
    if side != size.max():
        width, height = np.maximum(np.round(size * (side / size.max())), 1).astype(int).tolist()
        picture = picture.resize((width, height), Image.BICUBIC, reducing_gap=2.0)
    return picture, np.array(picture.size) / size


def _scaled(box: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Returns a box with inclusive ends in the frame of an image that was resized."""
    x1, y1, x2, y2 = box.astype(float)
    return np.array([x1 * scale[0], y1 * scale[1], (x2 + 1) * scale[0] - 1, (y2 + 1) * scale[1] - 1])


def _mark(record: Record, index: int) -> str:
    return "crowd" if record.crowd[index] else "difficult" if record.difficult[index] else (
        "ignored" if record.ignored[index] else "")


def _text(name: str) -> str:
    return " ".join(name.split())


def _area(box: np.ndarray) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def hatch(picture: Image.Image, regions: Sequence[np.ndarray]) -> None:
    """Covers regions with a light gray and with slanting lines."""
    for region in regions:
        x1, y1 = (max(int(value), 0) for value in region[:2])
        x2, y2 = min(round(region[2]), picture.width - 1), min(round(region[3]), picture.height - 1)
        if x2 < x1 or y2 < y1:
            continue
        part = picture.crop((x1, y1, x2 + 1, y2 + 1))
        part = Image.blend(part, Image.new("RGB", part.size, _HATCHING), 0.5)
        canvas = ImageDraw.Draw(part)
        step = max(round((picture.width * picture.height) ** 0.5 / 60), 6)
        for start in range(-part.height, part.width, step):
            canvas.line((start, part.height, start + part.height, 0), fill=(255, 255, 255), width=max(step // 8, 1))
        picture.paste(part, (x1, y1))


