"""Listing of folders: one that cannot be listed is an error, and never taken for an empty one."""
import errno
import os
from typing import List, NamedTuple, Optional, Tuple

from ...errors import DataError

# In lower case: folders that other programs make, some of which only the system may read.
IGNORED_FOLDERS = ("__macosx", "@eadir", "node_modules", "__pycache__", "lost+found", "$recycle.bin",
                   "system volume information")
# What an entry is that leads nowhere: no such file, no folder, a link to itself.
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class Listing(NamedTuple):
    """What lies in a folder.

    Attributes:
        identity: tells the folder from every other, whatever link leads to it.
        entries: all that is not hidden, by name.
    """

    identity: Tuple[int, int]
    entries: "List[os.DirEntry[str]]"


def list_folder(folder: str) -> Optional[Listing]:
    """Lists a folder; None where there is no such folder.

    Raises:
        DataError: it cannot be listed, as for want of a permission.
    """
    try:
        status = os.stat(folder)
        with os.scandir(folder) as entries:
            visible = sorted((entry for entry in entries if not entry.name.startswith(".")),
                             key=lambda entry: entry.name)
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None
        raise _unlisted(error, folder) from None
    return Listing((status.st_dev, status.st_ino), visible)


def is_folder(entry: "os.DirEntry[str]") -> bool:
    """Returns whether an entry is a folder, or a link to one; False for a link that leads nowhere.

    Raises:
        DataError: it is a link to what cannot be looked at.
    """
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno in _NOT_THERE:
            return False
        raise _unlisted(error, entry.path) from None


def is_file(entry: "os.DirEntry[str]") -> bool:
    """Returns whether an entry is a file, or a link to one or to what cannot be looked at: reading it will tell why."""
    try:
        return entry.is_file()
    except OSError as error:
        return error.errno not in _NOT_THERE


def _unlisted(error: OSError, folder: str) -> DataError:
    """Returns the error for a folder that could not be listed."""
    return DataError(f"{folder}: the folder cannot be listed ({error.strerror}), and what lies in it would be missing "
                     "without a word; make it readable, or take it out of the data set")
