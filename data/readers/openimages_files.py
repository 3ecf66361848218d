"""Reads Open Images' tables of boxes: one CSV file for many images, one row a box, in fractions of the image.

Classes are ids there, such as /m/0k4j. Another table, class-descriptions-boxable.csv, names them; it lies beside the
first, or in a folder around it.
"""
import csv
import glob
import io
import os
from functools import partial
from itertools import zip_longest
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from ...errors import DataError
from ..assembling.raw import RawImage, RawObject, RawSet
from ..files.file_names import files_under
from ..files.text_lists import open_text, read_text

_SIDES = ("XMin", "YMin", "XMax", "YMax")
COLUMNS = frozenset(("ImageID", "LabelName", *_SIDES))
_NAMES = ("*class-descriptions*.csv", "classes.csv", os.path.join("metadata", "*class-descriptions*.csv"),
          os.path.join("metadata", "classes.csv"))


def read_openimages_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                         counted_folder: Optional[str] = None) -> RawSet:
    """Reads a table of boxes.

    Few people have all 1.7 million images of the table: where some are there, the rows of others are passed over.

    Args:
        annotation_file: the table.
        image_folders: where the images lie, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.

    Raises:
        DataError: the file is no such table.
    """
    names = class_names_beside(annotation_file)
    there = {os.path.splitext(os.path.basename(path))[0] for folder in image_folders for path in files_under(folder)}
    images: Dict[str, RawImage] = {}
    others: Set[str] = set()
    with open_text(annotation_file) as stream:
        rows = csv.reader(stream)
        for name, row in _rows_of(annotation_file, rows):
            if there and name not in there:
                others.add(name)
                continue
            if name not in images:
                images[name] = RawImage(f"{annotation_file}: image {name}", name, name, None, None, [])
            if with_labels:
                images[name].objects.append(_read_row(rows.line_num, row(), names))
    notes = []
    if others:
        notes.append(f"{annotation_file} has boxes of other images, too, which are not there: {len(others)} images")
    if not names:
        notes.append(f"classes are called by their ids: no class-descriptions-boxable.csv is beside {annotation_file}")
    return RawSet(list(images.values()), "edge_fractions", tuple(image_folders), counted_folder=counted_folder,
                  notes=tuple(notes))


def _rows_of(file: str, rows: Any) -> Iterator[Tuple[str, Callable[[], Dict[str, str]]]]:
    """Yields the image of each row, and what returns the row's values by the names of their columns.

    Most rows may be of other images, and their values are not looked at. Where a row is short, values are empty.
    """
    try:
        header = [name.strip() for name in next(rows, [])]
        if not COLUMNS <= set(header):
            raise DataError(f"{file}: not a table of Open Images, its first line does not name the columns "
                            + ", ".join(sorted(COLUMNS)))
        position = header.index("ImageID")
        for row in rows:
            if row:
                yield (row[position] if position < len(row) else "") or "?", partial(_by_column, header, row)
    except csv.Error as error:
        raise DataError(f"{file}, line {rows.line_num}: not a row of a table ({error})") from None
    except OSError as error:
        raise DataError(f"{file}: the file cannot be read ({error.strerror})") from None


def _by_column(header: Sequence[str], row: Sequence[str]) -> Dict[str, str]:
    return dict(zip_longest(header, row[:len(header)], fillvalue=""))


def class_names_beside(annotation_file: str) -> Dict[str, str]:
    """Returns the names of the classes by id; empty where no file beside or around the table states them."""
    folder = os.path.dirname(os.path.abspath(annotation_file))
    files: List[str] = []
    for around in (folder, os.path.dirname(folder)):
        files += [file for pattern in _NAMES for file in sorted(glob.glob(os.path.join(glob.escape(around), pattern)))]
    for file in files:
        rows = csv.reader(io.StringIO(read_text(file)))
        try:
            names = {row[0].strip(): row[1].strip() for row in rows if len(row) > 1 and row[0].startswith("/")}
        except csv.Error:
            continue
        if names:
            return names
    return {}


def _read_row(number: int, row: Dict[str, str], names: Dict[str, str]) -> RawObject:
    stated = row["LabelName"]
    return RawObject(number, names.get(stated, stated) or None, [row[side] for side in _SIDES],
                     crowd=row.get("IsGroupOf") == "1", stated_class=stated)
