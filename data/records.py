"""The record every reader yields, the data set that holds them, and the checks both readers share."""
import math
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Union

import numpy as np
from PIL import Image, ImageFile, ImageOps

from ..errors import DataError

# Pillow reports broken files through all of these, each format in its own way.
FAULTS_OF_FILES = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError,
                   Image.DecompressionBombError)
# Of the files that are looked for in folders; a file that is named may have any.
IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
LEAVE_OUT = ' (on_error="skip", in a configuration dataset.ON_ERROR: skip, leaves such entries out)'


@dataclass(frozen=True)
class Record:
    """One image and its boxes.

    ========== ================ ====================================================================
    field      type             meaning
    ========== ================ ====================================================================
    image_id   int or str       COCO image id, or VOC file stem
    path       str              image file
    width      int              pixels of the original image
    height     int              pixels of the original image
    boxes      float32 (n, 4)   x1, y1, x2, y2: original image, 0-based pixels, inclusive ends
    classes    int32 (n,)       0..C-1, no background
    difficult  bool (n,)        VOC objects that are not counted; False in COCO
    crowd      bool (n,)        COCO groups; False in VOC
    ========== ================ ====================================================================
    """

    image_id: Union[int, str]
    path: str
    width: int
    height: int
    boxes: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray
    crowd: np.ndarray


def make_record(image_id, path, width, height, objects):
    """Record of `objects`, a list of (box of 4 numbers, class id, difficult, crowd)."""
    boxes = np.array([o[0] for o in objects], np.float32).reshape(-1, 4)
    return Record(image_id, path, width, height, boxes, np.array([o[1] for o in objects], np.int32),
                  np.array([o[2] for o in objects], bool), np.array([o[3] for o in objects], bool))


def targets_of(record):
    """Boxes float32 (m, 4) and classes int32 (m,) of `record` to train on: without crowds and difficult objects."""
    keep = ~(record.crowd | record.difficult)
    return record.boxes[keep], record.classes[keep]


def with_targets(records):
    """The records that have at least one box to train on, in their order."""
    return [r for r in records if not (r.crowd | r.difficult).all()]


def inclusive_box(x1, y1, x2, y2, width, height):
    """Check a box and clip it to the image.

    The box comes with 0-based inclusive ends in pixels of an image of `width` by `height`. It may pass the edge of the
    image by one pixel, as rounded annotations do; a side shorter than a pixel is made one pixel.

    Returns (x1, y1, x2, y2). Raises DataError, whose message does not name the file, for numbers that are not finite,
    inverted boxes, and boxes outside the image.
    """
    text = f"box ({x1:g}, {y1:g}, {x2:g}, {y2:g})"
    if not all(math.isfinite(v) for v in (x1, y1, x2, y2)):
        raise DataError(text + " has a number that is not finite", "box not finite")
    # Ends are inclusive: an empty side has x2 = x1 - 1, and only a shorter one is inverted.
    if x2 < x1 - 1 or y2 < y1 - 1:
        raise DataError(text + " is inverted", "box inverted")
    if x1 < -1 or y1 < -1 or x2 > width or y2 > height:
        raise DataError(f"{text} is outside the image of {width} x {height} pixels", "box outside")
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return x1, y1, min(max(x2, x1), width - 1), min(max(y2, y1), height - 1)


