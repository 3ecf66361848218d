"""Boxes with labels, drawn on a picture: the part that pictures of detections and of ground truth share."""
import colorsys
import math
from pathlib import Path
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np
from matplotlib import get_data_path
from matplotlib.font_manager import get_font
from PIL import Image, ImageDraw, ImageFont

# DejaVu Sans comes with Matplotlib. It has Latin, Greek, Cyrillic, Arabic, Hebrew and more letters, but no Chinese.
_FONT_FILE = str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
# The size of text and the width of lines as shares of the image's size, the root of its area, and their least pixels.
_TEXT_SHARE, _LEAST_TEXT = 1 / 44, 10
_LINE_SHARE, _LEAST_LINE = 1 / 350, 1
# Labels higher than this share of the image's height would hide too much of it, and are left out.
_LABEL_SHARE = 1 / 4
# A label that is this many times as wide as its box hides what is beside the box; it can be left out where there are
# more than a few boxes.
_WIDE_LABEL, _FEW_BOXES = 2, 8
# Dashes are this many times as long as lines are wide, and so are the gaps between them.
_DASH = 4

Color = Tuple[int, int, int]
Rectangle = Tuple[int, int, int, int]  # x1, y1, x2, y2 with exclusive ends


class DrawnBox(NamedTuple):
    """A box with its label.

    Attributes:
        box: x1, y1, x2, y2 in pixels of the picture, inclusive ends.
        color: of the lines and of the label.
        name: text of the label, which is cut where the picture is too narrow; empty for no label.
        end: end of the label, which is never cut.
        instead: text for a name with letters that the font lacks.
        dashed: whether the lines are dashed.
    """

    box: Sequence[float]
    color: Color
    name: str = ""
    end: str = ""
    instead: str = ""
    dashed: bool = False


def draw_boxes(picture: Image.Image, boxes: Sequence[DrawnBox], sparing: bool = False) -> None:
    """Draws boxes and their labels on a picture, which is changed.

    Text and lines grow with the picture. Each label stands at a corner of its box, inside the picture and, where there
    is room, clear of other labels.

    Args:
        picture: RGB.
        boxes: the first ones lie on top of the others, and so do their labels.
        sparing: where there are more than a few boxes, leave out labels that are much wider than their boxes, so that
            a crowd of small objects is not hidden by its labels.
    """
    canvas = ImageDraw.Draw(picture)
    size = math.sqrt(picture.width * picture.height)
    line = max(_LEAST_LINE, round(size * _LINE_SHARE))
    # Pillow takes long for lines that reach far out of the picture.
    corners = np.clip(np.array([drawn.box for drawn in boxes], float).reshape(-1, 4), -line - 1,
                      np.array(picture.size * 2) + line)
    for drawn, (x1, y1, x2, y2) in list(zip(boxes, corners.tolist()))[::-1]:
        # Boxes have inclusive ends: in a box narrower than one pixel x2 is less than x1, which Pillow refuses.
        rectangle = x1, y1, max(x1, x2), max(y1, y2)
        if drawn.dashed:
            _draw_dashed(canvas, rectangle, drawn.color, line)
        else:
            canvas.rectangle(rectangle, outline=drawn.color, width=line)
    labels = _Labels(canvas, picture.size, max(_LEAST_TEXT, round(size * _TEXT_SHARE)))
    for drawn, box in zip(boxes, corners):
        if drawn.name or drawn.instead:
            name = drawn.name if labels.can_write(drawn.name) else drawn.instead
            widest = _WIDE_LABEL * (box[2] - box[0]) if sparing and len(boxes) > _FEW_BOXES else picture.width
            labels.add(name, drawn.end, box, drawn.color, widest)
    labels.write()


def class_color(index: int) -> Color:
    """Returns the colour of a class. Hues are a golden section apart, so that those of any two classes differ."""
    hue = (0.03 + 0.618034 * index) % 1
    value = (0.95, 0.75, 1.0)[index % 3]
    return tuple(int(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.85, value))


