"""What readers of one text file an image share: a line is an object, and the file is named after the image."""
import os
from typing import Callable, Iterator, Sequence

from ...errors import DataError
from ..assembling.raw import RawImage, RawObject
from ..files.text_lists import read_list


def read_text_images(files: Sequence[str], read_line: Callable[[int, str], RawObject],
                     with_labels: bool) -> Iterator[RawImage]:
    """Yields one image for each text file; its name is the file's, with the folders below that around all files.

    Args:
        files: the text files.
        read_line: takes the number of a line, from 1, and the line; returns the object that it states.
        with_labels: False if no boxes are to be read.
    """
    root = os.path.commonpath([os.path.dirname(file) for file in files]) if files else ""
    for file in files:
        name = os.path.splitext(os.path.relpath(file, root))[0]
        image = RawImage(file, os.path.basename(name), name, None, None, [])
        try:
            lines = read_list(file) if with_labels else []
        except DataError as error:
            yield image._replace(fault=("image_entry_broken", str(error)))
            continue
        yield image._replace(objects=[read_line(number, line) for number, line in lines])


def first_line(text: str) -> str:
    """Returns the first line of a text that is not blank, without spaces around it; empty if there is none."""
    return next(iter(text.strip().splitlines()), "").strip()
