"""Colour images of 16 bits a channel, of which Pillow keeps the upper eight bits only.

Where the file uses 12 of the 16 bits, little is left of the image in the upper ones. Pillow is therefore asked a second
time for the lower byte of each value, by naming the other byte order.
"""
import sys
from typing import Any

import numpy as np
from PIL import Image

from .pillow import load_image

_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_GRAY_WITH_ALPHA = "LA;16B"


def has_deep_colors(image: Image.Image) -> bool:
    """Whether an image has colours of 16 bits a channel, given as Pillow opened it and before it is loaded."""
    modes = [_raw_mode(args) for _, _, _, args in image.tile or ()]
    return bool(modes) and all(mode == _GRAY_WITH_ALPHA or (mode[:-1] in ("RGB;16", "RGBA;16", "RGBX;16")
                                                            and mode[-1] in _OTHER_ORDER) for mode in modes)


def with_lower_bytes(path: str, upper: Image.Image, allow_truncated: bool) -> np.ndarray:
    """Reads the lower bytes of an image for which `has_deep_colors` holds.

    Args:
        path: the file.
        upper: the image as Pillow loaded it.
        allow_truncated: see `load_image`.

    Returns:
        uint16 (H, W, 3), RGB, or (H, W, 4) with alpha.

    Raises:
        DataError: the file cannot be read; the message names it.
    """
    gray_with_alpha = []

    def ask_for_lower_bytes(image: Image.Image) -> None:
        tiles = []
        for tile in image.tile:
            args = tile[3]
            mode = _raw_mode(args)
            gray_with_alpha.append(mode == _GRAY_WITH_ALPHA)
            # Four bytes a pixel, too, are those of gray and alpha.
            other = "RGBA" if mode == _GRAY_WITH_ALPHA else mode[:-1] + _OTHER_ORDER[mode[-1]]
            args = other if isinstance(args, str) else (other, *args[1:])
            # Older versions of Pillow have plain tuples.
            tiles.append(tile._replace(args=args) if hasattr(tile, "_replace") else (*tile[:3], args))
        image.tile = tiles

    lower = np.asarray(load_image(path, allow_truncated, ask_for_lower_bytes)[0]).astype(np.uint16)
    if any(gray_with_alpha):
        gray, alpha = (lower[..., i] << 8 | lower[..., i + 1] for i in (0, 2))
        return np.stack([gray, gray, gray, alpha], axis=-1)
    return np.asarray(upper).astype(np.uint16) << 8 | lower


def _raw_mode(args: Any) -> str:
    mode = args if isinstance(args, str) else args[0] if args else ""
    return mode if isinstance(mode, str) else ""
