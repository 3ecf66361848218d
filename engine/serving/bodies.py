"""Reads the bodies of requests: within bounds of size, of time, and of the memory of all of them together."""
import asyncio
import contextlib
import time
from typing import AsyncIterator, Awaitable, Callable, List, MutableMapping

from starlette.requests import ClientDisconnect, Request

from .pending import Refusal
from .settings import MEGABYTE, Settings

Receive = Callable[[], Awaitable[MutableMapping]]
# What a client still sends after it was refused is read up to so many bytes.
_LINGER_BYTES = 64 * MEGABYTE


class Bodies:
    """Reads bodies, and counts the bytes that are held.

    Attributes:
        held: bytes of all bodies that are being received or wait for an answer.
        receiving: bodies that are being received.
    """

    def __init__(self, settings: Settings):
        self._settings, self.held, self.receiving = settings, 0, 0

    def check_length(self, request: Request) -> None:
        """Raises Refusal where the headers already say that the body is too large or missing."""
        length = request.headers.get("content-length")
        if length is not None and length.isdecimal() and int(length) > self._settings.max_bytes:
            raise self._too_large()
        if length == "0" or length is None and "transfer-encoding" not in request.headers:
            raise Refusal(400, "the body is empty: send the bytes of an image")

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Context manager that reads the body of a request, and counts it as held until the block ends.

        Raises:
            Refusal: it is empty, too large, or does not come in time, or the memory for bodies is used up.
            ClientDisconnect: the client has gone.
        """
        chunks: List[bytes] = []
        try:
            yield await self._receive(request.receive, chunks)
        finally:
            self.held -= sum(map(len, chunks))

    async def _receive(self, receive: Receive, chunks: List[bytes]) -> bytes:
        """Receives a body into a list, as far as it comes, and returns the whole."""
        deadline, size, more = time.monotonic() + self._settings.upload_timeout, 0, True
        self.receiving += 1
        try:
            while more:
                message = await self._next(receive, deadline)
                chunks.append(message.get("body", b""))
                size, self.held, more = size + len(chunks[-1]), self.held + len(chunks[-1]), message.get("more_body")
                if size > self._settings.max_bytes:
                    raise self._too_large()
                if self.held > self._settings.upload_memory:
                    raise Refusal(503, "the server holds too many images at the moment: try again later", 1)
        finally:
            self.receiving -= 1
        if not size:
            raise Refusal(400, "the body is empty: send the bytes of an image")
        chunks[:] = [b"".join(chunks)]
        return chunks[0]

    async def _next(self, receive: Receive, deadline: float) -> MutableMapping:
        seconds = min(self._settings.idle_timeout, deadline - time.monotonic())
        try:
            message = await asyncio.wait_for(receive(), max(seconds, 0.001))
        except asyncio.TimeoutError:
            raise Refusal(408, "the body did not come in time: send it faster, or a smaller one") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        return message

    def _too_large(self) -> Refusal:
        return Refusal(413, f"the body has more than {self._settings.max_bytes} bytes, which is the limit")


async def read_away(receive: Receive, seconds: float) -> None:
    """Reads what is left of a body, for a bounded time, until it ends or the client goes."""
    deadline, left = time.monotonic() + seconds, _LINGER_BYTES
    while left > 0:
        try:
            message = await asyncio.wait_for(receive(), max(deadline - time.monotonic(), 0.001))
        except asyncio.TimeoutError:
            return
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))
