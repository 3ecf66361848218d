"""Detections drawn on images."""
import colorsys
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from ..files import atomic_write


def draw_detections(image, ids, scores, boxes, classes, path):
    """Draws boxes with class names and scores on an image, and writes a picture of the image's size.

    Parameters
    ----------
    image : uint8 array (H, W, 3), RGB
    ids : int array (n,)
        Class of each box, 0..C-1.
    scores : float array (n,), or None for ground truth
    boxes : float array (n, 4)
        (x1, y1, x2, y2), pixels of the image, inclusive ends.
    classes : sequence of C str
    path : str or Path
        Picture to write, atomically; its extension is the format.
    """
    picture = Image.fromarray(np.ascontiguousarray(image, np.uint8))
    draw = ImageDraw.Draw(picture)
    unit = max(picture.size)
    line = max(1, round(unit / 320))
    font = ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"),
                              int(np.clip(unit / 42, 9, 26)))
    order = np.arange(len(ids)) if scores is None else np.argsort(-np.asarray(scores), kind="stable")
    for index in order[::-1]:
        x1, y1, x2, y2 = (float(value) for value in boxes[index])
        # A side below one pixel has its inclusive end before its start.
        draw.rectangle((x1, y1, max(x1, x2), max(y1, y2)), outline=_color(int(ids[index])), width=line)
    taken = []
    for index in order:
        text = classes[int(ids[index])] + ("" if scores is None else f" {scores[index]:.2f}")
        _label(draw, text, boxes[index], _color(int(ids[index])), font, picture.size, taken)
    with atomic_write(path) as temporary:
        picture.save(temporary, **({"quality": 92} if Path(path).suffix.lower() in (".jpg", ".jpeg") else {}))


def _label(draw, text, box, color, font, size, taken):
    """Writes `text` at a corner of `box` where the image has room and, if one is free, no other label stands."""
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    width, height = right - left + 4, bottom - top + 4
    x1, y1, x2, y2 = (int(round(float(value))) for value in box)
    corners = [(x1, y1 - height), (x2 - width + 1, y1 - height), (x1, y2 + 1), (x2 - width + 1, y2 + 1), (x1, y1),
               (x1, y2 - height + 1)]
    inside = [(x, y) for x, y in corners if 0 <= x <= size[0] - width and 0 <= y <= size[1] - height]
    # A label wider than its image starts at the left edge.
    first = inside[0] if inside else (max(0, min(x1, size[0] - width)), max(0, min(y1, size[1] - height)))
    free = [corner for corner in inside if not any(_overlap(corner, (width, height), other) for other in taken)]
    x, y = free[0] if free else first
    taken.append((x, y, x + width, y + height))
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=color)
    dark = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] < 140
    draw.text((x + 2 - left, y + 2 - top), text, font=font, fill=(255, 255, 255) if dark else (0, 0, 0))


def _overlap(corner, size, other):
    return (corner[0] < other[2] and other[0] < corner[0] + size[0]
            and corner[1] < other[3] and other[1] < corner[1] + size[1])


def _color(index):
    """A class's colour: hues a golden section apart stay unlike for any number of classes."""
    hue = (0.03 + 0.618034 * index) % 1
    value = (0.95, 0.75, 1.0)[index % 3]
    return tuple(int(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.85, value))
