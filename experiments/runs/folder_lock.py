"""Keeps a second process out of a folder in which one works."""
import contextlib
import fcntl
import os
from pathlib import Path
from typing import Iterator

from ...errors import UsageError


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Context manager that holds a folder, which is made, for this process; the system lets go when the process ends.

    Raises:
        UsageError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ".lock"
    with open(path, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            number = file.read().strip() or "of unknown number"
            raise UsageError(f"another process ({number}) works in {folder}: wait for its end, or choose another "
                             "folder by --out") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
