"""The last step of a request: the answer is sent, counted and logged, whatever became of the request."""
import asyncio
import hmac
import json
import logging
import time
from typing import Dict, Optional, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .bodies import read_away
from .metrics import Metrics
from .pending import Refusal
from .settings import Settings

_LOGGER = logging.getLogger("light_head_rcnn.access")
# The status that logs and metrics show for a client that went before its answer; no client sees it.
GONE = 499
_TEXTS = {404: "there is nothing at this path: images go to /detect", 405: "this path takes another method"}
_FAILED = "the server failed on this request; its log says why"
_OPEN = ("/healthz", "/readyz")  # a proxy or a scheduler asks for these without a token


class Answering:
    """ASGI application around another one, which makes an answer of each error.

    Errors become JSON {"error": TEXT}. Where a client still sends a body that nobody wants, the rest is read away
    after the answer, and the connection is closed.

    Args:
        app: the application inside.
        paths: those that metrics are told apart by.
        settings: see `Settings`.
        metrics: counts the answers.

    Attributes:
        interrupted: requests that were not finished, because the server was stopped.
    """

    def __init__(self, app: ASGIApp, paths: Sequence[str], settings: Settings, metrics: Metrics):
        self._app, self._paths, self._metrics, self._linger = app, paths, metrics, settings.linger
        self._token = None if settings.token is None else settings.token.encode()
        self.interrupted = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope["app"] = self  # Starlette's router raises its errors only within an application
        exchange = _Exchange(scope, receive, send, self._linger)
        began, path = time.perf_counter(), scope["path"] if scope["path"] in self._paths else "other"
        try:
            try:
                if path not in _OPEN:
                    self._check_token(scope)
                await self._app(scope, exchange.receive, exchange.send)
            except Refusal as refusal:
                await exchange.refuse(refusal)
            except HTTPException as error:
                await exchange.refuse(Refusal(error.status_code, _TEXTS.get(error.status_code, error.detail)),
                                      error.headers)
        except (ClientDisconnect, OSError):
            exchange.status = GONE
        except Exception:
            logging.getLogger("light_head_rcnn").exception("a defect of the program")
            exchange.status = exchange.status or 500
            if not exchange.has_begun:
                await exchange.refuse(Refusal(500, _FAILED))
        except asyncio.CancelledError:  # the server is being stopped, and does not wait any longer
            self.interrupted += 1
            if not exchange.has_begun:
                await exchange.refuse(Refusal(503, "the server was stopped before it had an answer", 10))
        finally:
            seconds, status = time.perf_counter() - began, exchange.status or GONE
            self._metrics.requests.labels(path, str(status)).inc()
            client = (scope.get("client") or ("-",))[0]
            _LOGGER.info("%s %s %s %d, %d bytes in, %.0f ms", client, scope["method"], path, status, exchange.received,
                         1000 * seconds)

    def _check_token(self, scope: Scope) -> None:
        if self._token is None:
            return
        kind, _, given = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
        if kind.lower() != b"bearer" or not hmac.compare_digest(given.strip(), self._token):
            raise HTTPException(401, "send the server's token along, as the header Authorization: Bearer TOKEN",
                                {"WWW-Authenticate": "Bearer"})


class _Exchange:
    """A request's messages in both directions, of which it is kept in mind how far they are."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, linger: float):
        self._receive, self._send, self._linger = receive, send, linger
        self.status: Optional[int] = None
        self.received, self.has_begun = 0, False
        headers = dict(scope["headers"])
        self._more = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"

    async def receive(self) -> Message:
        """The next message from the client."""
        message = await self._receive()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            self._more = message.get("more_body", False)
        else:
            self._more = False
        return message

    async def send(self, message: Message) -> None:
        """Sends a message to the client."""
        if message["type"] == "http.response.start":
            self.status, self.has_begun = message["status"], True
        await self._send(message)

    async def refuse(self, refusal: Refusal, headers: Optional[Dict[str, str]] = None) -> None:
        """Sends an error; where the body has not been read to its end, the connection is closed after it."""
        text = json.dumps({"error": refusal.text}).encode() + b"\n"
        all_headers = {"content-type": "application/json", "content-length": str(len(text)), **(headers or {})}
        if refusal.retry_after is not None:
            all_headers["retry-after"] = str(refusal.retry_after)
        if self._more:
            all_headers["connection"] = "close"
        await self.send({"type": "http.response.start", "status": refusal.status,
                         "headers": [(name.lower().encode(), value.encode()) for name, value in all_headers.items()]})
        await self.send({"type": "http.response.body", "body": text, "more_body": True})
        if self._more:
            await read_away(self.receive, self._linger)
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})
