"""Reading of image files: one function for training, testing and detecting, which yields RGB pixels."""
import logging
import math
import os
from typing import Sequence, Tuple, Union

import numpy as np
from PIL import Image

from ...errors import DataError
from ..record import Record
from .deep_colors import has_deep_colors, with_lower_bytes
from .headers import Header, look_at
from .orientation import is_turned, turn
from .pillow import MAX_MEGAPIXELS, load_image
from .pixels import deep_pixels, rgb_pixels
from .resizing import Size, decoding_part

_NO_LIMIT = math.inf
_LOGGER = logging.getLogger("light_head_rcnn")
_warned = set()  # files that are cut off, of which this process has spoken


def read_image(source: Union[str, os.PathLike, Record], resized_to: Sequence[Size] = (),
               max_megapixels: float = MAX_MEGAPIXELS, allow_truncated: bool = True) -> np.ndarray:
    """Reads the pixels of an image file or of a record's image.

    Files of every format that Pillow reads are read, whatever their extension: gray, with alpha (laid on white), with a
    palette, CMYK, of 1 to 16 bits and of floats, see `rgb_pixels`; of several pages or frames the first.

    A file is turned upright as its EXIF orientation says, as viewers show it. The image of a record is read in the
    frame of the record's boxes, which is the same unless `Record.upright` is False.

    Args:
        source: path of an image file, or a `Record`.
        resized_to: (short_edge, long_edge) in pixels of each size that the image is going to be resized to, see
            `preprocess`. A JPEG much larger than all of them is then decoded at 1/2, 1/4 or 1/8 of its size, which is
            several times as fast; `preprocess` has to be told its original size. Without sizes it is decoded whole.
        max_megapixels: the limit for the number of pixels, in millions. Records were held to the limit when they were
            read, and have none.
        allow_truncated: read a file that is cut off as far as it goes; the rest is blank.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        DataError: the file is missing, cannot be read, has too many pixels (kinds image_missing, image_unreadable,
            image_too_large), or has another size than the record; the message names the file, and the record's id.
    """
    if not isinstance(source, Record):
        path = os.fspath(source)
        header = look_at(path, max_megapixels)
        return _decode(path, header, True, resized_to, allow_truncated)
    try:
        header = look_at(source.path, _NO_LIMIT)
        _check_size(source, header)
        return _decode(source.path, header, source.upright, resized_to, allow_truncated)
    except DataError as error:
        raise DataError(f"{error} (entry {source.image_id!r})", error.kind) from error


def image_size(path: Union[str, os.PathLike], max_megapixels: float = MAX_MEGAPIXELS) -> Tuple[int, int]:
    """Returns (width, height) in pixels of what `read_image` reads from a file, from its header alone.

    Raises:
        DataError: see `read_image`.
    """
    return look_at(os.fspath(path), max_megapixels).upright_size


def _check_size(record: Record, header: Header) -> None:
    width, height = header.upright_size if record.upright else (header.width, header.height)
    if (width, height) != (record.width, record.height):
        how = " as viewers show it" if record.upright and header.orientation >= 5 else ""
        raise DataError(f"{record.path}: the image is {width} x {height} pixels{how}, its record says "
                        f"{record.width} x {record.height}", "image_unreadable")


def _decode(path: str, header: Header, upright: bool, sizes: Sequence[Size], allow_truncated: bool) -> np.ndarray:
    """Decodes a file of which the header is known; see `read_image`."""
    part = decoding_part(header.height, header.width, sizes)
    deep = False

    def prepare(image: Image.Image) -> None:
        nonlocal deep
        deep = has_deep_colors(image)
        if part > 1:
            image.draft(None, (header.width // part, header.height // part))  # does something for JPEG only

    image, truncated = load_image(path, allow_truncated, prepare)
    if truncated and path not in _warned:
        _warned.add(path)
        _LOGGER.warning("%s: the image file is cut off or damaged; the missing part is blank", path)
    if deep:
        pixels = deep_pixels(with_lower_bytes(path, image, allow_truncated), path)
    else:
        pixels = rgb_pixels(image, path)
    if is_turned(image):
        return pixels if upright else turn(pixels, header.orientation, back=True)
    return turn(pixels, header.orientation) if upright else pixels
