"""The folder of pictures that `lhrcnn data show` writes: names, contact sheets, lists, and what could not be drawn."""
import os
import sys
from pathlib import Path
from typing import Iterator, Sequence, Tuple

from PIL import Image

from ...data import Record
from ...engine.files import atomic_write
from ...engine.reporting.contact_sheets import make_sheets
from ...engine.reporting.drawing import save_picture

LEAST_SIDE = 800  # pixels: smaller images are enlarged, for lines and text to be seen


def write_sheets(folder: Path, thumbnails: Iterator[Tuple[str, Image.Image]]) -> None:
    """Writes contact sheets, sheet-01.jpg and so on."""
    for number, sheet in enumerate(make_sheets(thumbnails), 1):
        save_picture(sheet, folder / f"sheet-{number:02}.jpg")


def write_lines(file: Path, lines: Sequence[str]) -> None:
    """Writes lines of text to a file, atomically; names of files that are not UTF-8 have their own bytes."""
    with atomic_write(file) as temporary:
        Path(temporary).write_text("".join(line + "\n" for line in lines), encoding="utf-8",
                                   errors="surrogateescape")


def picture_name(number: int, record: Record) -> str:
    """Returns the file name of the picture of an image: its number, and the stem of the image's name."""
    return f"{number:04}-{os.path.splitext(os.path.basename(record.path))[0]}.jpg"


def report_failures(failures: Sequence[str]) -> int:
    """Prints why images are missing; returns the exit status."""
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    return int(bool(failures))
