"""The check that every reader makes of every box."""
import math
from typing import Tuple

from ..errors import DataError


def check_and_clip_box(x1: float, y1: float, x2: float, y2: float, width: int, height: int) -> Tuple[float, ...]:
    """Checks a box, clips it to its image, and makes each side at least one pixel long.

    A box may pass the edge of the image by one pixel, as rounded annotations do.

    Args:
        x1, y1, x2, y2: corners in the frame of the original image: 0-based pixels, inclusive ends.
        width, height: size of the image in pixels.

    Returns:
        (x1, y1, x2, y2), in the same frame.

    Raises:
        DataError: a corner is not a finite number, the box is inverted, or it lies outside the image. The message does
            not name the file: the caller adds that.
    """
    text = f"box ({x1:g}, {y1:g}, {x2:g}, {y2:g})"
    if not all(math.isfinite(v) for v in (x1, y1, x2, y2)):
        raise DataError(f"{text} has a number that is not finite", "box not finite")
    # The ends are inclusive: a side of length 0 has x2 = x1 - 1, and only a negative length is inverted.
    if x2 < x1 - 1 or y2 < y1 - 1:
        raise DataError(f"{text} is inverted", "box inverted")
    if x1 < -1 or y1 < -1 or x2 > width or y2 > height:
        raise DataError(f"{text} is outside the image of {width} x {height} pixels", "box outside")
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return x1, y1, min(max(x2, x1), width - 1), min(max(y2, y1), height - 1)
