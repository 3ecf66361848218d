"""Checksums of a checkpoint's files: any bit that changes after they were written is noticed.

They are BLAKE2b of 256 bits. That of the JSON file stands in its own last entry, and covers all bytes of the file but
its own digits.
"""
import hashlib
from typing import Any, Mapping

from ..files import PathLike, to_json

_BYTES = 32
_DIGITS = 2 * _BYTES
_END = b'"\n}\n'
_CHUNK = 1 << 20


def file_checksum(path: PathLike) -> str:
    """Returns the checksum of a file, 64 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=_BYTES)
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def sealed_json(entries: Mapping[str, Any]) -> bytes:
    """Returns the bytes of a JSON file whose last entry, "checksum", is the checksum of the others.

    Args:
        entries: see `files.to_json`; at least one.
    """
    start = to_json(dict(entries), 1)[:-2].encode() + b',\n "checksum": "'
    return start + _checksum(start) + _END


def seal_is_whole(content: bytes) -> bool:
    """True where the bytes are those that `sealed_json` returned, every one."""
    start, digits, end = content[:-_DIGITS - len(_END)], content[-_DIGITS - len(_END):-len(_END)], content[-len(_END):]
    return end == _END and digits == _checksum(start)


def _checksum(start: bytes) -> bytes:
    return hashlib.blake2b(start + _END, digest_size=_BYTES).hexdigest().encode()
