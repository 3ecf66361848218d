"""Reads Open Images' tables of boxes: one CSV file for many images, one row a box, in fractions of the image.

Classes are ids there, such as /m/0k4j. Another table, class-descriptions-boxable.csv, names them; it lies beside the
first, in one of the two folders around it, or in a folder metadata.
"""
import csv
import glob
import io
import os
from functools import partial
from itertools import zip_longest
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ...errors import DataError
from ..assembling.raw import RawImage, RawObject, RawSet
from ..files.file_names import files_under
from ..files.image_extensions import IMAGE_EXTENSIONS
from ..files.text_lists import open_text, read_text

_SIDES = ("XMin", "YMin", "XMax", "YMax")
COLUMNS = frozenset(("ImageID", "LabelName", *_SIDES))
_NAMES = ("*class-descriptions*.csv", "*classes-description*.csv", "classes.csv")


def read_openimages_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                         counted_folder: Optional[str] = None) -> RawSet:
    """Reads a table of boxes.

    Few people have all 1.7 million images of the table: the rows of others are passed over.

    Args:
        annotation_file: the table.
        image_folders: where the images lie, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.

    Raises:
        DataError: the file is no such table, or none of its images is there.
    """
    names = class_names_beside(annotation_file)
    there, doubled = _images_in(image_folders)
    images: Dict[str, RawImage] = {}
    others = 0
    with open_text(annotation_file) as stream:
        rows = csv.reader(stream)
        for name, row in _rows_of(annotation_file, rows):
            path = there.get(_plain(name))
            if path is None:
                others += 1
                continue
            if name not in images:
                images[name] = RawImage(f"{annotation_file}: image {name}", _plain(name), path, None, None, [])
            if with_labels:
                images[name].objects.append(_read_row(rows.line_num, row(), names))
    if others and not images:
        raise DataError(f"{annotation_file}: none of the images of its {others} boxes is in "
                        f"{' or '.join(image_folders)}; if they lie elsewhere, name their folder (--image-root for "
                        "lhrcnn data, dataset.image_root in a configuration, in a program image_root=...)",
                        "image_missing")
    notes = []
    if others:
        notes.append(f"{annotation_file} has boxes of other images, too, which are not there: {others} boxes")
    if not names:
        notes.append(f"{annotation_file}: classes are called by their ids, for no class-descriptions-boxable.csv is "
                     "beside it")
    # A folder of the images of each class has those of several twice, and FiftyOne's has masks among its files.
    counts = not doubled and os.path.basename(os.path.dirname(os.path.abspath(annotation_file))) != "labels"
    return RawSet(list(images.values()), "edge_fractions", tuple(image_folders),
                  counted_folder=counted_folder if counts else None, notes=tuple(notes))


def _images_in(folders: Sequence[str]) -> Tuple[Dict[str, str], bool]:
    """Returns the first file of each image by its id, and whether an image has several.

    The id is the image's identity: files of one id are copies.
    """
    paths = [path for folder in folders for path in sorted(files_under(folder))]
    found: Dict[str, str] = {}
    for path in paths:
        found.setdefault(_plain(os.path.basename(path)), path)
    return found, len(found) < len(paths)


def _plain(name: str) -> str:
    """Returns an image's id as it is compared: in lower case, without the extension of a file."""
    name = name.lower()
    stem, extension = os.path.splitext(name)
    return stem if extension in IMAGE_EXTENSIONS else name


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
    for file in files_of_class_names(annotation_file):
        rows = csv.reader(io.StringIO(read_text(file)))
        try:
            names = {row[0].strip(): row[1].strip() for row in rows if len(row) > 1 and row[0].startswith("/")}
        except csv.Error:
            continue
        if names:
            return names
    return {}


def files_of_class_names(annotation_file: str) -> List[str]:
    """Returns the files beside or around a table that may state the names of the classes, the most likely one first."""
    folder = os.path.dirname(os.path.abspath(annotation_file))
    above = os.path.dirname(folder)
    places = (folder, above, *(os.path.join(one, "metadata") for one in (folder, above)), os.path.dirname(above))
    return [file for place in places for pattern in _NAMES
            for file in sorted(glob.glob(os.path.join(glob.escape(place), pattern)))]


def _read_row(number: int, row: Dict[str, str], names: Dict[str, str]) -> RawObject:
    stated = row["LabelName"]
    return RawObject(number, names.get(stated, stated) or None, [row[side] for side in _SIDES],
                     crowd=row.get("IsGroupOf") == "1", stated_class=stated)
