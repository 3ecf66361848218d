"""Reads VisDrone's annotations of images: one text file an image, one line an object.

A line is `left,top,width,height,score,category,truncation,occlusion`. Its benchmark counts objects of score 0 neither
as right nor as wrong, and they are read as difficult ones. Of the category 0, a region in which nothing was labelled,
and of 11, other vehicles, which are none of the ten classes, only the place is read.
"""
from typing import Optional, Sequence

from ..assembling.meaning import is_number
from ..assembling.raw import NoBox, RawObject, RawSet
from .text_files import first_line, read_text_images

CLASSES = {"1": "pedestrian", "2": "people", "3": "bicycle", "4": "car", "5": "van", "6": "truck", "7": "tricycle",
           "8": "awning-tricycle", "9": "bus", "10": "motor"}  # by category
REGIONS = ("0", "11")
_NUMBERS = 8


def is_visdrone_text(text: str) -> bool:
    """Returns whether the first line of a text is one of VisDrone's."""
    words = _words(first_line(text))
    return len(words) == _NUMBERS and all(map(is_number, words)) and words[4] in ("0", "1") and (
        words[5] in REGIONS or words[5] in CLASSES)


def read_visdrone_files(text_files: Sequence[str], image_folders: Sequence[str], with_labels: bool = True,
                        counted_folder: Optional[str] = None) -> RawSet:
    """Reads annotation files, which are named after their images.

    Args:
        text_files: the files.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.
    """
    images = read_text_images(text_files, _read_line, with_labels)
    return RawSet(images, "xywh", tuple(image_folders), counted_folder=counted_folder)


def _read_line(number: int, line: str) -> RawObject:
    words = _words(line)
    if len(words) != _NUMBERS:
        return RawObject(number, None, NoBox(f"{line!r} has {len(words)} numbers, a line of VisDrone's has {_NUMBERS}"))
    if words[5] in REGIONS:
        return RawObject(number, None, words[:4], region=True)
    return RawObject(number, CLASSES.get(words[5]), words[:4], difficult=words[4] == "0", stated_class=words[5])


def _words(line: str) -> Sequence[str]:
    return [word.strip() for word in line.rstrip(", ").split(",")]
