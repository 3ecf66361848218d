"""Decoding of image files: RGB pixels, upright, or in the frame of a record's boxes."""
import os
from typing import Tuple, Union

import numpy as np
from PIL import Image, ImageFile, ImageOps

from ..errors import DataError
from .record import Record

# A file whose name ends so is taken for an image where a folder is searched; a file that is named may end in anything.
IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# Pillow raises all of these for broken files, different ones for different formats.
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError,
                    Image.DecompressionBombError)


def decode_image(path: str, upright: bool = True) -> np.ndarray:
    """Decodes an image file.

    Args:
        path: the file.
        upright: turn the image as its EXIF orientation says, as viewers show it.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        DataError: the file is missing, is not an image, or is cut off; the message names it.
    """
    # GluonCV switches this on for the whole process, and images that are cut off would then pass as whole.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(path) as image:
            if upright:
                image = ImageOps.exif_transpose(image)
            if image.mode.startswith("I"):  # 16 bits a pixel, which convert() would clip to 255
                image = Image.fromarray((np.asarray(image, np.int32) >> 8).astype(np.uint8))
            return np.array(image.convert("RGB"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such image file", "image missing") from None
    except _DECODING_ERRORS as error:
        raise DataError(f"{path}: not a readable image ({error})", "image unreadable") from error


def image_size(path: str) -> Tuple[int, int]:
    """Returns (width, height) in pixels from the header of an image file, before the EXIF orientation is applied.

    Raises:
        DataError: the file is missing or is not an image; the message names it.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except _DECODING_ERRORS as error:
        raise DataError(f"{path}: not a readable image ({error})", "image unreadable") from error


def read_image(source: Union[str, os.PathLike, Record]) -> np.ndarray:
    """Reads the pixels of an image file or of a record's image.

    A file is turned upright as its EXIF orientation says. The image of a record is read in the frame of the record's
    boxes: it is turned only if it would not have the size that the record states otherwise.

    Args:
        source: path of an image file, or a `Record`.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        DataError: the file cannot be read, or its size is not the record's; the message names the file and the record.
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
