"""How much an image is resized, and how much smaller it is decoded for that."""
from typing import Iterable, Tuple

_PARTS = (8, 4, 2)  # a JPEG can be decoded at one of these parts of its size, which saves most of the time

Size = Tuple[float, float]  # shorter edge and bound of the longer edge, in pixels


def resize_scale(height: int, width: int, short_edge: float, long_edge: float) -> float:
    """Returns the factor by which an image is resized.

    It makes the shorter edge `short_edge` pixels long, or less if the longer edge would exceed `long_edge` pixels.
    """
    return min(short_edge / min(height, width), long_edge / max(height, width))


def resized_size(height: int, width: int, scale: float) -> Tuple[int, int]:
    """Returns (height, width) of an image after it is resized: whole pixels, at least one."""
    return max(round(height * scale), 1), max(round(width * scale), 1)


def shrinking_part(height: int, width: int, new_height: int, new_width: int) -> int:
    """Returns 8, 4, 2 or 1: at this part of its size, an image still has as many pixels as it is to have.

    Where the part is no whole number of pixels, the image is stretched by less than a pixel; it is chosen such that no
    point moves by more than half a pixel of the new size, which is what the rounding of that size does too.

    Args:
        height, width: of the image.
        new_height, new_width: to which it is going to be resized.
    """
    edges = ((height, new_height), (width, new_width))
    return next((part for part in _PARTS
                 if all(part * new <= old and 2 * (-old % part) * new <= old for old, new in edges)), 1)


def decoding_part(height: int, width: int, sizes: Iterable[Size]) -> int:
    """Returns 8, 4, 2 or 1: the part of its size at which an image may be decoded that is going to be resized.

    Args:
        height, width: of the image in pixels.
        sizes: (short_edge, long_edge) of each size that it is going to be resized to, see `resize_scale`.
    """
    scale = max((resize_scale(height, width, *size) for size in sizes), default=1.0)
    return shrinking_part(height, width, *resized_size(height, width, scale))
