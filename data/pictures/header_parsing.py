"""Reads the headers of JPEG and PNG files without a decoder: a few hundred bytes and some microseconds a file."""
import struct
from typing import BinaryIO, NamedTuple, Optional

from .orientation import exif_orientation

_WINDOW = 4096  # bytes that are read at once
_TAIL = 64  # bytes at the end of a file in which its end marker is looked for first
_BASELINE_TO_PROGRESSIVE = (0xC0, 0xC1, 0xC2)  # the kinds of JPEG that libjpeg always decodes
_OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
_STANDALONE = (0x01, *range(0xD0, 0xD8))  # JPEG markers that no segment follows
_SCAN, _END, _APP1 = 0xDA, 0xD9, 0xE1


class ParsedHeader(NamedTuple):
    """What a header says.

    Attributes:
        width, height: in pixels, as stored.
        orientation: EXIF orientation, 1 to 8.
        format: as Pillow names it.
        complete: whether the marker of the file's end was found. Without it only decoding shows whether something is
            missing.
    """

    width: int
    height: int
    orientation: int
    format: str
    complete: bool


class _Window:
    """Reads a file by position, in pieces that are kept while they serve."""

    def __init__(self, file: BinaryIO):
        self._file, self._start = file, 0
        self._bytes = file.read(_WINDOW)

    def at(self, position: int, count: int) -> bytes:
        """The bytes from a position on; fewer than `count` at the end of the file."""
        offset = position - self._start
        if offset < 0 or offset + count > len(self._bytes):
            self._file.seek(position)
            self._start, offset = position, 0
            self._bytes = self._file.read(max(_WINDOW, count))
        return self._bytes[offset:offset + count]


def parse_header(file: BinaryIO, size: int) -> Optional[ParsedHeader]:
    """Reads the header of an image file.

    Args:
        file: open at its beginning; best without a buffer.
        size: of the file in bytes.

    Returns:
        None for other formats than JPEG and PNG, and for anything unusual, which a decoder must judge.
    """
    window = _Window(file)
    try:
        if window.at(0, 3) == b"\xff\xd8\xff":
            return _parse_jpeg(window, size)
        if window.at(0, 16) == b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR":
            return _parse_png(window, size)
    except (struct.error, IndexError):  # the file ends within the header
        pass
    return None


def _parse_jpeg(window: _Window, size: int) -> Optional[ParsedHeader]:
    position, orientation = 2, None
    while True:
        marker = window.at(position, 10)
        if marker[0] != 0xFF:
            return None
        code = marker[1]
        if code == 0xFF:  # a fill byte
            position += 1
        elif code in _STANDALONE:
            position += 2
        elif code in _BASELINE_TO_PROGRESSIVE or code in _OTHER_FRAMES:
            bits, height, width, components = struct.unpack(">BHHB", marker[4:])
            if bits != 8 or not height or not width or components not in (1, 3, 4):
                return None
            complete = code in _BASELINE_TO_PROGRESSIVE and _has_end(window, size, position, b"\xff\xd9")
            return ParsedHeader(width, height, orientation or 1, "JPEG", complete)
        elif code in (_SCAN, _END):
            return None
        else:
            length, = struct.unpack(">H", marker[2:4])
            # Where a file has several blocks of EXIF data, the first counts, as in Pillow.
            if code == _APP1 and orientation is None and marker[4:] == b"Exif\0\0":
                orientation = exif_orientation(window.at(position + 10, length - 8))
            position += 2 + length


def _parse_png(window: _Window, size: int) -> Optional[ParsedHeader]:
    width, height = struct.unpack(">II", window.at(16, 8))
    if not width or not height:
        return None
    position, orientation = 33, 1
    while True:
        length, name = struct.unpack(">I4s", window.at(position, 8))
        if name in (b"IDAT", b"IEND"):
            return ParsedHeader(width, height, orientation, "PNG", _has_end(window, size, position, b"IEND"))
        if name == b"eXIf":
            orientation = exif_orientation(window.at(position + 8, min(length, 65536)))
        position += 12 + length


def _has_end(window: _Window, size: int, start: int, end: bytes) -> bool:
    """Whether a file has its end marker after a position, at its end or, where something follows it, before."""
    tail = max(start, size - _TAIL)
    return end in window.at(tail, size - tail) or end in window.at(start, size - start)
