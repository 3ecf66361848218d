"""Messages between the server and its workers: a JSON object, and bytes beside it.

A message is two numbers of four bytes, the lengths of both parts, and then the parts. Nothing of it is ever run as
code, so that a worker which a hostile image has taken over cannot take over the server by its answers.
"""
import asyncio
import json
import socket
import struct
from typing import Any, Dict, Optional, Sequence, Tuple

_LENGTHS = struct.Struct("!II")
_MOST_HEAD = 1 << 20  # bytes; a batch of images has some hundred bytes for each
_MOST_BODY = 1 << 31

Message = Tuple[Dict[str, Any], bytes]


def pack(head: Dict[str, Any], parts: Sequence[bytes] = ()) -> Tuple[bytes, ...]:
    """Returns the pieces of a message, in order."""
    text = json.dumps(head).encode()
    return (_LENGTHS.pack(len(text), sum(map(len, parts))) + text, *parts)


async def receive(reader: asyncio.StreamReader) -> Message:
    """Waits for a message.

    Raises:
        EOFError: the other side has ended, or does not keep to the form of messages.
    """
    try:
        head, body = _checked(await reader.readexactly(_LENGTHS.size))
        return _parsed(await reader.readexactly(head)), await reader.readexactly(body)
    except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
        raise EOFError(str(error)) from None


def receive_blocking(connection: socket.socket) -> Optional[Message]:
    """Waits for a message; None where the other side has ended."""
    lengths = _exactly(connection, _LENGTHS.size)
    if lengths is None:
        return None
    head, body = map(lambda length: _exactly(connection, length), _checked(lengths))
    return None if head is None or body is None else (_parsed(head), body)


def _checked(lengths: bytes) -> Tuple[int, int]:
    head, body = _LENGTHS.unpack(lengths)
    if head > _MOST_HEAD or body > _MOST_BODY:
        raise ValueError("a message is too long")
    return head, body


def _parsed(head: bytes) -> Dict[str, Any]:
    value = json.loads(head)
    if not isinstance(value, dict):
        raise ValueError("a message is no JSON object")
    return value


def _exactly(connection: socket.socket, count: int) -> Optional[bytes]:
    content = bytearray(count)
    view, received = memoryview(content), 0
    while received < count:
        try:
            more = connection.recv_into(view[received:])
        except ConnectionError:
            return None
        if not more:
            return None
        received += more
    return bytes(content)
