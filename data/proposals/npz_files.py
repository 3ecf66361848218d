"""Reads and writes proposals as NumPy's archives of arrays (.npz), of which one image at a time is in memory.

The archive that this package writes has the arrays

    images       text (n,), names of the images, see `image_names.names_of`
    counts       int64 (n,), how many boxes each image has
    boxes        float32 (sum of the counts, 4), rows x1, y1, x2, y2 in the frame of the original image: 0-based
                 pixels, inclusive ends; of each image, the best first
    scores       float32 (sum of the counts,), only where the method gives scores
    frame_sizes  int64 (n, 2), width and height in pixels of the image that the boxes are in
    file_bytes   int64 (n,), bytes of the image's file, by which another image of the same name is told; only where it
                 is known
    method       text, what found the boxes
    settings     text, JSON of what the method was given
"""
import contextlib
import zipfile
from typing import BinaryIO, Dict, Iterable, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ...errors import DataError
from .entry import Entries, check_count, make_entry

_OWN = {"images", "counts", "boxes"}


class FileOfProposals(NamedTuple):
    """What an archive that this package wrote says of itself.

    Attributes:
        images: names, in the order of the file.
        sizes: width and height of each.
        counts: boxes of each.
        method, settings: see above.
        file_bytes: see above; -1 where they are not known.
    """

    images: Tuple[str, ...]
    sizes: np.ndarray
    counts: np.ndarray
    method: str
    settings: str
    file_bytes: np.ndarray


def read_npz_proposals(file: str) -> Entries:
    """Yields the images of an archive: one that this package wrote, or one with an array for each image.

    In the latter an array's name is the image's, and its rows are (x1, y1, x2, y2) or (x1, y1, x2, y2, score).

    Raises:
        DataError: it is no archive of numbers, it is damaged, or its arrays do not belong together.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = {name[:-len(".npy")]: name for name in archive.namelist() if name.endswith(".npy")}
            if _OWN <= set(members):
                yield from _own(file, archive, members)
            else:
                for name, member in members.items():
                    with archive.open(member) as stream:
                        array = _Array(file, name, stream)
                        check_count(f"{file}: image {name!r}", array.rows)
                        yield make_entry(file, name, array.read_all())
    except DataError:
        raise
    except Exception as error:  # NumPy and zipfile raise all kinds
        raise DataError(f"{file}: the archive is damaged, or is none of NumPy's ({error})") from None


def describe_npz(file: str) -> FileOfProposals:
    """Returns what an archive that this package wrote says of itself.

    Raises:
        DataError: it is no such archive, or it is damaged.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            def read(name: str) -> np.ndarray:
                with archive.open(name + ".npy") as stream:
                    return _Array(file, name, stream).read_all()

            names = tuple(read("images").tolist())
            has_bytes = "file_bytes.npy" in archive.namelist()
            return FileOfProposals(names, read("frame_sizes"), read("counts"), str(read("method")),
                                   str(read("settings")),
                                   read("file_bytes") if has_bytes else np.full(len(names), -1))
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"{file}: this is no file of lhrcnn proposals ({error.args[0]})") from None
    except Exception as error:
        raise DataError(f"{file}: the archive is damaged, or is none of NumPy's ({error})") from None


def write_proposals(path: str, images: Sequence[str], sizes: Sequence[Tuple[int, int]], counts: Sequence[int],
                    boxes: Iterable[np.ndarray], scores: Optional[Iterable[np.ndarray]], method: str,
                    settings: str = "{}", file_bytes: Optional[Sequence[int]] = None) -> None:
    """Writes an archive, see the head of this file; only one array of boxes is in memory at a time.

    Args:
        path: the file, which is overwritten.
        images: names of the images.
        sizes: (width, height) of each.
        counts: how many boxes each has.
        boxes: arrays (k, 4) which, joined, are the boxes of all images.
        scores: arrays (k,) which, joined, are the scores; None without scores.
        method, settings, file_bytes: see the head of this file.
    """
    total = int(sum(counts))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        arrays = {"images": np.array(images, str), "counts": np.array(counts, np.int64),
                  "frame_sizes": np.array(sizes, np.int64).reshape(-1, 2), "method": np.array(method),
                  "settings": np.array(settings)}
        if file_bytes is not None:
            arrays["file_bytes"] = np.array(file_bytes, np.int64)
        for name, array in arrays.items():
            with archive.open(name + ".npy", "w") as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)
        _write_rows(archive, "boxes", (total, 4), boxes)
        if scores is not None:
            _write_rows(archive, "scores", (total,), scores)


