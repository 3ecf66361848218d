"""The one place where image files are opened, whether they lie alone or in a shard of a packed data set."""
import os
import shutil
from io import BufferedReader, BytesIO, FileIO
from typing import BinaryIO, Optional

from .packed_images import packed_place, read_packed


def is_packed_image(path: str) -> bool:
    """Returns whether a path names an image in a shard."""
    return packed_place(path) is not None


def open_image_file(path: str) -> BinaryIO:
    """Opens an image file without a buffer.

    Raises:
        OSError: it cannot be opened.
        DataError: it lies in a shard and cannot be read there.
    """
    place = packed_place(path)
    return open(path, "rb", buffering=0) if place is None else BytesIO(read_packed(path, place))


def image_source(path: str) -> BinaryIO:
    """Opens an image file for Pillow, which asks for as many bytes as a damaged file says that there are.

    Raises:
        OSError, DataError: see `open_image_file`.
    """
    place = packed_place(path)
    return _SizedFile(path) if place is None else BytesIO(read_packed(path, place))


class _SizedFile(BufferedReader):
    """A file that takes memory for as many bytes as it has, however many are asked for."""

    def __init__(self, path: str):
        super().__init__(FileIO(path))
        self._size = os.fstat(self.fileno()).st_size

    def read(self, size: Optional[int] = -1) -> bytes:
        """Returns the next bytes; all that are left for None and numbers below 0."""
        return super().read(-1 if size is None or size < 0 else min(size, self._size))


def image_file_exists(path: str) -> bool:
    """Returns whether an image file can be asked for: it, or its shard, is there."""
    place = packed_place(path)
    return os.path.isfile(path if place is None else place.shard)


def image_file_size(path: str) -> int:
    """Returns the number of bytes of an image file.

    Raises:
        OSError, DataError: see `open_image_file`.
    """
    place = packed_place(path)
    return os.path.getsize(path) if place is None else len(read_packed(path, place))


def copy_image_file(source: str, target: str) -> None:
    """Copies an image file to a file of its own; errors as for `open_image_file`."""
    if not is_packed_image(source):
        shutil.copyfile(source, target)
        return
    with open_image_file(source) as content, open(target, "wb") as file:
        shutil.copyfileobj(content, file)
