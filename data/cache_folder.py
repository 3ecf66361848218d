"""The folder in which what was read of data sets is kept, so that a second look is immediate."""
import os
import tempfile
from typing import BinaryIO, Callable, Optional

VARIABLE = "LHRCNN_CACHE"


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
    try:
        return read(os.path.join(folder, name))
    except Exception:  # a broken file of the cache must never stop anything, and NumPy and zipfile raise all kinds
        return None


def write_cached(name: str, write: Callable[[BinaryIO], None]) -> bool:
    """Writes a file of the cache, so that it is either whole or not there.

    Args:
        name: its path below the folder of the cache.
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
    except OSError:
        return False
    return True
