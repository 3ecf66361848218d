"""A new folder of files that is either complete or not there."""
import contextlib
import os
import shutil
import tempfile
from typing import Iterator

from ...errors import UsageError


@contextlib.contextmanager
def new_folder(path: str) -> Iterator[str]:
    """Context manager that gives a temporary folder; when the block ends, it is renamed to `path`.

    The temporary folder is beside `path` and begins with ".tmp-". If the block raises an exception, it is removed.

    Args:
        path: a folder that does not exist yet, or is empty. Folders above it are made.

    Yields:
        The folder to write to.

    Raises:
        UsageError: `path` is a file, or a folder that is not empty.
    """
    path = os.path.abspath(path)
    check_new_folder(path)
    parent, name = os.path.split(path)
    os.makedirs(parent, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=f".tmp-{name}-", dir=parent)
    try:
        yield temporary
        os.chmod(temporary, 0o777 & ~_umask())  # mkdtemp gives it to its owner alone
        check_new_folder(path)
        os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def check_new_folder(path: str) -> None:
    """Raises UsageError unless `path` does not exist or is an empty folder."""
    if os.path.isdir(path):
        if os.listdir(path):
            raise UsageError(f"{path} is not empty: name a new folder")
    elif os.path.lexists(path):
        raise UsageError(f"{path} is a file: name a new folder")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
