"""Compares the files of a packed data set with the checksums that were noted when they were written."""
import os
from typing import List, NamedTuple, Optional

import numpy as np

from ...errors import DataError
from ...progress import ProgressBar
from ..files.packed_images import packed_place, read_packed
from .array_files import read_arrays
from .manifest import Manifest, PackedFile, PackedSet
from .whole_files import checksum


class DamagedFile(NamedTuple):
    """A file that is not as it was written.

    Attributes:
        path: of the file.
        fault: what is wrong with it.
        images: number of images in it.
        lost: how many of them cannot be read; None where that is not known.
    """

    path: str
    fault: str
    images: int
    lost: Optional[int]

    def __str__(self) -> str:
        lost = "" if self.lost is None else f"; {self.lost} of its {self.images} images cannot be read"
        return f"{self.path}: {self.fault}{lost}"


def find_damage(manifest: Manifest, progress: bool = False) -> List[DamagedFile]:
    """Reads every file of a packed data set.

    Args:
        manifest: of the data set.
        progress: show a bar on a terminal.

    Returns:
        The files that are missing, have another size or another checksum. Of a shard it is said how many of its images
        are lost.
    """
    files = [(one, file) for one in manifest.sets.values() for file in one.files()]
    damaged = []
    with ProgressBar(total=sum(file.bytes for _, file in files), desc="checksums", unit="B", unit_scale=True,
                     leave=False, disable=None if progress else True) as bar:
        for one, file in files:
            path = os.path.join(manifest.folder, file.name)
            fault = _fault(path, file, bar)
            if fault:
                lost = _lost_images(manifest, one, path) if file in one.shards else None
                damaged.append(DamagedFile(path, fault, file.images, lost))
    return damaged


def _fault(path: str, file: PackedFile, bar: ProgressBar) -> str:
    """Returns what is wrong with a file; an empty text where nothing is."""
    try:
        found = os.path.getsize(path)
        if found != file.bytes:
            return f"it has {found} bytes in place of {file.bytes}"
        return "" if checksum(path, bar.update) == file.sha256 else "its checksum is another: it is damaged"
    except FileNotFoundError:
        return "there is no such file"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def _lost_images(manifest: Manifest, one: PackedSet, shard: str) -> Optional[int]:
    shards = {os.path.join(manifest.folder, file.name): file.bytes for file in one.shards}
    try:
        records = read_arrays(os.path.join(manifest.folder, one.records.name), shards, len(manifest.classes))
    except DataError:
        return None
    inside = records.take(np.flatnonzero(records.places.shard == list(shards).index(shard)))
    return sum(not _is_whole(path) for path in inside.paths())


def _is_whole(path: str) -> bool:
    place = packed_place(path)
    try:
        read_packed(path, place)
    except (DataError, OSError):
        return False
    return True
