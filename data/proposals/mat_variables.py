"""Reads cell arrays of numbers and texts from .mat files of versions 5 to 7, one cell at a time.

SciPy's reader believes what a damaged file says of itself, and ends the process. Here each size is compared with what
is left. A file is a head of 128 bytes and elements; an element is a tag, which has its type and its number of bytes,
and its content, padded to 8 bytes; one of four bytes or fewer lies in the second half of its tag. A variable is an
element of the type matrix, which holds elements in turn: its class, its dimensions, its name, and its values; or it is
such an element compressed by zlib. The values of a cell array are matrices.
"""
import zlib
from typing import BinaryIO, Callable, Iterator, NamedTuple, Optional, Tuple

import numpy as np

_HEAD = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _CHAR, _NUMBERS = 1, 4, range(6, 16)  # classes of matrices
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
# Of texts in files whose least byte, or whose greatest byte, comes first.
_ENCODINGS = {1: ("latin-1",) * 2, 2: ("latin-1",) * 2, 4: ("utf-16-le", "utf-16-be"), 16: ("utf-8",) * 2,
              17: ("utf-16-le", "utf-16-be"), 18: ("utf-32-le", "utf-32-be")}
_IS_COMPLEX = 0x0800
_CHUNK = 1 << 16
_MOST_DIMENSIONS, _LONGEST_TEXT = 32, 100_000


class _Variable(NamedTuple):
    """The head of a matrix, and a reader of what is behind it."""

    kind: int
    count: int  # of its values
    dimensions: Tuple[int, ...]
    name: str
    reader: "_Reader"


class CellArray:
    """A cell array in a file.

    Args:
        file: opened, of a version before 7.3.
        name: of the variable.

    Attributes:
        count: number of its cells.

    Raises:
        KeyError: there is no variable of this name.
        ValueError: it is no cell array, or the file is damaged.
    """

    def __init__(self, file: BinaryIO, name: str):
        self._variable = _find(file, name)
        if self._variable.kind != _CELL:
            raise ValueError(f"`{name}` is no cell array")
        self.count = self._variable.count

    def arrays(self, most: int) -> Iterator[np.ndarray]:
        """Yields the numbers of each cell, in the order of the file; ValueError for more than `most` values."""
        for cell in self._cells():
            yield np.zeros((0, 0)) if cell is None else _numbers(cell, most)

    def texts(self) -> Iterator[str]:
        """Yields the text of each cell."""
        for cell in self._cells():
            yield "" if cell is None else _text(cell)

    def _cells(self) -> Iterator[Optional[_Variable]]:
        for _ in range(self.count):
            kind, size, padding = self._variable.reader.tag()
            if kind != _MATRIX:
                raise ValueError(f"a cell is of the type {kind}")
            inner = self._variable.reader.inner(size)
            yield _head(inner) if size else None
            inner.skip()
            self._variable.reader.pass_over(padding)


def _find(file: BinaryIO, name: str) -> _Variable:
    """Returns the variable of a name, of which nothing but the head is read."""
    end, _ = file.seek(0, 2), file.seek(0)
    head = file.read(_HEAD)
    if len(head) < _HEAD or head[126:] not in (b"IM", b"MI"):
        raise ValueError("its head is none of a .mat file")
    order = "<" if head[126:] == b"IM" else ">"
    place = _HEAD
    while place < end:
        file.seek(place)
        reader = _Reader(file.read, order, end - place)
        kind, size, padding = reader.tag()
        place = file.tell() + size + padding
        inner = reader.inner(size)
        if kind == _COMPRESSED:
            inner = _Reader(_Inflated(file, size).read, order, None)
            kind, size, _ = inner.tag()
            inner = inner.inner(size)
        if kind == _MATRIX and size:
            variable = _head(inner)
            if variable.name == name:
                return variable
    raise KeyError(name)


def _head(reader: "_Reader") -> _Variable:
    flags = reader.values(2)
    dimensions = tuple(reader.values(_MOST_DIMENSIONS).tolist())
    name = reader.values(_LONGEST_TEXT).tobytes().decode("latin-1")
    if len(flags) != 2 or flags.itemsize != 4 or not dimensions or min(dimensions) < 0:
        raise ValueError(f"the variable {name[:100]!r} has no flags, or the dimensions {dimensions}")
    flags = flags.astype(np.int64)
    if flags[0] & _IS_COMPLEX:
        raise ValueError(f"`{name[:100]}` has complex numbers")
    return _Variable(int(flags[0] & 0xFF), int(np.prod(dimensions, dtype=object)), dimensions, name, reader)


