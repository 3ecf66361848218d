"""Opening of files that strangers name: a regular file and nothing else, and no more of it than its size.

A name in a data set can lead anywhere: to a pipe that never answers, to /dev/zero, which never ends, or to a file of
the system that states no size.
"""
import errno
import os
import stat
from typing import BinaryIO, Optional, Union

PathLike = Union[str, "os.PathLike[str]"]


def open_regular(file: PathLike) -> BinaryIO:
    """Opens a regular file to read its bytes.

    Args:
        file: its path; links are followed.

    Raises:
        OSError: there is no such file, it cannot be opened, or it is a folder, a pipe, a device or a socket; `strerror`
            says which.
    """
    path = os.fspath(file)
    try:
        # Without O_NONBLOCK, opening a pipe waits for another process to write to it.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
                         | getattr(os, "O_BINARY", 0))
    except ValueError as error:  # a NUL character in its name
        raise OSError(errno.EINVAL, str(error), path) from None
    try:
        kind = os.fstat(handle).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "no regular file, but a pipe, a device or a socket", path)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_regular(file: PathLike, most: Optional[int] = None) -> bytes:
    """Returns the bytes of a regular file.

    Args:
        file: its path.
        most: how many bytes are read at most; None reads all that the file states to have.

    Raises:
        OSError: see `open_regular`.
    """
    with open_regular(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        return stream.read(size if most is None else min(size, most))


def size_of(file: PathLike) -> int:
    """Returns the number of bytes of a regular file; 0 for anything else, such as a link to nothing."""
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
