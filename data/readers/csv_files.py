"""Reads tables of boxes: one CSV file for many images, one row a box.

The usual columns are those of Roboflow and TensorFlow's tools, filename,width,height,class,xmin,ymin,xmax,ymax. Others
are understood too: in any order, in upper or lower case, under other common names, between semicolons or tabs, with
whole boxes in one column, and without a line of names as RetinaNet's tools write them: path,x1,y1,x2,y2,class.
"""
import csv
import io
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ...errors import DataError
from ..assembling.meaning import is_number
from ..assembling.raw import NoBox, RawImage, RawObject, RawSet
from ..files.image_extensions import IMAGE_EXTENSIONS
from ..files.text_lists import read_text

# The columns that a table must have, and the names under which each is found.
COLUMNS: Dict[str, Tuple[str, ...]] = {
    "filename": ("filename", "file_name", "image", "image_path", "img_path", "image_name", "img", "path", "file",
                 "image_id"),
    "class": ("class", "label", "class_name", "label_name", "name", "category"),
    "xmin": ("xmin", "x_min", "x1", "left"), "ymin": ("ymin", "y_min", "y1", "top"),
    "xmax": ("xmax", "x_max", "x2", "right"), "ymax": ("ymax", "y_max", "y2", "bottom")}
CORNERS = ("xmin", "ymin", "xmax", "ymax")
# Columns of whole boxes, which stand in the place of the corners, and how their numbers are meant: "[834, 222, 56, 36]"
# in the first Global Wheat data set and where COCO's boxes were made a table; "834 222 889 257;..." in the second one.
_WHOLE_BOXES = {"bbox": "xywh", "boxesstring": "corners"}
_SIZE = ("width", "height")
# A table may do without classes, where no other column than these could hold them.
_NO_CLASSES = ("", "id", *_SIZE, "source", "domain", "score", "confidence")
_ONLY_CLASS = "object"
_OF_RETINANET = ("filename", "xmin", "ymin", "xmax", "ymax", "class")
_DELIMITERS = ",;\t"


class Table(NamedTuple):
    """How a table of boxes is to be read.

    Attributes:
        delimiter: between columns.
        columns: position of each column by its usual name.
        has_names: whether its first line names the columns.
        whole_boxes: the name of the column of whole boxes; None where corners have columns.
    """

    delimiter: str
    columns: Dict[str, int]
    has_names: bool
    whole_boxes: Optional[str] = None

    @property
    def box_format(self) -> str:
        """How the numbers of a box are meant, see `RawSet`."""
        return "corners" if self.whole_boxes is None else _WHOLE_BOXES[self.whole_boxes]


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
    has_corners = set(CORNERS) <= set(columns)
    whole_boxes = None if has_corners else next((name for name in _WHOLE_BOXES if name in names), None)
    others = set(names) - {names[position] for position in columns.values()} - {whole_boxes, *_NO_CLASSES}
    if "filename" in columns and (has_corners or whole_boxes) and ("class" in columns or not others):
        columns.update({name: names.index(name) for name in (*_SIZE, whole_boxes) if name in names})
        return Table(delimiter, columns, True, whole_boxes)
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
        label = row.get("class", _ONLY_CLASS) or None
        # A row that names an image alone says that it has no boxes.
        if with_labels:
            images[name].objects.extend(RawObject(rows.line_num, label, box) for box in _boxes_of(row, table))
    notes = () if "class" in table.columns else (
        f"{annotation_file} has no column of classes: all boxes are of one class, {_ONLY_CLASS}",)
    return RawSet(list(images.values()), table.box_format, tuple(image_folders), counted_folder=counted_folder,
                  notes=notes)


def _boxes_of(row: Dict[str, str], table: Table) -> List[Any]:
    """Returns the boxes of a row as it states them; none where it names an image alone."""
    if table.whole_boxes is None:
        corners = [row[column] for column in CORNERS]
        return [corners] if any(corners) or row.get("class") else []
    stated = row[table.whole_boxes]
    parts = [] if stated in ("", "no_box", "nan", "[]") else stated.split(";")
    return [_whole_box(part) for part in parts]


def _whole_box(text: str) -> Any:
    """Returns the four numbers of a box in one column, as texts."""
    words = text.strip("[]() ").replace(",", " ").split()
    return words if len(words) == 4 else NoBox(f"{text!r} is not four numbers")


def _rows_of(file: str, rows: Any, has_names: bool) -> Iterator[List[str]]:
    """Yields the rows below the names of the columns; DataError where one is none of a table."""
    try:
        if has_names:
            next(rows, None)
        yield from rows
    except csv.Error as error:
        raise DataError(f"{file}, line {rows.line_num}: not a row of a table ({error})") from None