def decode_image(path, upright=True):
    """Pixels of an image file, uint8 (H, W, 3), RGB.

    `upright` turns the image as its EXIF orientation says, as viewers show it. Raises DataError naming the file when it
    is missing, not an image, or cut off.
    """
    # GluonCV switches this on for the whole process, and images cut off would then pass as whole.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(path) as image:
            image.load()
            if upright:
                image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I"):  # 16 bits a pixel, which convert() would saturate
                image = Image.fromarray((np.asarray(image, np.int32) >> 8).astype(np.uint8))
            return np.array(image.convert("RGB"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such image file", "image missing") from None
    except FAULTS_OF_FILES as error:
        raise DataError(f"{path}: not a readable image ({error})", "image unreadable") from error


def image_size(path):
    """(width, height) in pixels from the header of an image file, EXIF orientation not applied; DataError names it."""
    try:
        with Image.open(path) as image:
            return image.size
    except FAULTS_OF_FILES as error:
        raise DataError(f"{path}: not a readable image ({error})", "image unreadable") from error


def read_image(source):
    """Pixels of a file or of a record, uint8 (H, W, 3), RGB.

    A file is turned upright by its EXIF orientation. A record is read in the frame of its boxes: the orientation is
    applied only when it is what makes the image the size that the record says. Raises DataError naming the file.
    """
    if not isinstance(source, Record):
        return decode_image(os.fspath(source))
    for upright in (False, True):
        try:
            pixels = decode_image(source.path, upright)
        except DataError as error:
            raise DataError(f"{error} (entry {source.image_id!r})", error.kind) from error
        if pixels.shape[:2] == (source.height, source.width):
            return pixels
    raise DataError(f"{source.path}: the image is {pixels.shape[1]} x {pixels.shape[0]} pixels, "
                    f"its entry {source.image_id!r} says {source.width} x {source.height}", "image size differs")


class Dataset:
    """Records of one or several image sets.

    Attributes: `name`; `classes`, tuple of str without background; `records`, list of Record; `skipped`, list of the
    messages of what was left out; `path`; `image_set`.

    A subclass gives `_read(image_set, with_labels)`, which returns records and calls `_fault` for each broken entry.
    """

    layout = None

    def __init__(self, path, image_set, on_error, with_labels):
        if on_error not in ("raise", "skip"):
            raise DataError(f'on_error is {on_error!r}; it must be "raise" or "skip"')
        self.path, self.image_set = os.fspath(path), image_set
        if not os.path.isdir(self.path):
            raise DataError(f"{self.path}: no such folder of a {self.layout} data set")
        self.name = f"{self.layout} {image_set}"
        self.skipped = []
        self._kinds = Counter()
        self._skip = on_error == "skip"
        self.records = [r for one in image_set.split("+") for r in self._read(one.strip(), with_labels)]
        if self._skip:
            self.check_images()
        if not self.records:
            raise DataError("{}: no usable image in set {!r}{}".format(
                self.path, image_set, "".join("\n  " + m for m in self.skipped[:5])))

    def __len__(self):
        return len(self.records)

    def _read(self, image_set, with_labels):
        raise NotImplementedError

    def _fault(self, message, kind):
        if not self._skip:
            raise DataError(message + LEAVE_OUT, kind)
        self.skipped.append(message)
        self._kinds[kind] += 1

    def check_images(self):
        """Decode every image, on all cores; the first broken one is an error, or all of them are left out ("skip")."""
        def fault(record):
            try:
                read_image(record)
            except DataError as error:
                return error
            return None

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            faults = list(pool.map(fault, self.records))
        for error in faults:
            if error is not None:
                self._fault(str(error), error.kind)
        self.records = [r for r, error in zip(self.records, faults) if error is None]

    def summary(self):
        """One line on what was read, and one for each kind of fault that was left out."""
        boxes = sum(len(r.boxes) for r in self.records)
        text = f"{self.name}: {len(self.records)} images, {boxes} boxes"
        for field in ("crowd", "difficult"):
            count = sum(int(getattr(r, field).sum()) for r in self.records)
            text += f", {count} of them {field}" if count else ""
        text += f", {len(self.classes)} classes"
        if self.skipped:
            text += "\nleft out: " + ", ".join(f"{n} x {kind}" for kind, n in sorted(self._kinds.items()))
            text += "".join("\n  " + m for m in self.skipped[:10])
            text += f"\n  and {len(self.skipped) - 10} more" if len(self.skipped) > 10 else ""
        return text
