"""Pictures of detections: boxes with class names and scores, drawn on the image."""
import os
from pathlib import Path
from typing import List, Optional, Sequence, Tuple, Union

import numpy as np
from PIL import Image

from ...data import as_pixels, read_image
from ...errors import UsageError
from ..files import PathLike, atomic_write
from .box_drawing import DrawnBox, class_color, draw_boxes


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
        image: whatever a `Detector` takes: path of an image file, Pillow image, or array (H, W, 3), RGB; files and
            Pillow images are turned upright as their EXIF orientation says. It is not changed.
        detections: (ids, scores, boxes), as a `Detector` returns them: ids int (n,), the class of each box; scores
            float (n,), or None to draw ground truth, without scores; boxes float (n, 4), rows x1, y1, x2, y2 in pixels
            of the image, inclusive ends.
        classes: names of the classes by id, for example `detector.classes`; None writes "class 0" and so on.
        threshold: detections with a lower score are not drawn.
        path: file to write the picture to, atomically; its extension is its format. None writes no file.

    Returns:
        The picture, RGB, of the size of the image.

    Raises:
        DataError: the image file cannot be read, or an array is no image.
        UsageError: an id has no name in `classes`, or no image format has the extension of `path`.

    Example::

        detector = lh.load_detector("output/shapes_s")
        lh.draw("photo.jpg", detector("photo.jpg"), detector.classes, path="photo_detections.jpg")
    """
    picture = _open_image(image)
    ids, scores, boxes = _check_detections(detections, classes)
    _check_extension(path)
    if scores is None:
        order = np.arange(len(ids))
    else:
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] >= threshold]
    draw_boxes(picture, [
        DrawnBox(boxes[index], class_color(ids[index]),
                 "" if classes is None else " ".join(classes[ids[index]].split()),
                 "" if scores is None else f" {scores[index]:.2f}", f"class {ids[index]}") for index in order])
    if path is not None:
        save_picture(picture, path)
    return picture


def save_picture(picture: Image.Image, path: PathLike) -> None:
    """Writes a picture to a file, atomically; the extension is the format."""
    with atomic_write(path) as temporary:
        picture.save(temporary, **({"quality": 92} if Path(path).suffix.lower() in (".jpg", ".jpeg") else {}))


def _open_image(image: Union[PathLike, Image.Image, np.ndarray]) -> Image.Image:
    """Returns a copy of an image, RGB, as a detector sees it."""
    pixels = read_image(image) if isinstance(image, (str, os.PathLike)) else as_pixels(image)
    return Image.fromarray(np.ascontiguousarray(pixels))


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
