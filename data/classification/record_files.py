"""Reads files of records, FILE.rec with FILE.idx beside it, that MXNet's `im2rec` has written of images and classes."""
import os
import struct
from io import BytesIO
from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np
from PIL import Image

from ...errors import DataError
from ..files.opening import open_regular
from ..files.text_lists import read_list
from ..pictures.pillow import MAX_MEGAPIXELS, check_pixel_count
from ..pictures.pixels import as_pixels
from .image_sets import ClassifiedImage, ClassifiedSet

# A record begins with a magic number and its length, and MXNet's header follows: count of labels, label, two ids.
_MAGIC = 0xced7230a
_LARGEST_CLASS = 99_999
_START = struct.Struct("<IIIfQQ")


def read_record_file(path: str, class_file: Optional[str] = None) -> ClassifiedSet:
    """Reads the classes of a file of records; nothing is decoded.

    Args:
        path: the file, .rec. Its index, .idx, must lie beside it.
        class_file: text file with the name of a class in each line: the first line is class 0. None takes the numbers
            of the classes for their names.

    Raises:
        DataError: a file is missing or damaged, the labels are no numbers of classes (records with boxes have several
            numbers), or there are more classes than names.
    """
    if not os.path.isfile(path):
        raise DataError(f"there is no file {path}")
    images = _images(path, _read_index(path))
    most = max(image.label for image in images) + 1
    if class_file is None:
        return ClassifiedSet(path, tuple(map(str, range(most))), images, named=False)
    names = tuple(name for _, name in read_list(class_file))
    if most > len(names):
        raise DataError(f"{class_file} names {len(names)} classes, but {path} has images of class {most - 1}, which "
                        f"would be the name number {most}")
    if len(set(names)) < len(names):
        raise DataError(f"{class_file} has a name twice; classes need names of their own")
    return ClassifiedSet(path, names, images)


class RecordReader:
    """Reads the images of files of records. It can be pickled, and opens the files anew in each process."""

    def __init__(self):
        self._open: Dict[str, Any] = {}  # by path

    def __getstate__(self) -> Dict[str, Any]:
        return {"_open": {}}

    def read(self, path: str, key: int) -> np.ndarray:
        """Returns the pixels of an image.

        Args:
            path: the file of records.
            key: number of the record.

        Returns:
            uint8 (H, W, 3), RGB.

        Raises:
            DataError: it cannot be read.
        """
        import mxnet as mx  # only here: image files are read without MXNet
        try:
            if path not in self._open:
                self._open[path] = mx.recordio.MXIndexedRecordIO(_index_of(path), path, "r")
            _, content = mx.recordio.unpack(self._open[path].read_idx(key))
            image = Image.open(BytesIO(content))
            check_pixel_count(f"{path}, record {key}", *image.size, MAX_MEGAPIXELS)
            return as_pixels(image)
        except Exception as error:  # MXNet and Pillow raise all kinds for broken files
            raise DataError(f"{path}, record {key}: not a readable image ({error})", "image_unreadable") from None


class _Entry(NamedTuple):
    key: int
    offset: int


def _index_of(path: str) -> str:
    return os.path.splitext(path)[0] + ".idx"


def _read_index(path: str) -> List[_Entry]:
    index = _index_of(path)
    if not os.path.isfile(index):
        raise DataError(f"there is no index {index} beside {path}. MXNet's im2rec.py writes both; tools/rec2idx.py of "
                        "MXNet's sources makes the index of a file of records")
    entries = []
    for number, line in read_list(index):
        try:
            key, offset = line.split("\t")
            entries.append(_Entry(int(key), int(offset)))
        except ValueError:
            raise DataError(f"{index}, line {number}: {line[:60]!r} is not the number of a record and its place"
                            ) from None
    if not entries:
        raise DataError(f"{index} is empty: there are no records")
    return entries


def _images(path: str, entries: List[_Entry]) -> List[ClassifiedImage]:
    images = []
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        for key, offset in entries:
            file.seek(offset if 0 <= offset < size else size)
            start = file.read(_START.size)
            if len(start) < _START.size or struct.unpack_from("<I", start)[0] != _MAGIC:
                raise DataError(f"{path}: there is no record at byte {offset}, where {_index_of(path)} has record "
                                f"{key}: the two files do not belong together, or one is damaged")
            _, _, several, label, _, _ = _START.unpack(start)
            if several:
                raise DataError(f"{path}, record {key} has {several} numbers for a label; a classifier needs one, the "
                                "number of the class. Records with boxes cannot be used here")
            if not 0 <= label <= _LARGEST_CLASS or label != int(label):
                raise DataError(f"{path}, record {key} has the label {label:g}; classes are whole numbers from 0 to "
                                f"{_LARGEST_CLASS}")
            images.append(ClassifiedImage(path, key, int(label)))
    return images