def _numbers(cell: _Variable, most: int) -> np.ndarray:
    if cell.kind not in _NUMBERS:
        raise ValueError(f"its cells must be numbers, and one is of the class {cell.kind}")
    if cell.count > most:
        raise ValueError(f"a cell has {cell.count:,} numbers, and at most {most:,} are read")
    values = cell.reader.values(most)
    if len(values) != cell.count:
        raise ValueError(f"a cell of {cell.count} values has {len(values)}")
    return values.reshape(cell.dimensions, order="F")


def _text(cell: _Variable) -> str:
    if cell.kind != _CHAR or cell.count > _LONGEST_TEXT:
        raise ValueError(f"the cells of `images` must be names, and one is of the class {cell.kind}")
    kind, size, padding = cell.reader.tag()
    if kind not in _ENCODINGS or size > 4 * _LONGEST_TEXT:
        raise ValueError(f"a text is of the type {kind} and has {size} bytes")
    text = cell.reader.read(size).decode(_ENCODINGS[kind][cell.reader.order == ">"])
    cell.reader.pass_over(padding)
    return text


class _Inflated:
    """Bytes that lie compressed in a file; no more are unpacked than are asked for."""

    def __init__(self, file: BinaryIO, size: int):
        self._file, self._left, self._zlib = file, size, zlib.decompressobj()

    def read(self, size: int) -> bytes:
        """Returns the next bytes, fewer at the end."""
        parts = []
        while size:
            packed = self._zlib.unconsumed_tail
            if not packed:
                packed = self._file.read(min(self._left, _CHUNK))
                self._left -= len(packed)
            part = self._zlib.decompress(packed, size)
            if not part and not packed:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class _Reader:
    """Reads elements that lie one after another.

    Args:
        read: returns the next bytes of their source, fewer at its end.
        order: of the bytes of a number, "<" or ">".
        left: bytes of all of them; None where that is not known.
        outer: the reader of the element that they lie in.
    """

    def __init__(self, read: Callable[[int], bytes], order: str, left: Optional[int],
                 outer: "Optional[_Reader]" = None):
        self._read, self.order, self._left, self._outer = read, order, left, outer

    def inner(self, size: int) -> "_Reader":
        """Returns a reader of the next bytes, which are the content of an element."""
        self._require(size)
        return _Reader(self._read, self.order, size, self)

    def read(self, size: int) -> bytes:
        """Returns the next bytes; ValueError where there are fewer."""
        self._require(size)
        data = self._read(size)
        if len(data) != size:
            raise ValueError("it ends early")
        reader: Optional[_Reader] = self
        while reader is not None:
            reader._left = None if reader._left is None else reader._left - size
            reader = reader._outer
        return data

    def tag(self) -> Tuple[int, int, int]:
        """Returns the type of the next element, the number of its bytes, and of those that pad it."""
        word, = np.frombuffer(self.read(4), self.order + "u4").tolist()
        if word >> 16:
            if word >> 16 > 4:
                raise ValueError(f"a short element has {word >> 16} bytes")
            return word & 0xFFFF, word >> 16, 4 - (word >> 16)
        size, = np.frombuffer(self.read(4), self.order + "u4").tolist()
        return word, size, 0 if word == _COMPRESSED else -size % 8

    def values(self, most: int) -> np.ndarray:
        """Returns the numbers of the next element; ValueError for more than `most`."""
        kind, size, padding = self.tag()
        if kind not in _TYPES:
            raise ValueError(f"numbers are of the type {kind}")
        item = np.dtype(self.order + _TYPES[kind])
        if size > most * item.itemsize or size % item.itemsize:
            raise ValueError(f"{size} bytes of numbers of {item.itemsize} bytes are not expected")
        data = self.read(size)
        self.pass_over(padding)
        return np.frombuffer(data, item)

    def pass_over(self, padding: int) -> None:
        """Passes over what pads an element; the last one of a matrix may lack it."""
        self.read(padding if self._left is None else min(padding, self._left))

    def skip(self) -> None:
        """Passes over what is left."""
        while self._left:
            self.read(min(self._left, _CHUNK))

    def _require(self, size: int) -> None:
        if self._left is not None and size > self._left:
            raise ValueError(f"it ends early: of {size} bytes {self._left} are left")
