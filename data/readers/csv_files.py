"""Reads tables of boxes: one CSV file for many images, one row a box, as Roboflow and TensorFlow's tools write them."""
import csv
import io
import os
from typing import Dict, List, Optional, Sequence

from ...errors import DataError
from ..raw import RawImage, RawObject, RawSet
from ..text_lists import read_text

CSV_COLUMNS = ("filename", "class", "xmin", "ymin", "xmax", "ymax")


def read_csv_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                  counted_folder: Optional[str] = None) -> RawSet:
    """Reads a table with the columns `CSV_COLUMNS`, and width and height where it has them.

    Args:
        annotation_file: the table.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.

    Raises:
        DataError: the file lacks one of the columns.
    """
    rows = csv.DictReader(io.StringIO(read_text(annotation_file)))
    missing = [column for column in CSV_COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise DataError(f"{annotation_file}: not a table of boxes, it has no column {missing[0]}")
    images: Dict[str, RawImage] = {}
    for row in rows:
        name = row["filename"] or "?"
        if name not in images:
            stem = os.path.splitext(os.path.basename(name.replace("\\", "/")))[0]
            images[name] = RawImage(f"{annotation_file}: image {name}", stem, name, row.get("width"),
                                    row.get("height"), [])
        box: List[Optional[str]] = [row[column] for column in CSV_COLUMNS[2:]]
        # A row that names an image alone says that it has no boxes.
        if with_labels and (row["class"] or any(box)):
            images[name].objects.append(RawObject(rows.line_num, row["class"] or None, box))
    return RawSet(list(images.values()), "corners", tuple(image_folders), counted_folder=counted_folder)