def _write_rows(archive: zipfile.ZipFile, name: str, shape: Tuple[int, ...], arrays: Iterable[np.ndarray]) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype("<f4")), "fortran_order": False, "shape": shape}
    written = 0
    with archive.open(name + ".npy", "w", force_zip64=True) as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for array in arrays:
            stream.write(np.ascontiguousarray(array, "<f4").tobytes())
            written += len(array)
    if written != shape[0]:
        raise ValueError(f"{written} rows of {name} were given, {shape[0]} were announced")


class _Array:
    """An array in an archive, of which a few rows can be read after one another.

    Args:
        file, name: for messages.
        stream: of the member of the archive, at its beginning.

    Raises:
        DataError: it is an array of Python objects, which is not read because it could run code.
    """

    def __init__(self, file: str, name: str, stream: BinaryIO):
        version = np.lib.format.read_magic(stream)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in read_header:
            raise ValueError(f"the array {name!r} is of version {version} of the format")
        self.shape, self._columns_first, self._dtype = read_header[version](stream)
        if self._dtype.hasobject:
            raise DataError(f"{file}: {name!r} is an array of Python objects, which could run code and is not read; "
                            "save numbers, one array for each image")
        if min(self.shape, default=0) < 0:
            raise ValueError(f"the array {name!r} is of shape {self.shape}")
        self._name, self._stream = name, stream

    @property
    def rows(self) -> int:
        """Number of rows, 1 for a single value."""
        return self.shape[0] if self.shape else 1

    def read_all(self) -> np.ndarray:
        """Returns the whole array."""
        values = self._values(int(np.prod(self.shape, dtype=object)))
        return values.reshape(self.shape, order="F" if self._columns_first else "C")

    def read(self, count: int) -> np.ndarray:
        """Returns the next rows, of an array whose rows lie one after another."""
        if self._columns_first and len(self.shape) > 1:
            raise ValueError(f"the columns of {self._name!r} lie one after another, not its rows")
        return self._values(count * int(np.prod(self.shape[1:], dtype=object))).reshape((count,) + self.shape[1:])

    def _values(self, count: int) -> np.ndarray:
        content = self._stream.read(count * self._dtype.itemsize)
        if len(content) != count * self._dtype.itemsize:
            raise ValueError(f"the array {self._name!r} ends early")
        return np.frombuffer(content, self._dtype, count)


def _own(file: str, archive: zipfile.ZipFile, members: Dict[str, str]) -> Entries:
    def read(name: str) -> np.ndarray:
        with archive.open(members[name]) as stream:
            return _Array(file, name, stream).read_all()

    names, counts = read("images"), read("counts")
    sizes = read("frame_sizes") if "frame_sizes" in members else None
    if names.ndim != 1 or counts.shape != names.shape or counts.dtype.kind not in "iu" or \
            names.dtype.kind not in "iuU" or sizes is not None and sizes.shape != (len(names), 2):
        raise DataError(f"{file}: images, counts and frame_sizes must have an entry for each image")
    with contextlib.ExitStack() as streams:
        boxes, scores = (_Array(file, name, streams.enter_context(archive.open(members[name])))
                         if name in members else None for name in ("boxes", "scores"))
        total = int(counts.sum(dtype=object)) if len(counts) else 0
        if len(counts) and counts.min() < 0 or boxes.shape != (total, 4) or scores and scores.shape != (total,):
            raise DataError(f"{file}: the counts add up to {total} boxes, but the array boxes has the shape "
                            f"{boxes.shape}" + (f", and scores {scores.shape}" if scores else ""))
        for i, (name, count) in enumerate(zip(names.tolist(), counts.tolist())):
            check_count(f"{file}: image {name!r}", count)
            yield make_entry(file, name, boxes.read(count), scores.read(count) if scores else None,
                             None if sizes is None else (int(sizes[i, 0]), int(sizes[i, 1])))
