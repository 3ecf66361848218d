"""Writing files so that each is either complete or not there."""
import contextlib
import errno
import json
import os
from pathlib import Path
from typing import Any, Iterable, Iterator, List, Optional, Sequence, Union

from ..errors import StorageError

PathLike = Union[str, "os.PathLike[str]"]
# Why the system refuses a write, and what can be done.
_ROOM = "make room there, or choose a folder on another disk"
_WRITABLE = "make the folder writable, or choose another one"
_IN_THE_WAY = "a file is in the way: choose another folder"
_REMEDIES = {errno.ENOSPC: _ROOM, errno.EDQUOT: _ROOM,
             errno.EFBIG: "raise the limit of the size of files (ulimit -f), or choose a folder on another disk",
             errno.EROFS: _WRITABLE, errno.EACCES: _WRITABLE, errno.EPERM: _WRITABLE,
             errno.ENOTDIR: _IN_THE_WAY, errno.EEXIST: _IN_THE_WAY,
             errno.ENOENT: "the folder has been removed meanwhile: choose another one",
             errno.EIO: "the disk may be broken: choose a folder on another one"}
_UNFINISHED = ".tmp-"  # what the names of temporary files begin with
_OF_ANY_FILE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


@contextlib.contextmanager
def atomic_write(path: PathLike) -> Iterator[str]:
    """Context manager that gives a temporary path; when the block ends, the file written there is renamed to `path`.

    The temporary file is `.tmp-NAME` in the folder of `path`, which is made if it does not exist. If the block raises
    an exception, `path` keeps its earlier content and the temporary file is removed. A process that is killed may leave
    the temporary file behind; the next write to the same `path` overwrites it.

    Args:
        path: the file to write. Its extension is also that of the temporary file.

    Yields:
        The path to write to.

    Raises:
        StorageError: the system refuses to write, because the disk is full for example; the message names `path` and
            says what to do.

    Example::

        with atomic_write("output/table.csv") as temporary:
            np.savetxt(temporary, table)
    """
    with atomic_set([path]) as (temporary,):
        yield temporary


@contextlib.contextmanager
def atomic_set(paths: Sequence[PathLike]) -> Iterator[List[str]]:
    """Context manager like `atomic_write` for files that belong together, of which the last shows that all are whole.

    The earlier files, where there are some, stay as they are until all new ones are on the disk; then the last one
    goes first and comes last.

    Args:
        paths: the files, in one folder.

    Yields:
        The paths to write to.

    Raises:
        StorageError: see `atomic_write`.
    """
    targets = list(map(Path, paths))
    folder = targets[0].parent
    # Matplotlib and Pillow choose the format by the extension, so the prefix goes in front.
    temporaries = [folder / (_UNFINISHED + target.name) for target in targets]
    with storage_errors(targets[-1], *temporaries, folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for temporary in temporaries:
                if temporary.is_symlink():  # what is written there would change another file
                    temporary.unlink()
            yield list(map(str, temporaries))
            for temporary in temporaries:
                _flush_to_disk(temporary, os.O_RDWR)
            if len(targets) > 1:
                with contextlib.suppress(FileNotFoundError):
                    targets[-1].unlink()
            for temporary, target in zip(temporaries, targets):
                os.replace(temporary, target)
        finally:
            for temporary in temporaries:
                with contextlib.suppress(OSError):
                    temporary.unlink()
        # The rename is an entry of the folder, which has to reach the disk too to survive a power cut.
        _flush_to_disk(folder, os.O_RDONLY)


def remove_unfinished(folder: PathLike) -> None:
    """Removes the temporary files directly in a folder that writes left which were killed; no other write may be under
    way there."""
    for path in Path(folder).glob(_UNFINISHED + "*"):
        if path.is_symlink() or path.is_file():
            with contextlib.suppress(OSError):
                path.unlink()


def refuse_link(path: PathLike) -> None:
    """Checks that a file that is written to in place is no link, by which another file would be changed.

    Raises:
        StorageError: it is one.
    """
    if Path(path).is_symlink():
        raise StorageError(f"{path} is a link, and is not written to: remove it, or choose another folder")


@contextlib.contextmanager
def storage_errors(path: PathLike, *touched: PathLike) -> Iterator[None]:
    """Context manager that turns the system's refusal to write a file into a `StorageError`; other errors pass.

    Args:
        path: the file, which the message names.
        touched: other paths that the block makes or writes to.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        own = error.filename is None or str(error.filename) in map(str, (path, *touched))
        missing_folder = error.errno != errno.ENOENT or not Path(path).parent.is_dir()
        if error.errno not in _REMEDIES or not (error.errno in _OF_ANY_FILE or own and missing_folder):
            raise
        raise StorageError(f"{path} cannot be written ({os.strerror(error.errno)}): {_REMEDIES[error.errno]}") \
            from error


def to_json(value: Any, indent: Optional[int] = None) -> str:
    """Returns `value` as JSON text. Floats that JSON does not have (NaN and the infinities) become null.

    Args:
        value: dicts, lists, tuples, strings, numbers, booleans and None.
        indent: spaces of each level; None writes everything on one line.

    Raises:
        TypeError: there is an object of another type in `value`.
    """
    return json.dumps(_nan_to_none(value), indent=indent)


def write_json(path: PathLike, value: Any, indent: Optional[int] = 1) -> None:
    """Writes `value` to a JSON file, see `to_json`, by means of `atomic_write`.

    Args:
        path: the file to write.
        value, indent: as for `to_json`.
    """
    text = to_json(value, indent)
    with atomic_write(path) as temporary:
        Path(temporary).write_text(text + "\n", encoding="utf-8")


def write_json_list(path: PathLike, entries: Iterable[Any]) -> None:
    """Writes a list to a JSON file, one entry a line, without holding it as a whole; see `write_json`.

    Args:
        path: the file to write.
        entries: see `to_json`; where iterating over them fails, nothing is written.
    """
    with atomic_write(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        start = "[\n"
        for entry in entries:
            file.write(start + to_json(entry))
            start = ",\n"
        file.write("[]\n" if start == "[\n" else "\n]\n")


def _nan_to_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nan_to_none(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nan_to_none(item) for item in value]
    if isinstance(value, float) and value - value != 0:  # true of NaN and of both infinities
        return None
    return value


def _flush_to_disk(path: PathLike, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
