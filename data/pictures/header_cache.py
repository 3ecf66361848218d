"""Keeps the headers of image files from one run to the next."""
import hashlib
import os
from typing import Any, BinaryIO, Dict, Optional, Sequence, Tuple

import numpy as np

from ..cache.cache_folder import read_cached, write_cached

_VERSION = 1  # of the file's layout; another one is not read
_FORMATS = ("JPEG", "PNG")  # others are not kept: they are rare

Values = Tuple[int, int, int, str, bool]  # those of `headers.Header`


class HeaderCache:
    """The headers of the files in one folder, or below it, that were read before.

    Args:
        paths: the files that are asked for; with none, nothing is kept.
    """

    def __init__(self, paths: Sequence[str]):
        self._rows: Dict[str, Tuple[int, ...]] = {}
        self._changed = False
        self._file = None
        if paths:
            self._folder = _common_folder(paths)
            name = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:32]
            self._file = os.path.join("headers", name + ".npz")
            self._rows = read_cached(self._file, _read_rows) or {}

    def find(self, path: str, status: os.stat_result) -> Optional[Values]:
        """The header of a file that has not changed since; None if there is none."""
        row = self._rows.get(os.path.abspath(path))
        if row is None or row[0] != status.st_size or row[1] != status.st_mtime_ns:
            return None
        width, height, orientation, image_format, truncated = row[2:]
        return width, height, orientation, _FORMATS[image_format], bool(truncated)

    def add(self, path: str, status: os.stat_result, values: Values) -> None:
        """Notes the header of a file."""
        width, height, orientation, image_format, truncated = values
        if self._file is not None and image_format in _FORMATS:
            self._rows[os.path.abspath(path)] = (status.st_size, status.st_mtime_ns, width, height, orientation,
                                                _FORMATS.index(image_format), int(truncated))
            self._changed = True

    def save(self) -> None:
        """Writes what was added; a folder that cannot be written to is no error."""
        if self._changed:
            write_cached(self._file, self._write_rows)

    def _write_rows(self, file: BinaryIO) -> None:
        names = np.frombuffer(b"\0".join(map(os.fsencode, self._rows)), np.uint8)
        np.savez(file, version=_VERSION, names=names, rows=np.array(list(self._rows.values()), np.int64))


def _read_rows(path: str) -> Dict[str, Tuple[int, ...]]:
    with np.load(path, allow_pickle=False) as content:
        if content["version"] != _VERSION:
            return {}
        names = os.fsdecode(content["names"].tobytes()).split("\0")
        rows: Any = content["rows"]
        if rows.shape != (len(names), 7) or not 0 <= rows[:, 5].min() <= rows[:, 5].max() < len(_FORMATS):
            return {}
        return dict(zip(names, map(tuple, rows.tolist())))


def _common_folder(paths: Sequence[str]) -> str:
    try:
        return os.path.commonpath({os.path.abspath(folder) for folder in {os.path.dirname(path) for path in paths}})
    except ValueError:  # they lie on several drives
        return ""
