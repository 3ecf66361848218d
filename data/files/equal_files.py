"""Finds files of equal content without reading all of every file."""
import hashlib
import os
from collections import defaultdict
from typing import Callable, Dict, Hashable, Iterable, List, Sequence

from ...errors import DataError
from ...progress import ProgressBar
from .image_bytes import image_file_size, is_packed_image, open_image_file

_SAMPLE = 4096  # bytes


def groups_of_equal_files(paths: Iterable[str], progress: bool = False) -> List[List[str]]:
    """Returns the groups of two or more files that have the same bytes.

    Files of one size are compared by their first and last bytes, and only those that agree are read whole. A file that
    cannot be read is equal to none.

    Args:
        paths: the files; a path that is named twice counts once.
        progress: show a bar on a terminal.

    Returns:
        Lists of paths, each in the order in which they were given.
    """
    groups = [list(dict.fromkeys(paths))]
    for what, key_of in (("sizes of files", image_file_size), ("starts of files", _ends), ("files", _whole)):
        bar = ProgressBar(total=sum(map(len, groups)), desc=f"comparing {what}", unit="file", leave=False,
                          disable=None if progress else True)
        groups = [part for group in groups for part in _split(group, key_of, bar)]
        bar.close()
    return groups


def real_paths(paths: Iterable[str]) -> List[str]:
    """Returns what `os.path.realpath` does, much faster for many files in few folders."""
    folders: Dict[str, str] = {}
    found = []
    for path in paths:
        folder, name = os.path.split(path)
        if is_packed_image(path):
            found.append(path)
            continue
        if os.path.islink(path) or name in ("", os.curdir, os.pardir):
            found.append(os.path.realpath(path))
            continue
        if folder not in folders:
            folders[folder] = os.path.realpath(folder)
        found.append(os.path.join(folders[folder], name))
    return found


def _split(group: Sequence[str], key_of: Callable[[str], Hashable], bar: ProgressBar) -> List[List[str]]:
    parts: Dict[Hashable, List[str]] = defaultdict(list)
    for path in group:
        try:
            parts[key_of(path)].append(path)
        except (OSError, DataError):
            pass
        bar.update()
    return [part for part in parts.values() if len(part) > 1]


def _ends(path: str) -> bytes:
    with open_image_file(path) as file:
        start = file.read(_SAMPLE)
        file.seek(max(image_file_size(path) - _SAMPLE, 0))
        return hashlib.sha256(start + file.read(_SAMPLE)).digest()


def _whole(path: str) -> bytes:
    digest = hashlib.sha256()
    with open_image_file(path) as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.digest()
