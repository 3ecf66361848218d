"""Writing files so that each is either complete or not there."""
import contextlib
import json
import os
from pathlib import Path
from typing import Any, Iterable, Iterator, Optional, Union

PathLike = Union[str, "os.PathLike[str]"]


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

    Example::

        with atomic_write("output/table.csv") as temporary:
            np.savetxt(temporary, table)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Matplotlib and Pillow choose the format by the extension, so the prefix goes in front.
    temporary = path.parent / (".tmp-" + path.name)
    try:
        yield str(temporary)
        _flush_to_disk(temporary, os.O_RDWR)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    # The rename is an entry of the folder, which has to reach the disk too to survive a power cut.
    _flush_to_disk(path.parent, os.O_RDONLY)


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
