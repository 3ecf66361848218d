"""Names and texts of strangers, made fit to be names of files and to be printed."""
import re
from typing import Any, TextIO

# Of a name, in bytes: file systems take 255, and numbers and extensions are added.
_LONGEST = 150
_SEPARATORS = re.compile(r"[/\\]")
# Besides control characters: what turns the direction of a line, and what ends one.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain_name(text: str) -> str:
    """Returns a name that a file or folder can have, which lies in no other folder, for a name in a file of a stranger.

    Separators and control characters become "_", and so does a point in front; a long name is cut off. A name without
    any of these stays as it is.
    """
    name = _UNPRINTABLE.sub("_", _SEPARATORS.sub("_", text)).replace("\n", "_").replace("\t", "_")
    name = "_" + name[1:] if name[:1] in ("", ".") else name
    while len(name.encode("utf-8", "replace")) > _LONGEST:
        name = name[:-1 - (len(name) - _LONGEST // 4) // 8]
    return name


def without_controls(text: str) -> str:
    """Returns a text with the replacement character in place of control characters, and spaces in place of line ends.

    Such characters move the cursor, change colours or turn the direction of a line where the text is printed.
    """
    return text if text.isprintable() else _UNPRINTABLE.sub("\ufffd", re.sub("[\t\n\r]", " ", text))


def printable(text: str) -> str:
    """Returns a text in which control characters are written as \\x1b; line ends and tabs stay."""
    return text if text.isprintable() else _UNPRINTABLE.sub(lambda found: ascii(found.group())[1:-1], text)


class PrintableStream:
    """A text stream that writes control characters as `printable` does; all else is that of another stream."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes a text."""
        return self._stream.write(printable(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
