"""Opens images with Pillow under this package's own rules, whatever others set for the whole process.

Pillow has two settings for the process: whether files that are cut off are read (GluonCV switches it on), and a limit
for the number of pixels. Here each call says what it wants. Pillow's warnings are not shown meanwhile: what is wrong
with a file is said by this package.
"""
import contextlib
import os
import re
import sys
import threading
import warnings
from typing import Callable, Iterator, Tuple

from PIL import Image, ImageFile, UnidentifiedImageError

from ...errors import DataError
from ..shortage import is_shortage
from ..files.image_bytes import image_file_exists, image_source, open_image_file

# Pillow's own limit: twice its MAX_IMAGE_PIXELS, in millions of pixels.
MAX_MEGAPIXELS = 178.956970
# Not None: Pillow looks at its limit twice in a row, in other threads, too, where they draw texts or read images,
# and fails where a number has become None in between.
_NO_LIMIT = sys.maxsize
# Drawings and icons, not photographs: reading EPS would run Ghostscript, and within an icon lies an image that may have
# another size than the icon says.
_REFUSED_FORMATS = ("EPS", "WMF", "ICO", "CUR", "ICNS")
# A filter of Python's warnings, as the module `warnings` keeps them: nothing that a module of Pillow warns of is shown.
_NO_WARNINGS = ("ignore", None, Warning, re.compile(r"PIL\."), 0)
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_SIGNS = (
    (b"\xff\xd8", "a damaged JPEG, or of a kind that Pillow does not read"),
    (b"\x89PNG", "a damaged PNG"),
    (b"II*\0", "a damaged TIFF, or of a kind that Pillow does not read"),
    (b"MM\0*", "a damaged TIFF, or of a kind that Pillow does not read"),
    (b"version https://git-lfs", "a pointer of Git LFS: git lfs pull fetches the image"),
    (b"<", "text, perhaps a web page that was saved in its place"),
)


class _Settings:
    """Sets Pillow's settings for as long as any thread needs them, and then restores them.

    Threads that want the same run at once; those that want the opposite wait for them.
    """

    def __init__(self):
        self._condition = threading.Condition()
        self._users = 0
        self._before = (False, None)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    @contextlib.contextmanager
    def use(self, allow_truncated: bool) -> Iterator[None]:
        """Context manager in which files that are cut off are read, or not, and there is no limit of pixels."""
        with self._condition:
            while self._users and ImageFile.LOAD_TRUNCATED_IMAGES != allow_truncated:
                self._condition.wait()
            if not self._users:
                self._before = ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS
                warnings.filters.insert(0, _NO_WARNINGS)
            ImageFile.LOAD_TRUNCATED_IMAGES = allow_truncated
            if Image.MAX_IMAGE_PIXELS is not None:
                Image.MAX_IMAGE_PIXELS = _NO_LIMIT
            self._users += 1
        try:
            yield
        finally:
            with self._condition:
                self._users -= 1
                if not self._users:
                    self._restore()
                    self._condition.notify_all()

    def _restore(self) -> None:
        ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS = self._before
        # warnings.catch_warnings would also take back what other threads changed meanwhile.
        with contextlib.suppress(ValueError):
            warnings.filters.remove(_NO_WARNINGS)

    def _after_fork(self) -> None:
        """In a new process no other thread exists that could be waited for."""
        self._condition = threading.Condition()
        if self._users:
            self._users = 0
            self._restore()


_SETTINGS = _Settings()
pillow_settings = _SETTINGS.use


@contextlib.contextmanager
def opened(path: str, allow_truncated: bool = False) -> Iterator[Image.Image]:
    """Context manager that opens an image file; its content decides on the format, not its extension.

    Args:
        path: the file.
        allow_truncated: let Pillow read what is there of a file that is cut off or damaged.

    Yields:
        The image, whose pixels are not read yet.

    Raises:
        DataError: it is no image that Pillow reads, or reading it within the block fails; the message names it.
        MemoryError, OSError: this process has no memory, or may open no more files.
    """
    try:
        with pillow_settings(allow_truncated), image_source(path) as source, Image.open(source) as image:
            if image.format in _REFUSED_FORMATS:
                raise DataError(f"{path}: {image.format} files are not read", "image_unreadable")
            yield image
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such image file", "image_missing") from None
    except Exception as error:  # Pillow raises all kinds for broken files, different ones for different formats
        if is_shortage(error):
            raise
        raise DataError(f"{path}: not a readable image ({_reason(path, error)})", "image_unreadable") from error


def load_image(path: str, allow_truncated: bool = True,
               prepare: Callable[[Image.Image], None] = lambda image: None) -> Tuple[Image.Image, bool]:
    """Reads an image file with its pixels.

    Args:
        path: the file.
        allow_truncated: also read a file that is cut off or damaged, as far as it goes; the rest is blank.
        prepare: is called with the image before its pixels are read.

    Returns:
        The image as Pillow loads it, and whether it is cut off or damaged.

    Raises:
        DataError: it cannot be read, or not even a part of its pixels is there; the message names it.
    """
    try:
        return _load(path, False, prepare), False
    except DataError:
        if not allow_truncated or not image_file_exists(path):
            raise
        image = _load(path, True, prepare)
        if _has_one_color(image):
            raise  # what is missing has one colour: nothing was there
        return image, True


def _has_one_color(image: Image.Image) -> bool:
    extrema = image.getextrema()
    return all(least == largest for least, largest in ((extrema,) if len(image.getbands()) == 1 else extrema))


def _load(path: str, allow_truncated: bool, prepare: Callable[[Image.Image], None]) -> Image.Image:
    with opened(path, allow_truncated) as image:
        prepare(image)
        image.load()
        return image


def check_pixel_count(path: str, width: int, height: int, max_megapixels: float) -> None:
    """Raises DataError if an image of this size has more pixels than the limit, in millions."""
    if width * height > max_megapixels * 1e6:
        raise DataError(
            f"{path}: {width} x {height} pixels are {width * height / 1e6:.0f} million, and the limit is "
            f"{max_megapixels:.0f} million; to read it, raise dataset.MAX_MEGAPIXELS (for lhrcnn data "
            "--max-megapixels, in a program the argument max_megapixels)", "image_too_large")


def _reason(path: str, error: Exception) -> str:
    """What is wrong with a file that Pillow does not read, in words that help."""
    try:
        with open_image_file(path) as file:
            start = file.read(32)
    except OSError as unreadable:
        return unreadable.strerror or str(unreadable)
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
        return "HEIC: convert it to JPEG, or call pillow_heif.register_heif_opener() of the package pillow-heif first"
    if start[4:12] == b"ftypavif":
        return "AVIF: convert it to JPEG, or install a Pillow that reads AVIF, 11.3 or later"
    if isinstance(error, UnidentifiedImageError):
        return next((reason for sign, reason in _SIGNS if start.startswith(sign)),
                    "its content is of no known image format")
    return str(error) or type(error).__name__
