"""Keeps a second process out of a folder in which one works."""
import contextlib
import fcntl
import logging
import os
import socket
import sys
from pathlib import Path
from typing import Iterator, List

from ..errors import StorageError, UsageError
from .files import PathLike, refuse_link, remove_unfinished, storage_errors

_LOGGER = logging.getLogger(__name__)
_NAME = ".lock"


class FolderLock:
    """What `lock_folder` gives; it tells whether the folder is still the one that was locked."""

    def __init__(self, folder: Path, handle: int):
        self._folder, self._handle = folder, handle

    def check(self) -> None:
        """Checks that the folder has been neither removed nor replaced since it was locked.

        Raises:
            StorageError: it has been, so that another process may work there too.
        """
        if not _is_same(self._handle, self._folder / _NAME):
            raise StorageError(f"{self._folder} has been removed or replaced while this process worked in it: nothing "
                               "more is written there; begin anew, or choose another folder")


@contextlib.contextmanager
def lock_folder(folder: PathLike) -> Iterator[FolderLock]:
    """Context manager that holds a folder, which is made, for this process; the system lets go when the process ends.

    The lock is the file `.lock` in the folder, held by flock(2): no file of a process that has ended, however it ended,
    keeps others out. On Linux that holds between machines, too, on NFS; where a file system knows no locks the log says
    so and the work goes on. The file, and folders that were made and stayed empty, are removed at the end. Unfinished
    files of a process that was killed in the folder are removed at the start.

    Raises:
        UsageError: another process holds the folder; the message names the process.
        StorageError: the folder cannot be written to.
    """
    folder = Path(folder)
    made = _missing_folders(folder)
    path = folder / _NAME
    refuse_link(path)
    with storage_errors(path, *made, folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = _locked_file(folder, path)
        # A forked process inherits the lock, and must not hold it when this one has ended.
        _OPEN.append(handle)
        try:
            os.truncate(handle, 0)
            with contextlib.suppress(OSError):  # on a full disk the lock holds without a name
                os.write(handle, f"{os.getpid()} on {socket.gethostname()}, {_command()}\n".encode())
            yield FolderLock(folder, handle)
        finally:
            # Whoever opened the file before it goes finds out that it has gone, see `_locked_file`.
            with contextlib.suppress(OSError):
                if _is_same(handle, path):
                    path.unlink()
            _OPEN.remove(handle)
            os.close(handle)
    finally:
        for one in made:
            with contextlib.suppress(OSError):
                one.rmdir()


_OPEN: List[int] = []


def _close_in_child() -> None:
    for handle in _OPEN:
        with contextlib.suppress(OSError):
            os.close(handle)
    _OPEN.clear()


os.register_at_fork(after_in_child=_close_in_child)


def _locked_file(folder: Path, path: Path) -> int:
    """Returns the handle of the file, locked."""
    while True:
        with storage_errors(path, folder):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 1000).decode(errors="replace").strip() or "of unknown number"
            os.close(handle)
            raise UsageError(f"another process ({holder}) works in {folder}: wait for its end, or choose another "
                             "folder by --out") from None
        except OSError as error:
            _LOGGER.warning("%s: the file system knows no locks (%s); see to it that no other process works there",
                            folder, error.strerror)
            return handle
        except BaseException:
            os.close(handle)
            raise
        if _is_same(handle, path):
            remove_unfinished(folder)
            return handle
        os.close(handle)  # the holder removed it between the two lines


def _is_same(handle: int, path: Path) -> bool:
    """True where the open file is the one of this path."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _missing_folders(folder: Path) -> List[Path]:
    """Returns the folders that have to be made, the innermost first."""
    return [one for one in (folder, *folder.parents) if not one.exists()]


def _command() -> str:
    return " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])[:200]
