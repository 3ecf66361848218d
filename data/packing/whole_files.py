"""Files that are either whole and on the disk, or not there, with their checksums."""
import contextlib
import hashlib
import os
from typing import BinaryIO, Callable, Iterator

from .manifest import PackedFile

_BLOCK = 1 << 20


@contextlib.contextmanager
def whole_file(folder: str, name: str) -> Iterator[BinaryIO]:
    """Context manager that gives a file to write; when the block ends, it reaches the disk and gets its name.

    If the block raises an exception, or the disk is full, nothing is left of it.
    """
    temporary = os.path.join(folder, f".tmp-{name}")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, os.path.join(folder, name))
        sync_folder(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def sync_folder(folder: str) -> None:
    """Brings the entries of a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def describe_file(folder: str, name: str, images: int) -> PackedFile:
    """Returns what the manifest says of a file that is there."""
    path = os.path.join(folder, name)
    return PackedFile(name, os.path.getsize(path), checksum(path), images)


def checksum(path: str, progress: Callable[[int], object] = lambda count: None) -> str:
    """Returns the SHA-256 of a file in hexadecimal digits.

    Args:
        path: the file.
        progress: is called with the number of bytes of each block that was read.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            digest.update(block)
            progress(len(block))
    return digest.hexdigest()
