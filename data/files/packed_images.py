"""Images in the shards of a packed data set, and the paths that name them.

The path of such an image is SHARD.rec/OFFSET+LENGTH/NAME: the file of records, where in it the image's record lies, and
the name that the image's file had. It says all that is needed to read the image, so that a worker process or another
program needs nothing else.
"""
import contextlib
import os
import re
import threading
import zlib
from functools import lru_cache
from typing import BinaryIO, NamedTuple, Optional

import numpy as np

from ...errors import DataError
from ..shortage import is_shortage
from .opening import open_regular
from .record_io import LEAST_BYTES, ImageRecord, pack_image, unpack_image

SHARD_EXTENSION = ".rec"
_PLACE = re.compile(r"(.+\.rec)/(\d{1,18})\+(\d{1,18})/", re.DOTALL)
_OPEN_SHARDS = 64  # files that are kept open
_last = threading.local()  # the image that a thread read last: its header is read first, and then its pixels


class PackedPlace(NamedTuple):
    """Where an image lies.

    Attributes:
        shard: path of the file of records.
        offset, length: of its record, in bytes.
    """

    shard: str
    offset: int
    length: int


def packed_path(shard: str, offset: int, length: int, name: str) -> str:
    """Returns the path that names an image in a shard; `name` is that of its file."""
    return f"{shard}/{offset}+{length}/{name}"


def packed_place(path: str) -> Optional[PackedPlace]:
    """Returns where the image of a path lies; None for a path of an ordinary file."""
    if ".rec/" not in path:
        return None
    found = _PLACE.match(path)
    # A folder may be called so; nothing but a shard is a file there.
    if found is None or os.path.isdir(found[1]):
        return None
    return PackedPlace(found[1], int(found[2]), int(found[3]))


def name_in_shard(path: str) -> Optional[str]:
    """Returns the name that an image in a shard had as a file; None for a path of an ordinary file."""
    return path[_PLACE.match(path).end():] if packed_place(path) else None


def pack_content(content: bytes, labels: np.ndarray, number: int) -> bytes:
    """Returns the record of an image file as it lies in a shard.

    Args:
        content: of the file.
        labels: float32 (n,), see `detection_labels`.
        number: of the image in its set.

    Raises:
        ValueError: the file is too large for a record.
    """
    return pack_image(ImageRecord(labels, number, zlib.crc32(content), content))


def read_packed(path: str, place: PackedPlace) -> bytes:
    """Returns the content of the image file that lies at a place.

    Args:
        path: that names it, for messages.
        place: see `packed_place`.

    Raises:
        DataError: there is no such shard, or the record is damaged (kinds image_missing, image_unreadable); the
            message names both.
        MemoryError, OSError: this process has no memory, or may open no more files.
    """
    try:
        file = _open_shard(place.shard)
        status = os.fstat(file.fileno())
        key = path, status.st_ino, status.st_mtime_ns
        if getattr(_last, "key", None) == key:
            return _last.content
        if place.length < LEAST_BYTES or place.offset + place.length > status.st_size:
            raise DataError(f"{path}: not a readable image ({place.shard} has {status.st_size} bytes, and no record of "
                            f"{place.length} at byte {place.offset})", "image_unreadable")
        # Processes that were forked share the position in a file: this read neither uses nor moves it.
        stored = os.pread(file.fileno(), place.length, place.offset)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no file of records {place.shard}", "image_missing") from None
    except OSError as error:
        if is_shortage(error):
            raise
        raise DataError(f"{path}: not a readable image ({error.strerror})", "image_unreadable") from error
    content = unpack_checked(path, stored)
    _last.key, _last.content = key, content
    return content


def read_shard_ahead(shard: str, offset: int, length: int) -> None:
    """Asks the system to read a part of a shard soon; where it cannot, nothing happens."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(_open_shard(shard).fileno(), offset, length, os.POSIX_FADV_WILLNEED)


def unpack_checked(path: str, stored: bytes) -> bytes:
    """Returns the content of the image file in a record.

    Args:
        path: that names it, for messages.
        stored: the record as it lies in the shard.

    Raises:
        DataError: the record is damaged.
    """
    try:
        record = unpack_image(stored)
        if zlib.crc32(record.content) != record.check:
            raise ValueError("its checksum is another")
    except ValueError as error:
        raise DataError(f"{path}: not a readable image (its record is damaged: {error}; `lhrcnn data check` finds the "
                        "shards that have to be copied or packed anew)", "image_unreadable") from None
    return record.content


def _open_shard(shard: str) -> BinaryIO:
    file = _opened(shard)
    if not os.fstat(file.fileno()).st_nlink:  # another file has its name now
        _opened.cache_clear()
        file = _opened(shard)
    return file


@lru_cache(_OPEN_SHARDS)
def _opened(shard: str) -> BinaryIO:
    """Returns a shard, open; Python closes it when others have taken its place here and no thread reads it."""
    return open_regular(shard)
