"""Reading of text files that have one entry a line, in whatever encoding an editor left them."""
import codecs
import io
import os
import re
from typing import List, TextIO, Tuple, Union

from ...errors import DataError
from .image_extensions import IMAGE_EXTENSIONS
from .opening import open_regular, read_regular

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
                     (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BYTES = re.compile("[\udc80-\udcff]+")  # those that are not UTF-8, in Python's names of files
_BYTES_LOOKED_AT = 1000  # to recognise UTF-16 without a byte order mark


def read_text(file: Union[str, os.PathLike]) -> str:
    """Reads a text file as UTF-8 or UTF-16, with or without a byte order mark, or else as Windows' Western encoding.

    Raises:
        DataError: the file cannot be read; the message names it.
    """
    return decode(_read(file))


def open_text(file: Union[str, os.PathLike]) -> TextIO:
    """Opens a text file that is too large to be read at once.

    Returns:
        Its text, in the encoding that its beginning looks like, see `read_text`, or else UTF-8; what does not fit into
        that is replaced. Line ends are as they are.

    Raises:
        DataError: the file cannot be opened; the message names it.
    """
    try:
        stream = open_regular(file)
        encoding = _recognise(stream.read(_BYTES_LOOKED_AT))
        stream.seek(0)
    except OSError as error:
        raise DataError(f"{os.fspath(file)}: the file cannot be read ({error.strerror})") from None
    return io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")


def decode(content: bytes, cut_off: bool = False) -> str:
    """Returns the text that bytes stand for, in the encoding that they look like, see `read_text`.

    Args:
        content: the bytes.
        cut_off: whether they are only the beginning of a text, and may end within a character.
    """
    for encoding in (_recognise(content), "utf-8"):
        try:
            return codecs.getincrementaldecoder(encoding)().decode(content, final=not cut_off)
        except UnicodeDecodeError:
            continue
    return _decode_western(content)


def read_list(file: Union[str, os.PathLike]) -> List[Tuple[int, str]]:
    """Reads the lines of a list, such as the names of images or of classes.

    Blank lines are left out, and so are comments: lines that begin with "# " and do not end like the name of an image.

    Returns:
        (line number from 1, text without spaces around it) of each line.

    Raises:
        DataError: the file cannot be read; the message names it.
    """
    return _lines(read_text(file))


def read_image_list(file: Union[str, os.PathLike]) -> List[Tuple[int, str]]:
    """Reads the lines of a list of images as `read_list` does, but for bytes that are not UTF-8.

    They stay as they are in Python's names of files ("surrogateescape"), because a file may be called so;
    `readable_name` tells what they are read as otherwise.

    Raises:
        DataError: the file cannot be read.
    """
    content = _read(file)
    try:
        return _lines(content.decode(_recognise(content)))
    except UnicodeDecodeError:
        return _lines(content.decode("utf-8", "surrogateescape"))


def readable_name(name: str) -> str:
    """Returns the name of a file with letters for its bytes that are not UTF-8: those that `read_text` reads there."""
    return _BYTES.sub(lambda found: _decode_western(found.group().encode("utf-8", "surrogateescape")), name)


def read_names(file: Union[str, os.PathLike]) -> List[str]:
    """Reads a list whose lines are numbered, from 0, such as the names of classes.

    Blank lines at the beginning and at the end are left out, and so are comments, see `read_list`; an entry that is a
    blank line keeps its number, and has that for a name.

    Raises:
        DataError: the file cannot be read; the message names it.
    """
    lines = [line.strip() for line in re.split("\r\n|\r|\n", read_text(file))]
    text = "\n".join(line for line in lines if not _is_comment(line)).strip("\n")
    return [line or str(number) for number, line in enumerate(text.split("\n"))] if text else []


def _decode_western(content: bytes) -> str:
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _read(file: Union[str, os.PathLike]) -> bytes:
    try:
        return read_regular(file)
    except OSError as error:
        raise DataError(f"{os.fspath(file)}: the file cannot be read ({error.strerror})") from None


def _lines(text: str) -> List[Tuple[int, str]]:
    lines = ((number, line.strip()) for number, line in enumerate(re.split("\r\n|\r|\n", text), 1))
    return [(number, line) for number, line in lines if line and not _is_comment(line)]


def _recognise(content: bytes) -> str:
    """Returns the encoding that a byte order mark tells, or UTF-16 where every second byte is zero, or else UTF-8."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return encoding
    start = content[:_BYTES_LOOKED_AT]
    zeros = start[0::2].count(0), start[1::2].count(0)
    if max(zeros) * 4 > len(start):  # more than half of the bytes at even or at odd places
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    return "utf-8"


def _is_comment(line: str) -> bool:
    return line.startswith("# ") and not line.lower().endswith(IMAGE_EXTENSIONS)
