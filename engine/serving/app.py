"""The paths of a server: /detect, /healthz, /readyz, /metrics and /."""
import asyncio
import math
import time
from typing import Callable, Optional

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router

from .answers import Answering
from .bodies import Bodies
from .metrics import Metrics
from .pending import Pending, Refusal, Result
from .pool import Pool
from .settings import Settings

PATHS = ("/", "/detect", "/healthz", "/readyz", "/metrics")
# The least score where a request names none, as for `lhrcnn detect`.
THRESHOLD = 0.5
_TYPES = ("image/", "application/octet-stream", "multipart/form-data")
_FRAME = "pixels of the image as viewers show it: x1, y1, x2, y2, counted from 0, far ends inclusive"


def make_app(settings: Settings, pool: Pool, metrics: Metrics,
             connections: Callable[[], int] = lambda: 0) -> Answering:
    """Returns the ASGI application of a server.

    Args:
        settings: see `Settings`.
        pool: works on the images.
        metrics: the numbers that /metrics shows.
        connections: function that gives the number of open connections.
    """
    paths = _Paths(settings, pool, metrics)
    metrics.watch(lambda: pool.waiting, lambda: pool.workers, lambda: paths.bodies.held, connections)
    pool.expecting = lambda: paths.bodies.receiving
    router = Router([
        Route("/", paths.describe, methods=["GET"]),
        Route("/detect", paths.detect, methods=["POST"]),
        Route("/healthz", paths.alive, methods=["GET"]),
        Route("/readyz", paths.ready, methods=["GET"]),
        Route("/metrics", paths.show_metrics, methods=["GET"]),
    ], redirect_slashes=False)
    return Answering(router, PATHS, settings, metrics)


class _Paths:
    """What is answered at each path."""

    def __init__(self, settings: Settings, pool: Pool, metrics: Metrics):
        self._settings, self._pool, self._metrics = settings, pool, metrics
        self.bodies = Bodies(settings)

    async def describe(self, request: Request) -> Response:
        """What this server detects, and what it takes."""
        return JSONResponse({**self._pool.description, "boxes": _FRAME, "threshold": THRESHOLD,
                             "max_bytes": self._settings.max_bytes, "max_megapixels": self._settings.max_megapixels})

    async def alive(self, request: Request) -> Response:
        """Whether the server answers at all."""
        return PlainTextResponse("alive\n")

    async def ready(self, request: Request) -> Response:
        """Whether a worker has its detector, and answers."""
        if await self._pool.is_ready():
            return PlainTextResponse("ready\n")
        raise Refusal(503, "no worker is ready", 1)

    async def show_metrics(self, request: Request) -> Response:
        """The metrics."""
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4")

    async def detect(self, request: Request) -> Response:
        """Finds objects in the image of a request."""
        began = time.perf_counter()
        threshold = _number(request, "threshold", float, 0, 1)
        threshold = THRESHOLD if threshold is None else threshold
        most = _number(request, "max", int, 1, 1_000_000)
        content_type = request.headers.get("content-type", "")
        if not content_type.lower().startswith(_TYPES):
            raise Refusal(415, "send an image with its type, such as Content-Type: image/jpeg, or a form, "
                               "multipart/form-data, with the field image")
        self.bodies.check_length(request)
        if self._pool.is_full:
            raise self._pool.full()
        async with self.bodies.read(request) as body:
            result = await self._work(Pending(body, content_type, threshold, most), request)
        self._metrics.seconds.observe(time.perf_counter() - began)
        for stage, seconds in result.seconds.items():
            self._metrics.stages.labels(stage).observe(seconds)
        return Response(result.text, media_type="application/json")

    async def _work(self, pending: Pending, request: Request) -> Result:
        """Waits for the answer, as long as the client does."""
        self._pool.submit(pending)
        gone = asyncio.ensure_future(request.receive())  # after the whole body, the next message says that it has gone
        try:
            done, _ = await asyncio.wait({pending.future, gone}, timeout=self._settings.request_timeout,
                                         return_when=asyncio.FIRST_COMPLETED)
            if pending.future in done:
                return pending.future.result()
            if gone in done:
                raise ClientDisconnect
            raise Refusal(503, f"there was no answer within {self._settings.request_timeout:g} s", 5)
        finally:
            gone.cancel()
            self._pool.cancel(pending)


def _number(request: Request, name: str, kind: type, least: float, most: float) -> Optional[float]:
    """A number among the parameters of a request; None where it is not there."""
    texts = request.query_params.getlist(name)
    if not texts:
        return None
    try:
        value = kind(texts[0])
    except ValueError:
        value = math.nan
    if len(texts) > 1 or not least <= value <= most:
        raise Refusal(400, f"{name} must be one {'whole number' if kind is int else 'number'} from {least} to "
                           f"{most}")
    return value
