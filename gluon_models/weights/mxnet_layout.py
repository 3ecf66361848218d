"""Checks the layout of an MXNet file of arrays before MXNet reads it.

MXNet believes what such a file says: it takes the memory for an array before it looks whether the array is there, and
computes sizes in numbers that overflow. Here every size is compared with the bytes that are left in the file.

A file is a list of NDArrays and a list of their names. All numbers are little-endian; a length has 64 bits:

    0x112 and 0 (64 bits each); number of arrays; the arrays; number of names; each name as its length and its bytes
    an array: a magic number (32 bits), for versions 2 and 3 the kind of storage (32 bits, 0 is dense), the number of
    axes (32 bits), the length of each axis (64 bits), the device's kind and number, the type (32 bits each), the values

An array without magic number is of the oldest version: it begins with its number of axes, whose lengths have 32 bits.
"""
import os
import struct
from typing import BinaryIO, Tuple

from ...data.files.opening import open_regular

_LIST_MAGIC = 0x112
_VERSION_1, _VERSION_2, _VERSION_3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_MOST_AXES = 32
_LONGEST_NAME = 10_000  # bytes
# Bytes of a value by the number of its type: float32, float64, float16, uint8, int32, int8, int64, bool, and, with the
# number 12, bfloat16.
_ITEM_BYTES = {0: 4, 1: 8, 2: 2, 3: 1, 4: 4, 5: 1, 6: 8, 7: 1, 12: 2}
_CPU, _GPU, _CPU_PINNED, _CPU_SHARED = 1, 2, 3, 5


def check_layout(path: str) -> None:
    """Checks that a file is a whole list of arrays, each of which lies in it as the file says.

    Args:
        path: the file.

    Raises:
        ValueError: it is none, it ends early, or MXNet could not read an array of it; the message says which.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        reader = _Reader(file)
        magic, _ = reader.numbers("<QQ")
        if magic != _LIST_MAGIC:
            raise ValueError("it does not begin as a list of arrays does")
        arrays = reader.count(4)
        for number in range(1, arrays + 1):
            _check_array(reader, number)
        names = reader.count(8)
        if names not in (0, arrays):
            raise ValueError(f"it has {arrays} arrays and {names} names")
        for number in range(1, names + 1):
            length, = reader.numbers("<Q")
            if length > _LONGEST_NAME:
                raise ValueError(f"the name of array {number} would have {length} bytes")
            reader.skip(length, f"the name of array {number}")


class _Reader:
    """Reads numbers from a file whose size is known."""

    def __init__(self, file: BinaryIO):
        self._file, self._left = file, os.fstat(file.fileno()).st_size

    def numbers(self, form: str) -> Tuple[int, ...]:
        """Returns numbers of the form that `struct` describes."""
        size = struct.calcsize(form)
        self._take(size, "what comes next")
        return struct.unpack(form, self._file.read(size))

    def count(self, least: int) -> int:
        """Returns how many things follow, each of which has at least so many bytes."""
        number, = self.numbers("<Q")
        if number * least > self._left:
            raise ValueError(f"it would have {number} arrays, for which {self._left} bytes are too few")
        return number

    def skip(self, size: int, what: str) -> None:
        """Passes over bytes; ValueError where fewer are left."""
        self._take(size, what)
        self._file.seek(size, os.SEEK_CUR)

    def _take(self, size: int, what: str) -> None:
        if size > self._left:
            raise ValueError(f"it ends early: {what} has {size} bytes, and {self._left} are left")
        self._left -= size


def _check_array(reader: _Reader, number: int) -> None:
    version, = reader.numbers("<I")
    if version in (_VERSION_2, _VERSION_3):
        storage, axes = reader.numbers("<ii")
        if storage != 0:
            raise ValueError(f"array {number} is not dense, as parameters are")
        # Version 3 tells arrays without an axis, which hold one value, from those that hold nothing.
        is_nothing = axes == (-1 if version == _VERSION_3 else 0)
        side = "q"
    elif version == _VERSION_1:
        axes, = reader.numbers("<i")
        is_nothing, side = axes == 0, "q"
    else:
        axes, is_nothing, side = version, version == 0, "I"
    if is_nothing:
        raise ValueError(f"array {number} holds nothing, not even a shape")
    if not 0 <= axes <= _MOST_AXES:
        raise ValueError(f"array {number} would have {axes} axes")
    sides = reader.numbers(f"<{axes}{side}") if axes else ()
    device, device_number, kind = reader.numbers("<iii")
    if device not in (_CPU, _GPU, _CPU_PINNED, _CPU_SHARED) or not 0 <= device_number < 1024:
        raise ValueError(f"array {number} would be on a device of kind {device} and number {device_number}")
    if kind not in _ITEM_BYTES:
        raise ValueError(f"array {number} is of the unknown type {kind}")
    size = _ITEM_BYTES[kind]
    for length in sides:
        if length < 1:
            raise ValueError(f"array {number} has the shape {sides}")
        size *= length
    reader.skip(size, f"array {number} of shape {sides}")
