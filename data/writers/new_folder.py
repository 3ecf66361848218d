"""A new folder of files that is either complete or not there."""
import contextlib
import os
import shutil
import tempfile
from typing import Iterator, List

from ...errors import UsageError


@contextlib.contextmanager
def new_folder(path: str) -> Iterator[str]:
    """Context manager that gives a temporary folder; when the block ends, it is renamed to `path`.

    The temporary folder is beside `path` and begins with ".tmp-". If the block raises an exception, it is removed. A
    `path` that is there may be the root of another disk, which no other folder can replace: the temporary folder is
    then in it, and what was written moves up.

    Args:
        path: a folder that does not exist yet, or is empty, or a link to such a one. Folders above it are made.

    Yields:
        The folder to write to.

    Raises:
        UsageError: `path` is a file, or a folder that is not empty.
    """
    path = os.path.abspath(path)
    check_new_folder(path)
    path = os.path.realpath(path)
    is_there = os.path.isdir(path)
    parent, name = os.path.split(path)
    os.makedirs(parent, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=f".tmp-{name}-", dir=path if is_there else parent)
    try:
        yield temporary
        if is_there:
            _move_up(temporary, path)
        else:
            os.chmod(temporary, 0o777 & ~_umask())  # mkdtemp gives it to its owner alone
            check_new_folder(path)
            os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def check_new_folder(path: str) -> None:
    """Raises UsageError unless `path` does not exist or is an empty folder."""
    if os.path.isdir(path):
        _check_holds_only(path, [])
    elif os.path.lexists(path):
        raise UsageError(f"{path} is a file: name a new folder")


def _move_up(temporary: str, path: str) -> None:
    """Moves all that is in a temporary folder to the folder around it, which has nothing else."""
    _check_holds_only(path, [os.path.basename(temporary)])
    for name in os.listdir(temporary):
        os.rename(os.path.join(temporary, name), os.path.join(path, name))
    os.rmdir(temporary)


def _check_holds_only(path: str, names: List[str]) -> None:
    if os.listdir(path) != names:
        raise UsageError(f"{path} is not empty: name a new folder")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
