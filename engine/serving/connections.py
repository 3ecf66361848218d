"""Connections with bounds that uvicorn does not have: for headers that never end, and for answers that nobody reads."""
import asyncio
import json
from typing import Any, Callable, Iterable, Optional, Type

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .metrics import Metrics
from .settings import Settings

_PIECE = 4096  # bytes
# Seconds between two looks at all connections.
_LOOK = 0.5


def bounded_protocol(settings: Settings, metrics: Metrics) -> Type[H11Protocol]:
    """Returns uvicorn's HTTP protocol with the bounds of a server.

    Args:
        settings: see `Settings`.
        metrics: counts the connections that are closed.
    """
    class BoundedProtocol(_Bounded):
        pass

    BoundedProtocol.bounds, BoundedProtocol.metrics = settings, metrics
    return BoundedProtocol


class _Bounded(H11Protocol):
    """A connection that knows for how long it has waited for its client.

    Attributes:
        head_since: since when the headers of a request have been awaited; None while they are not.
        unread_since: since when bytes of an answer have been waiting for the client to read them; None without such.
        since: when its client last came or got an answer.
    """

    bounds: Settings
    metrics: Metrics

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Takes a new connection; where there are too many, the one that has waited longest for its client goes."""
        super().connection_made(transport)
        self.since = self.head_since = self.loop.time()
        self.unread_since: Optional[float] = None
        if len(self.connections) > self.bounds.connections:
            idle = [other for other in self.connections if not other.is_working]
            min(idle, key=lambda other: other.since, default=self).end("too many")

    def data_received(self, data: bytes) -> None:
        """Takes a piece of a request."""
        # h11 bounds headers that have not ended yet: of a large piece it would look at all of them first.
        while self.conn.their_state is h11.IDLE and len(data) > _PIECE and not self.transport.is_closing():
            super().data_received(data[:_PIECE])
            data = data[_PIECE:]
        if not self.transport.is_closing():
            super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self.head_since = None
        elif self.head_since is None:
            self.head_since = self.loop.time()

    def on_response_complete(self) -> None:
        """Goes on to the next request."""
        self.since, self.head_since = self.loop.time(), None
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP, in the form of all errors."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.end("broken")  # an answer is under way, which cannot become another one
            return
        text = json.dumps({"error": "this is no valid HTTP request"}).encode() + b"\n"
        headers = [("content-type", "application/json"), ("content-length", str(len(text))), ("connection", "close")]
        for event in (h11.Response(status_code=400, headers=headers, reason=b"Bad Request"), h11.Data(data=text),
                      h11.EndOfMessage()):
            self.transport.write(self.conn.send(event))
        self.metrics.requests.labels("other", "400").inc()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # the request whose body is broken gets no other answer
            self.cycle.message_event.set()
        self.transport.close()

    @property
    def is_working(self) -> bool:
        """Whether a whole request was received, and its answer is not sent yet."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def look(self, now: float) -> None:
        """Ends the connection where its client is too slow."""
        if self.transport.get_write_buffer_size() == 0:
            self.unread_since = None
        elif self.unread_since is None:
            self.unread_since = now
        if self.unread_since is not None and now - self.unread_since > self.bounds.write_timeout:
            self.end("answer not read")
        elif self.head_since is not None and now - self.head_since > self.bounds.header_timeout:
            self.end("headers too slow")

    def end(self, reason: str) -> None:
        """Ends the connection at once."""
        self.metrics.connections_closed.labels(reason).inc()
        self.head_since = self.unread_since = None
        self.transport.abort()


async def watch(connections: Callable[[], Iterable[Any]]) -> None:
    """Looks at all connections twice a second, for ever.

    Args:
        connections: function that gives those that are open.
    """
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_LOOK)
        for connection in list(connections()):
            connection.look(loop.time())
