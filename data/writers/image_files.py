"""The image files of a data set that is written: their names, and the files themselves as links or copies."""
import math
import os
from typing import Dict, Optional, Set

from PIL import Image

from ...errors import UsageError
from ..files.image_bytes import copy_image_file, is_packed_image
from ..files.image_extensions import IMAGE_EXTENSIONS, OTHER_IMAGE_EXTENSIONS
from ..files.plain_names import plain_name
from ..files.text_lists import readable_name
from ..pictures.headers import read_header
from ..pictures.images import read_image
from ..pictures.orientation import ORIENTATION_TAG, turn

MODES = ("link", "copy", "none")
_PNG = ".png"


class ImageFiles:
    """Puts image files into the folders of a data set that is written.

    Args:
        mode: "link" makes hard links, which take no space, and copies where the file system cannot link, and of images
            in shards; "copy" makes copies; "none" leaves the images out.

    Attributes:
        copied: number of files that were copied because they could not be linked.
        rewritten: number of files that were written as PNG, see `put`.
    """

    def __init__(self, mode: str):
        if mode not in MODES:
            raise UsageError(f"images can be {', '.join(MODES)}, not {mode!r}")
        self.mode, self.copied, self.rewritten = mode, 0, 0

    def names(self) -> "ImageNames":
        """Returns what gives the images of a folder their names."""
        return ImageNames(as_they_are=self.mode == "none")

    def put(self, source: str, target: str) -> None:
        """Makes `target` a link to the file `source`, or a copy of it; the folder is made if it does not exist.

        Where `ImageNames` calls an image .png which has another format, a PNG file is written.
        """
        if self.mode == "none":
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        extension = os.path.splitext(source)[1].lower()
        if target.endswith(_PNG) and extension not in IMAGE_EXTENSIONS and not _extension_by_content(source):
            _write_png(source, target)
            self.rewritten += 1
            return
        if self.mode == "link" and not is_packed_image(source):
            try:
                os.link(os.path.realpath(source), target)
                return
            except OSError:
                self.copied += 1
        copy_image_file(source, target)


class ImageNames:
    """Gives each image of a folder a name of its own: its own name, with a number behind where that is taken.

    Names that differ only in their extension, or in upper and lower case, count as the same. What a text file cannot
    hold, such as bytes that are not UTF-8, is replaced. A name ends in one of `IMAGE_EXTENSIONS`, by which images are
    looked for: an image of a format without one is called .png, and `ImageFiles` writes it so.

    Args:
        as_they_are: whether all keep their extensions, because the images themselves stay where they are.
    """

    def __init__(self, as_they_are: bool = False):
        self._as_they_are = as_they_are
        self._taken: Set[str] = set()
        self._numbers: Dict[str, int] = {}  # the last one that was tried, by the name without it

    def name(self, path: str) -> str:
        """Returns the name for the image file `path`."""
        stem, extension = os.path.splitext(os.path.basename(path))
        if not self._as_they_are and extension.lower() not in IMAGE_EXTENSIONS:
            stem = stem if extension.lower() in OTHER_IMAGE_EXTENSIONS else stem + extension
            extension = _extension_by_content(path) or _PNG
        stem = stem if stem.isprintable() else plain_name(readable_name(stem))
        free, number = stem, self._numbers.get(stem.casefold(), 1)
        while free.casefold() in self._taken:
            number += 1
            free = f"{stem}-{number}"
        self._numbers[stem.casefold()] = number
        self._taken.add(free.casefold())
        return free + extension


def _extension_by_content(path: str) -> Optional[str]:
    """Returns the extension of an image's format; None if it is none of `IMAGE_EXTENSIONS`."""
    extension = f".{read_header(path, math.inf).format.lower()}"
    return extension if extension in IMAGE_EXTENSIONS else None


def _write_png(source: str, target: str) -> None:
    """Writes an image as a PNG file, as it is stored and with its orientation: its boxes stay right."""
    orientation = read_header(source, math.inf).orientation
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    pixels = turn(read_image(source, max_megapixels=math.inf), orientation, back=True)
    Image.fromarray(pixels).save(target, "PNG", exif=exif)
