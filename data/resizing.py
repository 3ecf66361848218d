"""How much an image is resized, and how much smaller it may be decoded for that."""
from typing import Iterable, Tuple

_FRACTIONS = (8, 4, 2)  # a JPEG is decoded at one of these parts of its size, which saves most of the time
# Decoded at a part of its size, an image keeps at least so many times the pixels of the network's input along an edge.
MARGIN = 1.0

Size = Tuple[int, int]  # shorter edge and bound of the longer edge, in pixels


def resize_scale(height: int, width: int, short_edge: int, long_edge: int) -> float:
    """Returns the factor by which an image is resized.

    It makes the shorter edge `short_edge` pixels long, or less if the longer edge would exceed `long_edge` pixels.
    """
    return min(short_edge / min(height, width), long_edge / max(height, width))


def resized_size(height: int, width: int, scale: float) -> Tuple[int, int]:
    """Returns (height, width) of an image after it is resized: whole pixels, at least one."""
    return max(round(height * scale), 1), max(round(width * scale), 1)


def decoding_part(height: int, width: int, sizes: Iterable[Size], margin: float = MARGIN) -> int:
    """Returns 1, 2, 4 or 8: an image that is going to be resized may be decoded at this part of its size.

    Args:
        height, width: of the image in pixels.
        sizes: (short_edge, long_edge) of each size that it is going to be resized to, see `resize_scale`.
        margin: the decoded image is at least so many times as large as the largest of these sizes.
    """
    scale = max((resize_scale(height, width, *size) for size in sizes), default=1.0)
    return next((part for part in _FRACTIONS if scale * margin * part <= 1), 1)
