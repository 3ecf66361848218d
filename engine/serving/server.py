"""Runs a server until a signal stops it."""
import asyncio
import contextlib
import logging
import resource
import signal
import socket
from typing import Callable, Iterator, List, Optional, Sequence

import uvicorn

from ...errors import UsageError
from .app import make_app
from .connections import bounded_protocol, watch
from .metrics import Metrics
from .pool import Pool
from .settings import Settings, check_settings
from .worker_process import COMMAND

_LOGGER = logging.getLogger("light_head_rcnn")
_HEADER_BYTES = 16384  # of all headers of a request
# Files that the process needs beside connections.
_FILES = 128
# Seconds that cancelled requests have to end.
_LAST = 2.0


def serve(settings: Settings, command: Sequence[str] = COMMAND,
          when_ready: Callable[[str], None] = lambda address: None) -> int:
    """Runs a server until SIGTERM or SIGINT.

    The first signal stops it gracefully: it takes no more requests, and finishes those that it has accepted. A second
    one, or the end of `Settings.stop_timeout`, cuts off those that are left.

    Args:
        settings: see `Settings`.
        command: what workers are started with.
        when_ready: is called with the address once the server takes requests.

    Returns:
        The exit status: 0 where every accepted request was answered, otherwise 128 and the number of the signal, as
        for all interrupted work here.

    Raises:
        UsageError: it cannot listen there, or settings contradict each other.
        CheckpointError: the detector cannot be loaded.
    """
    check_settings(settings)
    allow_files(settings.connections + _FILES)
    with bind(settings.host, settings.port) as listener:
        return asyncio.run(_Serving(settings, command).run(listener, when_ready))


class _Serving:
    """A server from its start to its end."""

    def __init__(self, settings: Settings, command: Sequence[str]):
        self._settings, self._command = settings, command
        self._signals: List[int] = []
        self._server: Optional["_Uvicorn"] = None
        self._starting: Optional[asyncio.Task] = None

    async def run(self, listener: socket.socket, when_ready: Callable[[str], None]) -> int:
        """Serves on a socket; see `serve`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._take_signal, number)
        metrics = Metrics()
        pool = Pool(self._settings, metrics, self._command)
        self._starting = asyncio.ensure_future(pool.start())
        try:
            await self._starting
        except asyncio.CancelledError:
            return 128 + self._signals[0]
        app = make_app(self._settings, pool, metrics, lambda: len(self._server.server_state.connections))
        self._server = _Uvicorn(uvicorn.Config(
            app, http=bounded_protocol(self._settings, metrics), ws="none", lifespan="off", loop="asyncio",
            log_config=None, access_log=False, server_header=False, proxy_headers=False,
            timeout_keep_alive=self._settings.keep_alive, timeout_graceful_shutdown=self._settings.stop_timeout,
            h11_max_incomplete_event_size=_HEADER_BYTES), lambda: when_ready(_address(listener)))
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        watching = asyncio.ensure_future(watch(lambda: self._server.server_state.connections))
        try:
            await self._server.serve([listener])
            tasks = self._server.server_state.tasks
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=_LAST)
        finally:
            watching.cancel()
            await pool.stop()
        if app.interrupted:
            _LOGGER.warning("stopped; requests that were cut off: %d", app.interrupted)
            return 128 + self._signals[0]
        _LOGGER.info("stopped; every accepted request was answered")
        return 0

    def _take_signal(self, number: int) -> None:
        self._signals.append(number)
        if self._server is None:
            self._starting.cancel()
        elif self._server.should_exit:
            self._server.force_exit = True
        else:
            _LOGGER.info("stopping: requests that were accepted are finished; a second signal cuts them off")
            self._server.should_exit = True


class _Uvicorn(uvicorn.Server):
    """uvicorn's server, which leaves the signals alone and says when it takes requests."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]):
        super().__init__(config)
        self._when_ready = when_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes no signals: `_Serving` does."""
        yield

    async def startup(self, sockets: Optional[List[socket.socket]] = None) -> None:
        """Begins to take requests."""
        await super().startup(sockets)
        self._when_ready()


def bind(host: str, port: int) -> socket.socket:
    """Takes an address, on which nothing is answered yet.

    Raises:
        UsageError: it is no address of this machine, or another program has it.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM,
                                                                flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"{host} is no address to listen on: {error.strerror or error}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise UsageError(f"{host} port {port} cannot be listened on: {error.strerror}; choose another by --port or "
                         "--host") from None
    return listener


def allow_files(count: int) -> None:
    """Lets this process open so many files, if the system permits it.

    Raises:
        UsageError: it does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            raise UsageError(f"the system lets a process open {hard} files, and so many connections need {count}: "
                             "choose fewer by --connections")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
