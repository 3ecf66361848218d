"""Reads WIDER FACE's lists: one text file for many images.

Of each image it has the name, the number of its faces, and a line a face: `x y width height blur expression
illumination invalid occlusion pose`. An image without faces has one line of zeros. Faces that are marked as invalid are
read as difficult ones.
"""
import os
from typing import Iterator, List, Optional, Sequence, Tuple

from ..assembling.meaning import is_number
from ..assembling.raw import NoBox, RawImage, RawObject, RawSet
from ..files.image_extensions import IMAGE_EXTENSIONS
from ..files.text_lists import read_list

CLASS = "face"
_INVALID = 7  # position in a line
_Line = Tuple[int, str]


def is_widerface_text(text: str) -> bool:
    """Returns whether a text begins with an image's name, a number, and a line of at least four numbers.

    Images without faces may come first, and lack that line.
    """
    lines = [line.strip() for line in text.strip().splitlines()]
    while len(lines) > 3 and _is_name(lines[0]) and lines[1] == "0" and _is_name(lines[2]):
        lines = lines[2:]
    return len(lines) > 2 and _is_name(lines[0]) and lines[1].isdecimal() and (
        len(lines[2].split()) >= 4 and all(map(is_number, lines[2].split())))


def read_widerface_file(annotation_file: str, image_folders: Sequence[str], with_labels: bool = True,
                        counted_folder: Optional[str] = None) -> RawSet:
    """Reads a list of images and faces.

    Args:
        annotation_file: the list.
        image_folders: where the images are looked for, the most likely folder first.
        with_labels: False if no boxes are to be read.
        counted_folder: see `RawSet`.

    Raises:
        DataError: the file cannot be read.
    """
    images = (_read_image(annotation_file, name, lines, with_labels) for name, lines in _entries(annotation_file))
    return RawSet(images, "xywh", tuple(image_folders), counted_folder=counted_folder)


def _entries(file: str) -> Iterator[Tuple[str, List[_Line]]]:
    """Yields the name of each image, and the lines below it."""
    name, lines = "", []
    for number, line in read_list(file):
        if _is_name(line):
            if name:
                yield name, lines
            name, lines = line, []
        elif name:
            lines.append((number, line))
    if name:
        yield name, lines


def _read_image(file: str, name: str, lines: List[_Line], with_labels: bool) -> RawImage:
    where = f"{file}: image {name}"
    image = RawImage(where, os.path.splitext(os.path.basename(name))[0], name, None, None, [])
    stated, faces = (lines[0][1], lines[1:]) if lines else ("", [])
    if stated == "0":
        faces = [one for one in faces if one[1].strip("0 ")]
    if stated != str(len(faces)):
        return image._replace(fault=("image_entry_broken",
                                     f"{where} states {stated or 'no number of'} faces, and has {len(faces)} lines"))
    return image._replace(objects=[_read_face(number, line.split()) for number, line in faces] if with_labels else [])


def _read_face(number: int, words: List[str]) -> RawObject:
    box = words[:4]
    if len(box) == 4 and "0" in box[2:]:
        return RawObject(number, CLASS, NoBox(f"the face of {' x '.join(box[2:])} pixels has no extent",
                                              tuple(map(float, box)) if all(map(is_number, box)) else None))
    return RawObject(number, CLASS, box, difficult=words[_INVALID] if len(words) > _INVALID else None)


def _is_name(line: str) -> bool:
    return line.lower().endswith(IMAGE_EXTENSIONS)
