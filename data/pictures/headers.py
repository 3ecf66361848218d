"""Sizes and orientations of image files, from their headers: fast enough to look at every file before a run."""
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import List, NamedTuple, Sequence, Tuple, Union

from ...errors import DataError
from ...progress import ProgressBar
from ..files.image_bytes import open_image_file
from ..files.packed_images import packed_place, read_packed
from .header_cache import HeaderCache
from .header_parsing import parse_header
from .orientation import orientation_of, stored_size
from .pillow import MAX_MEGAPIXELS, check_pixel_count, load_image, opened

_CHUNK = 512  # files that a thread is given at once
_CACHED_FROM = 500  # so many files or more are worth a file in the cache

PathLike = Union[str, "os.PathLike[str]"]


class Header(NamedTuple):
    """What the header of an image file says.

    Attributes:
        width, height: in pixels, as the image is stored.
        orientation: EXIF orientation, 1 to 8; 1, as stored, where none is stated. With 5 to 8, viewers show an image
            with width and height exchanged.
        format: of the content, as Pillow names it, such as "JPEG".
        truncated: whether a JPEG or PNG file is cut off, so that only a part of its pixels is there.
    """

    width: int
    height: int
    orientation: int
    format: str
    truncated: bool

    @property
    def upright_size(self) -> Tuple[int, int]:
        """(width, height) in pixels as viewers show the image."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def read_header(path: PathLike, max_megapixels: float = MAX_MEGAPIXELS) -> Header:
    """Reads the header of an image file; the content decides on the format, not the extension.

    Args:
        path: the file.
        max_megapixels: the limit for its number of pixels, in millions.

    Raises:
        DataError: there is no such file, it cannot be read as an image, or it has more pixels than the limit (kinds
            image_missing, image_unreadable, image_too_large); the message names the file.
    """
    return look_at(os.fspath(path), max_megapixels, check_end=True)


def look_at(path: str, max_megapixels: float, check_end: bool = False) -> Header:
    """Reads a header as `read_header` does.

    Args:
        path, max_megapixels: see `read_header`.
        check_end: find out whether the file is cut off, for which a suspect one is decoded; otherwise `truncated` is
            False.
    """
    place = packed_place(path)
    size = _status(path).st_size if place is None else len(read_packed(path, place))
    return _read(path, size, max_megapixels, check_end)


def read_headers(paths: Sequence[PathLike], progress: bool = False,
                 max_megapixels: float = MAX_MEGAPIXELS) -> List[Union[Header, DataError]]:
    """Reads the headers of many image files; see `read_header`.

    What was read is kept in the cache (see `cache_folder`) under the path, the size and the time of the last change of
    each file.

    Args:
        paths: the files.
        progress: show a progress bar on a terminal.
        max_megapixels: the limit for the number of pixels of an image, in millions.

    Returns:
        For each file its header, or the error that `read_header` would raise.
    """
    paths = [os.fspath(path) for path in paths]
    cache = HeaderCache(paths if len(paths) >= _CACHED_FROM else ())

    def read_chunk(chunk: Sequence[str]) -> List[Union[Header, DataError]]:
        return [_read_or_error(path, cache, max_megapixels) for path in chunk]

    found: List[Union[Header, DataError]] = []
    chunks = [paths[start:start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    # Threads do not compute faster, but they wait for slow disks and networks at the same time.
    with ThreadPoolExecutor(min(8, len(chunks)) or 1) as pool, \
            ProgressBar(total=len(paths), disable=None if progress else True, unit="image",
                        desc="image headers") as bar:
        for chunk in pool.map(read_chunk, chunks):
            found += chunk
            bar.update(len(chunk))
    cache.save()
    return found


def _read_or_error(path: str, cache: HeaderCache, max_megapixels: float) -> Union[Header, DataError]:
    try:
        status = _status(path)
        values = cache.find(path, status)
        if values is None:
            values = _read(path, status.st_size, max_megapixels, check_end=True)
            cache.add(path, status, values)
        header = Header(*values)
        check_pixel_count(path, header.width, header.height, max_megapixels)
        return header
    except DataError as error:
        return error


def _status(path: str) -> os.stat_result:
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{path}: there is no such image file", "image_missing") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable image ({error})", "image_unreadable") from error
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise DataError(f"{path}: not a readable image ({what})", "image_unreadable")
    if not status.st_size:
        raise DataError(f"{path}: not a readable image (the file is empty)", "image_unreadable")
    return status


def _read(path: str, size: int, max_megapixels: float, check_end: bool) -> Header:
    try:
        with open_image_file(path) as file:
            parsed = parse_header(file, size)
    except OSError as error:
        raise DataError(f"{path}: not a readable image ({error.strerror})", "image_unreadable") from error
    if parsed is not None:
        check_pixel_count(path, parsed.width, parsed.height, max_megapixels)
        truncated = check_end and not parsed.complete and load_image(path)[1]
        return Header(parsed.width, parsed.height, parsed.orientation, parsed.format, truncated)
    with opened(path) as image:
        width, height = stored_size(image)
        check_pixel_count(path, width, height, max_megapixels)
        return Header(width, height, orientation_of(image), image.format, False)
