"""Pictures of detections: boxes with class names and scores, drawn on the image."""
import colorsys
import math
import os
from pathlib import Path
from typing import List, Optional, Sequence, Tuple, Union

import numpy as np
from matplotlib import get_data_path
from matplotlib.font_manager import get_font
from PIL import Image, ImageDraw, ImageFont

from ...data import read_image
from ...errors import UsageError
from ..files import PathLike, atomic_write

# DejaVu Sans comes with Matplotlib. It has Latin, Greek, Cyrillic, Arabic, Hebrew and more letters, but no Chinese.
_FONT_FILE = str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
# The size of text and the width of lines as shares of the image's size, the root of its area, and their least pixels.
_TEXT_SHARE, _LEAST_TEXT = 1 / 44, 10
_LINE_SHARE, _LEAST_LINE = 1 / 350, 1
# Labels higher than this share of the image's height would hide too much of it, and are left out.
_LABEL_SHARE = 1 / 4

Color = Tuple[int, int, int]
Rectangle = Tuple[int, int, int, int]  # x1, y1, x2, y2 with exclusive ends


def draw(image: Union[PathLike, Image.Image, np.ndarray],
         detections: Tuple[np.ndarray, Optional[np.ndarray], np.ndarray], classes: Optional[Sequence[str]] = None,
         threshold: float = 0.5, path: Optional[PathLike] = None) -> Image.Image:
    """Draws boxes with class names and scores on an image.

    Each class has a colour of its own. Text and lines grow with the image, so that they can be read on a photograph of
    12 megapixels that is shown on a screen. Each label stands at a corner of its box, inside the image and, where there
    is room, clear of other labels; where there is none, the label of the better detection is on top. A name that is too
    long for the image is cut, and a name with letters that the font DejaVu Sans lacks, such as Chinese ones, gives way
    to the id of its class. An image too small for text (less than about 60 pixels high) gets boxes alone.

    Args:
        image: path of an image file (turned upright as its EXIF orientation says, as a `Detector` does), or a Pillow
            image, or a uint8 array (H, W, 3), RGB. It is not changed.
        detections: (ids, scores, boxes), as a `Detector` returns them: ids int (n,), the class of each box; scores
            float (n,), or None to draw ground truth, without scores; boxes float (n, 4), rows x1, y1, x2, y2 in pixels
            of the image, inclusive ends.
        classes: names of the classes by id, for example `detector.classes`; None writes "class 0" and so on.
        threshold: detections with a lower score are not drawn.
        path: file to write the picture to, atomically; its extension is its format. None writes no file.

    Returns:
        The picture, RGB, of the size of the image.

    Raises:
        DataError: the image file cannot be read.
        UsageError: an array has another shape or type, an id has no name in `classes`, or no image format has the
            extension of `path`.

    Example::

        detector = lh.load_detector("output/shapes_s")
        lh.draw("photo.jpg", detector("photo.jpg"), detector.classes, path="photo_detections.jpg")
    """
    picture = _open_image(image)
    ids, scores, boxes = _check_detections(detections, classes)
    _check_extension(path)
    canvas = ImageDraw.Draw(picture)
    if scores is None:
        order = np.arange(len(ids))
    else:
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] >= threshold]
    size = math.sqrt(picture.width * picture.height)
    line = max(_LEAST_LINE, round(size * _LINE_SHARE))
    # Pillow takes long for lines that reach far out of the picture.
    boxes = np.clip(boxes, -line - 1, np.array(picture.size * 2) + line)
    for index in order[::-1]:
        x1, y1, x2, y2 = boxes[index].tolist()
        # Boxes have inclusive ends: in a box narrower than one pixel x2 is less than x1, which Pillow refuses.
        canvas.rectangle((x1, y1, max(x1, x2), max(y1, y2)), outline=_color(ids[index]), width=line)
    labels = _Labels(canvas, picture.size, max(_LEAST_TEXT, round(size * _TEXT_SHARE)))
    for index in order:
        name = "" if classes is None else " ".join(classes[ids[index]].split())
        labels.add(name if labels.can_write(name) else f"class {ids[index]}",
                   "" if scores is None else f" {scores[index]:.2f}", boxes[index], _color(ids[index]))
    labels.write()
    if path is not None:
        with atomic_write(path) as temporary:
            picture.save(temporary, **({"quality": 92} if Path(path).suffix.lower() in (".jpg", ".jpeg") else {}))
    return picture


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

    def add(self, name: str, score: str, box: Sequence[float], color: Color) -> None:
        """Adds the label of `box`, unless the image is too small for it."""
        text = self._cut(name, score)
        if text and self._height <= self._size[1] * _LABEL_SHARE:
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


def _color(index: int) -> Color:
    """Returns the colour of a class. Hues are a golden section apart, so that those of any two classes differ."""
    hue = (0.03 + 0.618034 * index) % 1
    value = (0.95, 0.75, 1.0)[index % 3]
    return tuple(int(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.85, value))


def _open_image(image: Union[PathLike, Image.Image, np.ndarray]) -> Image.Image:
    """Returns a copy of an image, RGB."""
    if isinstance(image, Image.Image):
        return image.convert("RGB")
    if isinstance(image, (str, os.PathLike)):
        return Image.fromarray(read_image(image))
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        return Image.fromarray(np.ascontiguousarray(image))
    what = f"a {image.dtype} array {image.shape}" if isinstance(image, np.ndarray) else f"a {type(image).__name__}"
    raise UsageError(f"the image is {what}; it must be a path, a Pillow image, or a uint8 array (H, W, 3)")


def _check_detections(detections: Tuple[np.ndarray, Optional[np.ndarray], np.ndarray],
                      classes: Optional[Sequence[str]]) -> Tuple[List[int], Optional[np.ndarray], np.ndarray]:
    """Returns ids, scores and boxes, which are those of one image, or raises UsageError."""
    try:
        ids, scores, boxes = detections
    except (TypeError, ValueError):
        raise UsageError("detections must be three arrays, (ids, scores, boxes), of one image") from None
    ids, boxes = np.asarray(ids), np.asarray(boxes, float)
    shapes = [ids.shape, ids.shape if scores is None else np.shape(scores), boxes.shape]
    if ids.ndim != 1 or shapes != [(len(ids),), (len(ids),), (len(ids), 4)]:
        raise UsageError("detections of one image are ids (n,), scores (n,) and boxes (n, 4); these have the shapes "
                         + ", ".join(map(str, shapes)))
    if not np.isfinite(boxes).all():
        raise UsageError("a box of the detections has a coordinate that is not finite")
    if (ids < 0).any():
        raise UsageError("ids of detections must not be negative; drop the rows that only fill up an array")
    if classes is not None and (ids >= len(classes)).any():
        raise UsageError(f"a detection has the id {ids.max()}, but there are names of only {len(classes)} classes")
    return [int(index) for index in ids], None if scores is None else np.asarray(scores, float), boxes


def _check_extension(path: Optional[PathLike]) -> None:
    if path is not None and Image.registered_extensions().get(Path(path).suffix.lower()) not in Image.SAVE:
        raise UsageError(f"{path}: there is no image format with this extension; try .png or .jpg")
