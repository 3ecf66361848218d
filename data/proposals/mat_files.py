"""Reads proposals from the .mat files of the authors' Fast R-CNN, which SciPy parses."""
import os
from typing import Any, List

import numpy as np

from ...errors import DataError, LibraryError
from .entry import Entries, make_entry

_LAYOUT = ("a cell array `boxes` with an array (n, 4) for each image, rows (y1, x1, y2, x2) counted from 1, and a cell "
           "array `images` of as many names without extension")


def read_mat_proposals(file: str) -> Entries:
    """Yields the images of a .mat file of the authors' Fast R-CNN.

    Its `boxes` are a cell array with an array (n, 4) for each image, rows (y1, x1, y2, x2) counted from 1, and its
    `images` a cell array of names without extension. `scores`, a cell array of columns, is read where it is there.

    Raises:
        DataError: it is no such file, or it is damaged.
        LibraryError: SciPy is not installed.
    """
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise LibraryError(f"{file}: .mat files need SciPy ({error}). Install it with: pip install scipy 'numpy<2', or "
                           "with this package's extra proposals") from None
    try:
        content = loadmat(file, variable_names=["boxes", "images", "scores"])
    except Exception as error:  # SciPy has no error of its own, and raises all kinds
        raise DataError(f"{file}: the .mat file cannot be read ({error})") from None
    missing = [name for name in ("boxes", "images") if name not in content]
    if missing:
        raise DataError(f"{file}: there is no `{missing[0]}` in it; needed is {_LAYOUT}")
    boxes, images = (_cells(file, content, name) for name in ("boxes", "images"))
    scores = _cells(file, content, "scores") if "scores" in content else [None] * len(boxes)
    if not len(boxes) == len(images) == len(scores):
        raise DataError(f"{file}: there are {len(boxes)} cells of boxes and {len(images)} of images"
                        + (f", and {len(scores)} of scores" if "scores" in content else ""))
    for i in range(len(boxes)):
        name, rows, boxes[i] = _text(file, images[i]), boxes[i], None  # the cell is not held any longer
        entry = make_entry(file, name, rows, scores[i])
        yield entry._replace(boxes=entry.boxes[:, [1, 0, 3, 2]] - 1.0)


def _cells(file: str, content: Any, name: str) -> List[Any]:
    cells = content[name]
    if not isinstance(cells, np.ndarray) or cells.dtype != object:
        raise DataError(f"{os.fspath(file)}: `{name}` is no cell array; needed is {_LAYOUT}")
    return list(cells.ravel())


def _text(file: str, cell: Any) -> str:
    """The name in a cell, which SciPy gives as an array of one text."""
    text = np.asarray(cell)
    if text.dtype.kind != "U" or text.size != 1:
        raise DataError(f"{file}: the cells of `images` must be names, found {cell!r}")
    return str(text.ravel()[0])
