"""The EXIF orientation of image files: finding it, and turning images by it."""
import struct
from typing import Tuple

import numpy as np
from PIL import Image

ORIENTATION_TAG = 0x0112
_WIDTH_TAG, _HEIGHT_TAG = 256, 257  # of TIFF
# struct codes of EXIF's types of whole numbers: BYTE, SHORT, LONG.
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I"}
_TURNS = {2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE,
          6: Image.ROTATE_270, 7: Image.TRANSVERSE, 8: Image.ROTATE_90}
_TURNS_BACK = {**_TURNS, 6: Image.ROTATE_90, 8: Image.ROTATE_270}


def exif_orientation(exif: bytes) -> int:
    """Returns the orientation that EXIF data states, 1 to 8; 1, as stored, where it is absent or damaged.

    Args:
        exif: the data from the byte order mark (II or MM) on, or from `Exif` before it. Only the first directory is
            looked at; one that is cut off counts as far as it goes.
    """
    if exif[:6] == b"Exif\0\0":
        exif = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 10:
        return 1
    start, = struct.unpack_from(order + "I", exif, 4)
    if start + 2 > len(exif):
        return 1
    entries, = struct.unpack_from(order + "H", exif, start)
    for position in range(start + 2, min(start + 2 + 12 * entries, len(exif) - 11), 12):
        tag, kind, count = struct.unpack_from(order + "HHI", exif, position)
        if tag == ORIENTATION_TAG:
            if kind not in _WHOLE_NUMBERS or count != 1:
                return 1
            value, = struct.unpack_from(order + _WHOLE_NUMBERS[kind], exif, position + 8)
            return value if value in _TURNS else 1
    return 1


def turn(pixels: np.ndarray, orientation: int, back: bool = False) -> np.ndarray:
    """Turns an image by its EXIF orientation.

    Args:
        pixels: uint8 (H, W, 3), as stored.
        orientation: 1 to 8.
        back: `pixels` are as viewers show them, and are wanted as stored.

    Returns:
        uint8 (H, W, 3), or (W, H, 3), as viewers show the image.
    """
    if orientation not in _TURNS:
        return pixels
    return np.array(Image.fromarray(pixels).transpose((_TURNS_BACK if back else _TURNS)[orientation]))


def stored_size(image: Image.Image) -> Tuple[int, int]:
    """Returns (width, height) in pixels as an image was stored, given as Pillow opened it and before it is loaded."""
    tags = getattr(image, "tag_v2", None)  # of a TIFF file, whose size new versions of Pillow give as it is shown
    return (int(tags[_WIDTH_TAG]), int(tags[_HEIGHT_TAG])) if tags else image.size


def orientation_of(image: Image.Image) -> int:
    """Returns the orientation, 1 to 8, that an image says it has, given as Pillow opened it and before it is loaded."""
    tags = getattr(image, "tag_v2", None)
    if tags:
        value = tags.get(ORIENTATION_TAG, 1)
        return value if value in _TURNS else 1
    exif = image.info.get("exif", b"")
    return exif_orientation(exif) if isinstance(exif, bytes) else 1


def is_turned(image: Image.Image) -> bool:
    """Whether Pillow turned an image upright when it loaded it, as it does with TIFF files."""
    tags = getattr(image, "tag_v2", None)
    return bool(tags) and ORIENTATION_TAG not in tags
