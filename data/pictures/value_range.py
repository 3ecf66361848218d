"""Brings pixels of more than eight bits, and floats, to 0..255."""
import logging

import numpy as np

from ...errors import DataError

_LOGGER = logging.getLogger("light_head_rcnn")
_BITS = (8, 10, 12, 14, 16)  # that cameras and scanners have
_said = set()  # topics of which this process has spoken


def bits_of(values: np.ndarray) -> int:
    """Returns the bits that the values of an image use: the fewest of 8, 10, 12, 14 and 16 that hold the largest one.

    Args:
        values: whole numbers from 0 to 65535, not empty.
    """
    largest = int(values.max())
    return next(bits for bits in _BITS if largest < 2 ** bits)


def from_16_bits(values: np.ndarray, where: str) -> np.ndarray:
    """Scales values of up to 16 bits by the range that they use, see `bits_of`, so that 12 bits in a 16-bit file are no
    black picture. The log says so once for each number of bits.

    Args:
        values: whole numbers from 0 to 65535, of any shape.
        where: the file, for the log.

    Returns:
        uint8, of the same shape.
    """
    bits = bits_of(values)
    if bits > 8:
        _say_once(f"{bits} bits", f"{where}: the image has values of up to 16 bits that use {bits} bits, and they are "
                                  f"divided by {2 ** (bits - 8)}; likewise those of all such images")
    return (values >> (bits - 8)).astype(np.uint8)


def from_floats(values: np.ndarray, where: str, stretch: bool) -> np.ndarray:
    """Scales floats: those from 0 to 1 are multiplied by 255, those from 0 to 255 are rounded.

    Args:
        values: of any shape.
        where: the file or the argument, for messages.
        stretch: bring other values to 0..255 from the least to the largest; otherwise they are an error.

    Returns:
        uint8, of the same shape.

    Raises:
        DataError: a value is not finite, or beyond 0..255 without `stretch`.
    """
    if not np.isfinite(values).all():
        raise DataError(f"{where}: the image has values that are no finite numbers (NaN or infinity)",
                        "image_unreadable")
    least, largest = float(values.min()), float(values.max())
    if 0 <= least and largest <= 1:
        scaled = values * 255.0
    elif 0 <= least and largest <= 255:
        scaled = values
    elif stretch:
        _say_once("stretched", f"{where}: values from {least:g} to {largest:g} are stretched to 0..255; likewise each "
                               "such image, from its own least value to its own largest")
        scaled = (values.astype(np.float64) - least) * (255.0 / max(largest - least, 1e-30))
    else:
        raise DataError(f"{where}: floats must lie from 0 to 1 or from 0 to 255, these go from {least:g} to "
                        f"{largest:g}; give the image before means and deviations are taken off", "image_unreadable")
    return np.rint(scaled).astype(np.uint8)


def _say_once(topic: str, message: str) -> None:
    if topic not in _said:
        _said.add(topic)
        _LOGGER.info(message)
