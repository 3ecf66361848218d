"""Reads proposals from the .mat files of the authors' Fast R-CNN."""
from contextlib import ExitStack
from itertools import repeat
from typing import BinaryIO, Iterable, Optional

from ...errors import DataError
from ..files.opening import open_regular
from .entry import MOST_BOXES, Entries, make_entry
from .mat_variables import CellArray

_LAYOUT = ("a cell array `boxes` with an array (n, 4) for each image, rows (y1, x1, y2, x2) counted from 1, and a cell "
           "array `images` of as many names without extension")


def read_mat_proposals(file: str) -> Entries:
    """Yields the images of a .mat file of the authors' Fast R-CNN, of which one at a time is in memory.

    Its `boxes` are a cell array with an array (n, 4) for each image, rows (y1, x1, y2, x2) counted from 1, and its
    `images` a cell array of names without extension. `scores`, a cell array of columns, is read where it is there.

    Raises:
        DataError: it is no such file, or it is damaged.
    """
    try:
        with ExitStack() as opened:
            boxes, images, scores = (_cells(file, opened.enter_context(open_regular(file)), name)
                                     for name in ("boxes", "images", "scores"))
            missing = [name for name, cells in (("boxes", boxes), ("images", images)) if cells is None]
            if missing:
                raise DataError(f"{file}: there is no `{missing[0]}` in it; needed is {_LAYOUT}")
            counts = [cells.count for cells in (boxes, images, scores) if cells is not None]
            if len(set(counts)) > 1:
                raise DataError(f"{file}: there are {counts[0]} cells of boxes and {counts[1]} of images"
                                + (f", and {counts[2]} of scores" if scores is not None else ""))
            all_scores: Iterable[Optional[object]] = repeat(None) if scores is None else scores.arrays(MOST_BOXES)
            for name, rows, values in zip(images.texts(), boxes.arrays(4 * MOST_BOXES), all_scores):
                entry = make_entry(file, name, rows, values)
                yield entry._replace(boxes=entry.boxes[:, [1, 0, 3, 2]] - 1.0)
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{file}: the .mat file cannot be read ({error.strerror})") from None
    except Exception as error:  # zlib and the decoders of texts have errors of their own
        raise DataError(f"{file}: the .mat file cannot be read ({error}); needed is {_LAYOUT}") from None


def _cells(file: str, stream: BinaryIO, name: str) -> Optional[CellArray]:
    try:
        return CellArray(stream, name)
    except KeyError:
        return None
