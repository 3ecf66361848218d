"""Reads KITTI's label files: one text file an image, one line an object, as NVIDIA's tools write them, too.

A line is `type truncated occluded alpha left top right bottom` and seven numbers of the object in space, with a score
after them in files that a detector wrote. A line of the type DontCare is a region in which nothing was labelled.
"""
from typing import Optional, Sequence

from ..assembling.meaning import is_number
from ..assembling.raw import NoBox, RawObject, RawSet
from .text_files import first_line, read_text_images
from .yolo_files import LARGEST_FRACTION

REGION = "dontcare"
_WORDS = (15, 16)


def is_kitti_text(text: str) -> bool:
    """Returns whether the first line of a text is one of KITTI's: its box has pixels, not fractions as YOLO's have."""
    words = first_line(text).split()
    if len(words) not in _WORDS or is_number(words[0]) or not all(map(is_number, words[1:])):
        return False
    left, top, right, bottom = map(float, words[4:8])
    return left <= right and top <= bottom and max(right, bottom) > LARGEST_FRACTION


def read_kitti_files(text_files: Sequence[str], image_folders: Sequence[str], with_labels: bool = True,
                     counted_folder: Optional[str] = None) -> RawSet:
    """Reads label files, which are named after their images.

    Args:
        text_files: the files.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.
    """
    images = read_text_images(text_files, _read_line, with_labels)
    return RawSet(images, "corners", tuple(image_folders), counted_folder=counted_folder)


def _read_line(number: int, line: str) -> RawObject:
    words = line.split()
    if len(words) not in _WORDS:
        return RawObject(number, words[0], NoBox(f"{line!r} has {len(words)} words, a line of KITTI's has 15 or 16"))
    if words[0].lower() == REGION:
        return RawObject(number, None, words[4:8], region=True)
    return RawObject(number, words[0], words[4:8])
