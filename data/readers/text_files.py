"""What readers of one text file an image share: a line is an object, and the file is named after the image."""
import os
import re
from typing import Callable, Iterator, Optional, Sequence

from ...errors import DataError
from ..assembling.raw import RawImage, RawObject
from ..files.text_lists import read_list

# KITTI's label_2 lies beside image_2, VisDrone's annotations beside images, and data_object_label_2/... beside
# data_object_image_2/...
_OF_LABELS = re.compile(r"(.*?)(label|annotation)(s?)((?:_\d+)?)", re.IGNORECASE)
_LEFT_COLOUR_CAMERA = "image_2"  # the one that KITTI's boxes are of


def read_text_images(files: Sequence[str], read_line: Callable[[int, str], RawObject],
                     with_labels: bool) -> Iterator[RawImage]:
    """Yields one image for each text file; its name is the file's, with the folders below that around all files.

    A folder of labels among these is replaced by that of its images, see `image_folder_beside`.

    Args:
        files: the text files.
        read_line: takes the number of a line, from 1, and the line; returns the object that it states.
        with_labels: False if no boxes are to be read.
    """
    root = os.path.commonpath([os.path.dirname(file) for file in files]) if files else ""
    folders = {folder: os.path.relpath(image_folder_beside(folder, root) or folder, root)
               for folder in dict.fromkeys(map(os.path.dirname, files))}
    for file in files:
        stem = os.path.splitext(os.path.basename(file))[0]
        name = os.path.normpath(os.path.join(folders[os.path.dirname(file)], stem))
        image = RawImage(file, os.path.basename(name), name, None, None, [])
        try:
            lines = read_list(file) if with_labels else []
        except DataError as error:
            yield image._replace(fault=("image_entry_broken", str(error)))
            continue
        yield image._replace(objects=[read_line(number, line) for number, line in lines])


def image_folder_beside(labels: str, root: str = "") -> Optional[str]:
    """Returns the folder that is called as that of labels is, with "image" for "label" or "annotation", if it is there.

    Args:
        labels: a folder of labels, or one in such a folder.
        root: only folders below this one may be called otherwise.
    """
    parts = labels.split(os.sep)
    first = len(root.split(os.sep)) if root else 0
    positions = [position for position in range(first, len(parts)) if _OF_LABELS.fullmatch(parts[position])]
    for replaced in (positions[-1:], positions):
        for camera in (None, _LEFT_COLOUR_CAMERA):
            other = [_of_images(part, camera) if position in replaced else part for position, part in enumerate(parts)]
            folder = os.sep.join(other)
            if replaced and os.path.isdir(folder):
                return folder
    return None


def _of_images(part: str, camera: Optional[str]) -> str:
    """Returns the name of a folder of images for one of labels: of its own number, or that of a camera."""
    before, word, plural, number = _OF_LABELS.fullmatch(part).groups()
    return before + (camera or ("Image" if word[0].isupper() else "image") + plural + number)


def first_line(text: str) -> str:
    """Returns the first line of a text that is not blank, without spaces around it; empty if there is none."""
    return next(iter(text.strip().splitlines()), "").strip()
