"""Turns images of every mode, and arrays, into RGB pixels."""
from typing import Any, Tuple

import numpy as np
from PIL import Image

from ...errors import DataError
from .orientation import is_turned, orientation_of, turn
from .value_range import from_16_bits, from_floats

_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
_WHITE = 255
_AT_ONCE = 1 << 24  # pixels that are converted at once
_ARRAY = "the array"  # its name in messages


def rgb_pixels(image: Image.Image, where: str) -> np.ndarray:
    """Returns the pixels of a PIL image in any mode.

    What is transparent lies on white. Values of 16 bits are scaled by the range that they use, see `from_16_bits`;
    floats, and integers beyond 16 bits, as `from_floats` says. CMYK is converted as Pillow does; colour profiles are
    not applied.

    Args:
        image: loaded.
        where: the file, for messages.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        DataError: it has values that are no finite numbers, or a mode that cannot be converted.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        return _gray_to_rgb(_to_8_bits(np.asarray(image), where, stretch=True))
    if image.width * image.height > _AT_ONCE:
        # Pillow and NumPy would hold several copies of all of it.
        pixels = np.empty((image.height, image.width, 3), np.uint8)
        rows = max(_AT_ONCE // image.width, 1)
        for top in range(0, image.height, rows):
            strip = image.crop((0, top, image.width, min(top + rows, image.height)))
            pixels[top:top + rows] = _whole_rgb_pixels(strip, where)
        return pixels
    return _whole_rgb_pixels(image, where)


def _whole_rgb_pixels(image: Image.Image, where: str) -> np.ndarray:
    if image.mode == "RGB" and "transparency" not in image.info:
        return np.array(image)
    try:
        if image.mode in _WITH_ALPHA or "transparency" in image.info:
            image = image.convert("RGBA")
            if image.getchannel("A").getextrema() != (_WHITE, _WHITE):
                return on_white(np.asarray(image))
        return np.array(image.convert("RGB"))
    except ValueError as error:
        raise DataError(f"{where}: the mode {image.mode} cannot be converted to RGB ({error})",
                        "image_unreadable") from error


def deep_pixels(values: np.ndarray, where: str) -> np.ndarray:
    """Returns the pixels of a colour image of 16 bits a channel.

    Args:
        values: uint16 (H, W, 3), RGB, or (H, W, 4), with alpha.
        where: the file, for the log.

    Returns:
        uint8 (H, W, 3), RGB; what is transparent lies on white.
    """
    pixels = from_16_bits(values[..., :3], where)
    if values.shape[2] == 3:
        return pixels
    alpha = from_16_bits(values[..., 3:], where) if values[..., 3].any() else np.zeros_like(pixels[..., :1])
    return on_white(np.concatenate([pixels, alpha], axis=-1))


def on_white(pixels: np.ndarray) -> np.ndarray:
    """Returns uint8 (H, W, 3), RGB: pixels with alpha, uint8 (H, W, 4), laid on white."""
    image = Image.fromarray(np.ascontiguousarray(pixels), "RGBA")
    white = Image.new("RGB", image.size, (_WHITE, _WHITE, _WHITE))
    white.paste(image, mask=image.getchannel("A"))
    return np.array(white)


def as_pixels(image: Any) -> np.ndarray:
    """Returns the pixels of an image that a program has in memory.

    Colours are always in the order RGB. What OpenCV reads is in the order BGR and must be reversed:
    `image[:, :, ::-1]`.

    Args:
        image: one of

            - an array (H, W) or (H, W, 1), gray, (H, W, 3), RGB, or (H, W, 4), with alpha, which is laid on white. Its
              values are uint8; other whole numbers from 0 to 65535, which are scaled as in files, see `from_16_bits`;
              bool; or floats, from 0 to 1 if none is larger than 1, else from 0 to 255;
            - an array of MXNet of such a shape;
            - a PIL image of any mode; it is turned upright as its EXIF orientation says. Of colours with 16 bits a
              channel PIL has the upper eight only; `read_image` knows them all.

    Returns:
        uint8 (H, W, 3), RGB; a uint8 array of this shape is returned as it is.

    Raises:
        DataError: it is something else, or has other values.
    """
    if isinstance(image, Image.Image):
        return _pil_pixels(image)
    if hasattr(image, "asnumpy"):
        image = image.asnumpy()
    if not isinstance(image, np.ndarray):
        raise DataError(f"an image must be a path, a PIL image, or an array of NumPy or MXNet, got a "
                        f"{type(image).__name__}", "image_unreadable")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)) or 0 in image.shape:
        raise DataError(f"an image must be an array of shape (height, width), or (height, width, channels) with 1, 3 "
                        f"(RGB) or 4 channels, got {image.shape}{_advice(image.shape)}", "image_unreadable")
    if image.dtype == np.uint16 and image.shape[2:] == (4,):
        return deep_pixels(image, _ARRAY)
    values = _to_8_bits(image, _ARRAY, stretch=False)
    if values.ndim == 2 or values.shape[2] == 1:
        return _gray_to_rgb(values.reshape(values.shape[:2]))
    return values if values.shape[2] == 3 else on_white(values)


def _pil_pixels(image: Image.Image) -> np.ndarray:
    where = getattr(image, "filename", "") or "the PIL image"
    if 0 in image.size:
        raise DataError(f"{where}: it has no pixels, its size is {image.size}", "image_unreadable")
    orientation = orientation_of(image)
    try:
        image.load()
    except Exception as error:  # Pillow raises all kinds for broken files, different ones for different formats
        raise DataError(f"{where}: not a readable image ({error})", "image_unreadable") from error
    return turn(rgb_pixels(image, where), 1 if is_turned(image) else orientation)


def _gray_to_rgb(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None], 3, axis=2)


def _to_8_bits(values: np.ndarray, where: str, stretch: bool) -> np.ndarray:
    """Brings an array of numbers to uint8; for `stretch` see `from_floats`."""
    if values.dtype == np.uint8:
        return values
    if values.dtype == bool:
        return values.astype(np.uint8) * np.uint8(_WHITE)
    if values.dtype.kind == "f":
        return from_floats(values.astype(np.float64 if values.itemsize > 4 else np.float32), where, stretch)
    if values.dtype.kind not in "ui":
        raise DataError(f"{where}: an image must consist of numbers, not of {values.dtype}", "image_unreadable")
    if values.min() >= 0 and values.max() < 2 ** 16:
        return from_16_bits(values, where)
    if stretch:
        return from_floats(values.astype(np.float64), where, stretch)
    raise DataError(f"{where}: whole numbers must lie from 0 to 65535, these go from {values.min()} to {values.max()}",
                    "image_unreadable")


def _advice(shape: Tuple[int, ...]) -> str:
    """What to do about an array of another shape."""
    if len(shape) == 3 and shape[0] in (1, 3, 4) and 0 not in shape:
        return ", which looks like (channels, height, width): give image.transpose(1, 2, 0)"
    if len(shape) == 4:
        return "; give several images as a list, list(images)"
    return ""
