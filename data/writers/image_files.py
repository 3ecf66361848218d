"""The image files of a data set that is written: their names, and the files themselves as links or copies."""
import os
from typing import Set

from ...errors import UsageError
from ..files.image_bytes import copy_image_file, is_packed_image
from ..files.image_extensions import IMAGE_EXTENSIONS
from ..pictures.headers import read_header

MODES = ("link", "copy", "none")


class ImageFiles:
    """Puts image files into the folders of a data set that is written.

    Args:
        mode: "link" makes hard links, which take no space, and copies where the file system cannot link, and of images
            in shards; "copy" makes copies; "none" leaves the images out.

    Attributes:
        copied: number of files that were copied because they could not be linked.
    """

    def __init__(self, mode: str):
        if mode not in MODES:
            raise UsageError(f"images can be {', '.join(MODES)}, not {mode!r}")
        self.mode, self.copied = mode, 0

    def put(self, source: str, target: str) -> None:
        """Makes `target` a link to the file `source`, or a copy of it; the folder is made if it does not exist."""
        if self.mode == "none":
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if self.mode == "link" and not is_packed_image(source):
            try:
                os.link(os.path.realpath(source), target)
                return
            except OSError:
                self.copied += 1
        copy_image_file(source, target)


class ImageNames:
    """Gives each image of a folder a name of its own: its own name, with a number behind where that is taken.

    Names that differ only in their extension, or in upper and lower case, count as the same.
    """

    def __init__(self):
        self._taken: Set[str] = set()

    def name(self, path: str) -> str:
        """Returns the name for the image file `path`; it ends in one of `IMAGE_EXTENSIONS`."""
        stem, extension = os.path.splitext(os.path.basename(path))
        if extension.lower() not in IMAGE_EXTENSIONS:
            stem, extension = stem + extension, f".{read_header(path).format.lower()}"
        free, number = stem, 1
        while free.casefold() in self._taken:
            number += 1
            free = f"{stem}-{number}"
        self._taken.add(free.casefold())
        return free + extension
