"""Reads tables of boxes: one CSV file for many images, one row a box.

The usual columns are those of Roboflow and TensorFlow's tools, filename,width,height,class,xmin,ymin,xmax,ymax. Others
are understood too: in any order, in upper or lower case, under other common names, between semicolons or tabs, and
without a line of names as RetinaNet's tools write them: path,x1,y1,x2,y2,class.
"""
import csv
import io
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ...errors import DataError
from ..assembling.meaning import is_number
from ..assembling.raw import RawImage, RawObject, RawSet
from ..files.image_extensions import IMAGE_EXTENSIONS
from ..files.text_lists import read_text

# The columns that a table must have, and the names under which each is found.
COLUMNS: Dict[str, Tuple[str, ...]] = {
    "filename": ("filename", "file_name", "image", "image_path", "img_path", "image_name", "img", "path", "file"),
    "class": ("class", "label", "class_name", "label_name", "name", "category"),
    "xmin": ("xmin", "x_min", "x1", "left"), "ymin": ("ymin", "y_min", "y1", "top"),
    "xmax": ("xmax", "x_max", "x2", "right"), "ymax": ("ymax", "y_max", "y2", "bottom")}
_SIZE = ("width", "height")
_OF_RETINANET = ("filename", "xmin", "ymin", "xmax", "ymax", "class")
_DELIMITERS = ",;\t"


class Table(NamedTuple):
    """How a table of boxes is to be read.

    Attributes:
        delimiter: between columns.
        columns: position of each column by its usual name.
        has_names: whether its first line names the columns.
    """

    delimiter: str
    columns: Dict[str, int]
    has_names: bool


def table_of(text: str) -> Optional[Table]:
    """Finds out from its first line how a table of boxes is to be read; None for another table."""
    line = next(iter(text.splitlines()), "")
    delimiter = max(_DELIMITERS, key=line.count)
    try:
        first = [word.strip() for word in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:  # a field that is too long, or with a NUL
        return None
    names = [word.lower() for word in first]
    columns = {usual: names.index(name) for usual, others in COLUMNS.items()
               for name in [next((one for one in others if one in names), None)] if name}
    if len(columns) == len(COLUMNS):
        columns.update({name: names.index(name) for name in _SIZE if name in names})
        return Table(delimiter, columns, True)
    if len(first) == len(_OF_RETINANET) and first[0].lower().endswith(IMAGE_EXTENSIONS) and (
            all(map(is_number, first[1:5])) and first[5] or not any(first[1:])):
        return Table(delimiter, {name: position for position, name in enumerate(_OF_RETINANET)}, False)
    return None


def read_csv_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                  counted_folder: Optional[str] = None) -> RawSet:
    """Reads a table of boxes.

    Args:
        annotation_file: the table.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.

    Raises:
        DataError: the file is no such table.
    """
    text = read_text(annotation_file)
    table = table_of(text)
    if table is None:
        raise DataError(f"{annotation_file}: not a table of boxes, its first line does not name the columns "
                        + ", ".join(COLUMNS))
    rows = csv.reader(io.StringIO(text), delimiter=table.delimiter)
    images: Dict[str, RawImage] = {}
    for words in _rows_of(annotation_file, rows, table.has_names):
        if not any(words):
            continue
        row = {name: words[position].strip() if position < len(words) else ""
               for name, position in table.columns.items()}
        name = row["filename"] or "?"
        if name not in images:
            stem = os.path.splitext(os.path.basename(name.replace("\\", "/")))[0]
            images[name] = RawImage(f"{annotation_file}: image {name}", stem, name, row.get("width"),
                                    row.get("height"), [])
        box: List[str] = [row[column] for column in ("xmin", "ymin", "xmax", "ymax")]
        # A row that names an image alone says that it has no boxes.
        if with_labels and (row["class"] or any(box)):
            images[name].objects.append(RawObject(rows.line_num, row["class"] or None, box))
    return RawSet(list(images.values()), "corners", tuple(image_folders), counted_folder=counted_folder)


def _rows_of(file: str, rows: Any, has_names: bool) -> Iterator[List[str]]:
    """Yields the rows below the names of the columns; DataError where one is none of a table."""
    try:
        if has_names:
            next(rows, None)
        yield from rows
    except csv.Error as error:
        raise DataError(f"{file}, line {rows.line_num}: not a row of a table ({error})") from None