class _Labels:
    """The labels of a picture: each gets a place when it is added, and all are written at the end."""

    def __init__(self, canvas: ImageDraw.ImageDraw, size: Tuple[int, int], text_size: int):
        self._canvas, self._size = canvas, size
        self._font = ImageFont.truetype(_FONT_FILE, text_size)
        self._letters = get_font(_FONT_FILE).get_charmap()
        self._margin = round(text_size / 6)
        self._height = sum(self._font.getmetrics()) + self._margin
        self._labels: List[Tuple[str, Rectangle, Color]] = []

    def can_write(self, name: str) -> bool:
        """Returns whether the font has all letters of `name`, and `name` is not empty."""
        return bool(name) and all(ord(letter) in self._letters for letter in name)

    def add(self, name: str, score: str, box: Sequence[float], color: Color, widest: float) -> None:
        """Adds the label of `box`, unless it is wider than `widest` pixels or the image is too small for it."""
        text = self._cut(name, score)
        if text and self._height <= self._size[1] * _LABEL_SHARE and self._width(text) <= widest:
            self._labels.append((text, self._place(self._width(text), box), color))

    def write(self) -> None:
        """Writes all labels, black or white on a patch of their colour, the first one last, on top of the others."""
        for text, (x1, y1, x2, y2), color in self._labels[::-1]:
            self._canvas.rectangle((x1, y1, x2 - 1, y2 - 1), fill=color)
            dark = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] < 140
            self._canvas.text((x1 + self._margin, y1 + self._margin // 2), text, font=self._font,
                              fill=(255, 255, 255) if dark else (0, 0, 0))

    def _cut(self, name: str, score: str) -> str:
        """Returns as much of the text as fits into the width of the image, "" if that is not even one letter."""
        texts = [name + score] + [name[:length] + "…" + score for length in range(len(name) - 1, 0, -1)]
        return next((text for text in texts if self._width(text) <= self._size[0]), "")

    def _width(self, text: str) -> int:
        return math.ceil(self._canvas.textlength(text, font=self._font)) + 2 * self._margin

    def _place(self, width: int, box: Sequence[float]) -> Rectangle:
        """Returns where a label of a box goes: where it covers least of other labels, and else near a corner."""
        x1, y1, x2, y2 = (round(value) for value in box)
        above, below, right = y1 - self._height, y2 + 1, x2 - width + 1
        corners = [(x1, above), (right, above), (x1, below), (right, below), (x1, y1), (x1, y2 - self._height + 1)]
        places = []
        for x, y in corners:
            inside_x = min(max(x, 0), self._size[0] - width)
            inside_y = min(max(y, 0), self._size[1] - self._height)
            place = (inside_x, inside_y, inside_x + width, inside_y + self._height)
            covered = sum(_common_area(place, other) for _, other, _ in self._labels)
            places.append((covered, abs(inside_x - x) + abs(inside_y - y), len(places), place))
        return min(places)[-1]


def _common_area(one: Rectangle, other: Rectangle) -> int:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


def _draw_dashed(canvas: ImageDraw.ImageDraw, rectangle: Sequence[float], color: Color, line: int) -> None:
    """Draws the dashed outline of a rectangle, inside its inclusive ends."""
    x1, y1, x2, y2 = (round(value) for value in rectangle)
    step = _DASH * line
    for start in range(x1, x2 + 1, 2 * step):
        for y in (y1, max(y2 - line + 1, y1)):
            canvas.rectangle((start, y, min(start + step - 1, x2), min(y + line - 1, y2)), fill=color)
    for start in range(y1, y2 + 1, 2 * step):
        for x in (x1, max(x2 - line + 1, x1)):
            canvas.rectangle((x, start, min(x + line - 1, x2), min(start + step - 1, y2)), fill=color)
