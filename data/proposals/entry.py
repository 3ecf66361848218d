"""The boxes that a file of proposals has for one image, as its reader found them."""
from typing import Any, Iterator, NamedTuple, Optional, Tuple, Union

import numpy as np

from ...errors import DataError

# More boxes than these for one image are refused: they are held in memory together, at up to 40 bytes each.
MOST_BOXES = 10_000_000


class Entry(NamedTuple):
    """One image of a file of proposals.

    Attributes:
        name: what the file calls the image: its name, its path, or its id in COCO.
        boxes: numbers (n, 4), rows x1, y1, x2, y2 in the frame of the original image: 0-based pixels, inclusive ends;
            not checked yet.
        scores: float (n,), the higher the better; None where the file has none.
        size: width and height in pixels of the frame that the boxes are in; None where the file does not say.
    """

    name: Union[int, str]
    boxes: np.ndarray
    scores: Optional[np.ndarray] = None
    size: Optional[Tuple[int, int]] = None


Entries = Iterator[Entry]


def make_entry(file: str, name: Union[int, str], boxes: Any, scores: Any = None,
               size: Optional[Tuple[int, int]] = None) -> Entry:
    """Builds an entry of what a file states.

    Args:
        file: for messages.
        name, size: see `Entry`.
        boxes: an array or a list of rows of four numbers, or of five, the last of which is the score.
        scores: an array or a list; None takes the fifth column, if there is one.

    Raises:
        DataError: these are no such rows or scores, or more than `MOST_BOXES`.
    """
    where = f"{file}: image {name!r}"
    rows = _numbers(where, "boxes", boxes)
    if not rows.size:
        rows = rows.reshape(0, 4)
    if rows.ndim != 2 or rows.shape[1] not in (4, 5):
        raise DataError(f"{where}: boxes must be rows of 4 numbers (x1, y1, x2, y2), or of 5 with a score, found an "
                        f"array of shape {rows.shape}")
    check_count(where, len(rows))
    if scores is None:
        return Entry(name, rows[:, :4], rows[:, 4] if rows.shape[1] == 5 else None, size)
    scores = _numbers(where, "scores", scores)
    if scores.size != len(rows):
        raise DataError(f"{where}: there are {len(rows)} boxes and {scores.size} scores")
    return Entry(name, rows[:, :4], scores.ravel(), size)


def check_count(where: str, count: int) -> None:
    """Raises DataError for more boxes of one image than `MOST_BOXES`; `where` names the file and the image."""
    if count > MOST_BOXES:
        raise DataError(f"{where}: {count:,} boxes; more than {MOST_BOXES:,} for one image are not read")


def _numbers(where: str, what: str, value: Any) -> np.ndarray:
    try:
        array = value if isinstance(value, np.ndarray) else np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{where}: {what} must be numbers, in rows of equal length") from None
    if array.dtype.kind not in "fiu":
        raise DataError(f"{where}: {what} must be numbers, found an array of type {array.dtype}")
    return array
