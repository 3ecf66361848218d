"""The arrays of a packed set's records in a file: numbers and texts, no pickle."""
import math
import os
import zipfile
from typing import BinaryIO, Dict, Mapping

import numpy as np

from ...errors import DataError
from ..flat_records import FlatRecords, PackedPlaces
from ..files.record_io import LEAST_BYTES

_PLACES = ("shard", "offset", "length")


def write_arrays(file: BinaryIO, arrays: Mapping[str, np.ndarray], places: PackedPlaces) -> None:
    """Writes the arrays of records and the places of their images."""
    np.savez(file, **arrays, **dict(zip(_PLACES, places[1:])))


def read_arrays(path: str, shards: Mapping[str, int], classes: int) -> FlatRecords:
    """Reads what `write_arrays` wrote, and checks it: a file may be damaged, or come from a stranger.

    Args:
        path: the file.
        shards: path and number of bytes of each file of records.
        classes: number of classes.

    Raises:
        DataError: the file is missing or damaged.
    """
    if not os.path.isfile(path):
        raise DataError(f"{path}: there is no such file; the packed data set is not complete: copy it again")
    try:
        arrays = _load(path)
        sizes = np.array(list(shards.values()), np.int64)
        places = PackedPlaces(tuple(shards), *(arrays.pop(name) for name in _PLACES))
        records = FlatRecords(arrays, places)
        _check_values(arrays, places, sizes, classes)
        return records
    except Exception as error:  # NumPy and zipfile raise all kinds, those of Python's parser among them
        raise DataError(f"{path}: the records of the packed data set are damaged ({error}); copy the file again, or "
                        "pack the data set anew") from None


def _load(path: str) -> Dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        # Nothing is compressed, so that no small file can fill the memory.
        if sum(one.file_size for one in archive.infolist()) > os.path.getsize(path):
            raise ValueError("its parts are larger than the file")
        for one in archive.infolist():
            _check_header(archive, one)
    with np.load(path, allow_pickle=False) as content:  # compares the checksum of each array
        return {name: content[name] for name in content.files}


def _check_header(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Raises ValueError if an array states a size that its part of the file does not have: NumPy would take the memory.
    """
    with archive.open(part) as stream:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError(f"{part.filename} has another version")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        if dtype.hasobject or math.prod(shape) * dtype.itemsize + stream.tell() != part.file_size:
            raise ValueError(f"{part.filename} has another size than it states")


def _check_values(arrays: Mapping[str, np.ndarray], places: PackedPlaces, sizes: np.ndarray, classes: int) -> None:
    for column in places[1:]:
        if column.dtype != np.int64:
            raise ValueError(f"a place is {column.dtype}")
    if len(places.shard):
        if not 0 <= places.shard.min() <= places.shard.max() < len(sizes):
            raise ValueError("an image lies in a shard that there is not")
        room = sizes[places.shard]
        if not ((places.offset >= 0) & (places.length >= LEAST_BYTES) & (places.length <= room)
                & (places.offset <= room - places.length)).all():
            raise ValueError("an image lies outside its shard")
        if min(arrays["width"].min(), arrays["height"].min()) < 1 or max(
                arrays["width"].max(), arrays["height"].max()) >= 2 ** 31:
            raise ValueError("an image has no size")
    if len(arrays["classes"]) and not 0 <= arrays["classes"].min() <= arrays["classes"].max() < classes:
        raise ValueError("a box has a class that there is not")
    if not all(np.isfinite(arrays[name]).all() for name in ("boxes", "coco_boxes", "areas", "regions")):
        raise ValueError("a box is no four finite numbers")
