"""RecordIO, MXNet's format of files that hold many records, without MXNet.

A record is a magic number, its length, its bytes, and zeros up to a multiple of four bytes. Where the bytes themselves
hold the magic number at a multiple of four bytes, the record is written in several parts that leave it out, so that a
reader can find the next record from any place in the file. The bytes of an image begin with MXNet's header, `IRHeader`:
how many labels there are, one label in their place, two ids, and the labels.
"""
import struct
from typing import NamedTuple, Tuple

import numpy as np

MAGIC = 0xced7230a
_MAGIC_BYTES = struct.pack("<I", MAGIC)
_PART = struct.Struct("<II")
_IMAGE = struct.Struct("<IfQQ")
_LENGTH_BITS = 29
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)  # which part of a record follows
LEAST_BYTES = _PART.size + _IMAGE.size  # of the record of an image
MOST_BYTES = (1 << _LENGTH_BITS) - 1  # of a part


class ImageRecord(NamedTuple):
    """The record of an image.

    Attributes:
        labels: float32 (n,).
        number: first id.
        check: second id.
        content: bytes of the image file.
    """

    labels: np.ndarray
    number: int
    check: int
    content: bytes


def pack_image(record: ImageRecord) -> bytes:
    """Returns a record as `mx.recordio.pack` and `MXRecordIO.write` write it.

    Raises:
        ValueError: the image has `MOST_BYTES` or more.
    """
    labels = record.labels.astype("<f4")
    header = _IMAGE.pack(len(labels), 0.0, record.number, record.check)
    return frame(header + labels.tobytes() + record.content)


def unpack_image(stored: bytes) -> ImageRecord:
    """Returns what `pack_image` packed.

    Raises:
        ValueError: the bytes are no record of an image, or are damaged; the text says how.
    """
    content = unframe(stored)
    if len(content) < _IMAGE.size:
        raise ValueError("the record is too short for one of an image")
    count, _, number, check = _IMAGE.unpack_from(content)
    start = _IMAGE.size + 4 * count
    if start > len(content):
        raise ValueError(f"the record states {count} labels, and ends before them")
    labels = np.frombuffer(content, "<f4", count, _IMAGE.size)
    return ImageRecord(labels, number, check, content[start:])


def frame(content: bytes) -> bytes:
    """Returns the bytes of a record as they lie in the file.

    Raises:
        ValueError: they have `MOST_BYTES` or more.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"{len(content)} bytes are more than a record can have, {MOST_BYTES}")
    pieces, start = [], 0
    for place in _places_of_magic(content):
        pieces += [_MAGIC_BYTES, _length(_MIDDLE if start else _FIRST, place - start), content[start:place]]
        start = place + 4
    pieces += [_MAGIC_BYTES, _length(_LAST if start else _WHOLE, len(content) - start), content[start:],
               bytes(-len(content) % 4)]
    return b"".join(pieces)


def unframe(stored: bytes) -> bytes:
    """Returns the bytes of a record.

    Args:
        stored: the whole record as it lies in the file, and nothing else.

    Raises:
        ValueError: it is none, or is damaged; the text says how.
    """
    pieces, position = [], 0
    while True:
        kind, length, position = _read_part(stored, position)
        if (kind in (_WHOLE, _FIRST)) != (not pieces):
            raise ValueError("its parts are not in order")
        pieces.append(stored[position:position + length])
        position += length + -length % 4
        if kind in (_WHOLE, _LAST):
            break
    if position != len(stored):
        raise ValueError("its length is another")
    return _MAGIC_BYTES.join(pieces)


def _read_part(stored: bytes, position: int) -> Tuple[int, int, int]:
    """Returns the kind and the length of a part, and where its bytes begin."""
    if position + _PART.size > len(stored):
        raise ValueError("it ends too early")
    magic, word = _PART.unpack_from(stored, position)
    if magic != MAGIC:
        raise ValueError("no record begins there")
    length = word & MOST_BYTES
    if position + _PART.size + length > len(stored):
        raise ValueError("its length is another")
    return word >> _LENGTH_BITS, length, position + _PART.size


def _length(kind: int, length: int) -> bytes:
    return struct.pack("<I", kind << _LENGTH_BITS | length)


def _places_of_magic(content: bytes) -> Tuple[int, ...]:
    """Returns where the magic number lies at a multiple of four bytes."""
    found, place = [], content.find(_MAGIC_BYTES)
    while place >= 0:
        if place % 4 == 0:
            found.append(place)
        place = content.find(_MAGIC_BYTES, place + (4 if place % 4 == 0 else 1))
    return tuple(found)
