"""A worker process as the server sees it: started, sent batches, waited for, ended."""
import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from typing import Any, Callable, Dict, List, Optional, Sequence

from ...process_ends import describe_end
from ...process_memory import resident_bytes
from . import frames

# What a process is started with; the number of its end of the connection is added.
COMMAND = (sys.executable, "-m", "light_head_rcnn.engine.serving.worker_main")
# A batch of large images goes to the system at once.
_SOCKET_BYTES = 4 << 20
# glibc gives each thread an arena of its own otherwise, whose free memory the others cannot use.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}


class WorkerProcess:
    """A process that works on batches.

    Args:
        number: its place among the workers.
        command: what it is started with.
        settings: its first message, see `detection.load`.
        environment: variables to set for it.
        on_message: is called with each message.
        on_end: is called once, when it has ended.

    Attributes:
        number: as given.
        pid: the number of the process.
        running: batches that it works on, see `Pool`.
        lanes: how many batches it can work on at a time; 0 until it is ready, and when it has ended.
        was_ready: whether it ever was ready.
    """

    def __init__(self, number: int, command: Sequence[str], settings: Dict[str, Any],
                 environment: Dict[str, str],
                 on_message: Callable[["WorkerProcess", Dict[str, Any], bytes], None],
                 on_end: Callable[["WorkerProcess"], None]):
        self._command, self._settings, self._environment = command, settings, environment
        self._on_message, self._on_end = on_message, on_end
        self._process: Optional[subprocess.Popen] = None
        self._writer: Optional[asyncio.StreamWriter] = None
        self._task: Optional[asyncio.Task] = None
        self._pongs: Dict[int, asyncio.Future] = {}
        self._pings = 0
        self.running: List[Any] = []
        self.number, self.lanes, self.pid, self.was_ready = number, 0, 0, False

    async def start(self) -> None:
        """Starts the process; `on_message` tells when it is ready.

        Raises:
            OSError: the system does not permit it. `stop` ends what has begun.
        """
        mine, its = socket.socketpair()
        try:
            with its:
                for end in (mine, its):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
                self._process = subprocess.Popen(
                    [*self._command, str(its.fileno())], pass_fds=[its.fileno()], stdin=subprocess.DEVNULL,
                    env={**os.environ, **_ENVIRONMENT, **self._environment})
            self.pid = self._process.pid
            reader, self._writer = await asyncio.open_connection(sock=mine)
        except BaseException:
            mine.close()
            raise
        self.send(self._settings)
        self._task = asyncio.ensure_future(self._receive(reader))

    def send(self, head: Dict[str, Any], parts: Sequence[bytes] = ()) -> None:
        """Sends a message; nothing happens where the process has ended."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.writelines(frames.pack(head, parts))

    async def answers(self, seconds: float) -> bool:
        """Whether the process answers within a time."""
        if not self.lanes:
            return False
        self._pings += 1
        number, pong = self._pings, asyncio.get_running_loop().create_future()
        self._pongs[number] = pong
        self.send({"ping": number})
        try:
            await asyncio.wait_for(pong, seconds)
            return True
        except (asyncio.TimeoutError, EOFError):
            return False
        finally:
            self._pongs.pop(number, None)

    def kill(self) -> None:
        """Ends the process at once; `on_end` is called when it has."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    async def stop(self) -> None:
        """Ends the process, and waits until it has."""
        self._on_end = lambda worker: None
        if self._writer is not None:
            self._writer.close()
        self.kill()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._process is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._process.wait)

    def resident_memory(self) -> int:
        """Bytes of memory that the process holds; 0 where the system does not tell."""
        return resident_bytes(self.pid)

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                head, body = await frames.receive(reader)
            except EOFError:
                break
            if "pong" in head:
                pong = self._pongs.get(head["pong"])
                if pong is not None and not pong.done():
                    pong.set_result(None)
            else:
                self._on_message(self, head, body)
        self.lanes = 0
        self.kill()  # one that closed its connection is of no more use
        self._writer.close()
        await asyncio.get_running_loop().run_in_executor(None, self._process.wait)
        for pong in self._pongs.values():
            if not pong.done():
                pong.set_exception(EOFError())
        self._on_end(self)

    @property
    def exit_reason(self) -> str:
        """How the process ended, in words."""
        status = self._process.poll() if self._process is not None else None
        return "is still running" if status is None else describe_end(status)
