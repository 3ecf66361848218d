"""The folder in which what was read of data sets is kept, so that a second look is immediate."""
import contextlib
import os
import re
import tempfile
from typing import BinaryIO, Callable, Optional

VARIABLE = "LHRCNN_CACHE"
MAX_BYTES = 1 << 29  # of the files in a folder of the cache; those that were not used for the longest time are removed
# What may be removed: a user may have named a folder in which other files lie.
_OWN_NAMES = re.compile(r"[0-9a-f]{32}\.npz|\.tmp-\w+")


def cache_folder() -> Optional[str]:
    """Returns the folder of the cache, which may not exist yet; None where there is to be none.

    It is `light_head_rcnn` in the user's cache folder (XDG_CACHE_HOME, or else ~/.cache). The environment variable
    LHRCNN_CACHE names another one, or `off`.
    """
    named = os.environ.get(VARIABLE, "")
    if named:
        return None if named.lower() == "off" else os.path.abspath(os.path.expanduser(named))
    home = os.path.expanduser("~")
    users = os.environ.get("XDG_CACHE_HOME", "") or os.path.join(home, ".cache")
    return os.path.join(users, "light_head_rcnn") if os.path.isabs(users) else None


def read_cached(name: str, read: Callable[[str], object]) -> Optional[object]:
    """Reads a file of the cache.

    Args:
        name: its path below the folder of the cache.
        read: is called with the path, and returns the content. It must not unpickle anything.

    Returns:
        What `read` returned; None if there is no such file, or whatever is wrong with it: then it is made anew.
    """
    folder = cache_folder()
    if folder is None:
        return None
    path = os.path.join(folder, name)
    try:
        content = read(path)
        with contextlib.suppress(OSError):
            os.utime(path)  # files that are used stay
        return content
    except Exception:  # a broken file of the cache must never stop anything, and NumPy and zipfile raise all kinds
        return None


def write_cached(name: str, write: Callable[[BinaryIO], None]) -> bool:
    """Writes a file of the cache, so that it is either whole or not there.

    Args:
        name: its path below the folder of the cache: a folder, and 32 hexadecimal digits with the extension .npz.
        write: is called with a file, open for bytes.

    Returns:
        Whether it was written; a folder that cannot be written to is no error.
    """
    folder = cache_folder()
    if folder is None:
        return False
    path = os.path.join(folder, name)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # Each process has a name of its own: several may write at once.
        handle, temporary = tempfile.mkstemp(prefix=".tmp-", dir=os.path.dirname(path))
        try:
            with os.fdopen(handle, "wb") as file:
                write(file)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        _remove_old_files(os.path.dirname(path))
    except OSError:
        return False
    return True


def _remove_old_files(folder: str) -> None:
    """Removes files of the cache from a folder, until those that stay have at most `MAX_BYTES`."""
    files = []
    for name in filter(_OWN_NAMES.fullmatch, os.listdir(folder)):
        with contextlib.suppress(OSError):  # another process may have removed it
            status = os.stat(os.path.join(folder, name))
            files.append((status.st_mtime, status.st_size, os.path.join(folder, name)))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= MAX_BYTES:
            break
        with contextlib.suppress(OSError):
            os.unlink(path)
        total -= size
