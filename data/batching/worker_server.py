"""A process from which workers are forked at any time.

A process in which a network has run should not be forked: the copy inherits the state of its threads, locks and GPUs,
and all of its memory, of which either side copies what it writes to. The server is started as a new program instead,
imports what workers need, and does nothing else. It starts with the first workers, takes a second of one processor for
that and 90 MB, nearly all of it for MXNet, and lives as long as the process that it belongs to; a further worker takes
20 ms. When it ends, its workers do too, and a new one takes its place.
"""
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from multiprocessing import Pipe, reduction
from multiprocessing.connection import Connection
from typing import Any, Callable, Dict, NoReturn, Optional

from .channel import Channel, open_channel
from .processes import is_stopped
from .serving import end_with_parent, serve

# The program of the server. The folders in which Python finds modules come first through its pipe.
_PROGRAM = f"""
import sys
from multiprocessing.connection import Connection
connection = Connection(int(sys.argv[1]))
sys.path[:] = connection.recv()
from {__name__} import run_server
run_server(connection, int(sys.argv[2]))
"""
_ANSWER_SECONDS = 5.0  # how long an answer of the server is waited for


class WorkerServer:
    """The main process's end of a server, which starts at once.

    Attributes:
        owner: id of the process that it belongs to.
        process: the server.
    """

    def __init__(self):
        self._connection, theirs = Pipe()
        # The system's signal comes when the thread that starts it ends, which may be before the process does.
        parent = os.getpid() if threading.current_thread() is threading.main_thread() else 0
        self.process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(theirs.fileno()), str(parent)],
                                        pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self.owner = os.getpid()
        self._lock = threading.Lock()
        self._connection.send(sys.path)
        self._started = 0
        self._process_ids: Dict[int, int] = {}

    def start(self, function: bytes) -> "ServedWorker":
        """Starts a worker, and does not wait for it.

        Args:
            function: pickled; the worker calls it for each task.

        Raises:
            EOFError: the server has ended.
            OSError: the server has ended, or this process may open no more files.
        """
        ours, theirs = open_channel()
        with self._lock, theirs:
            self._read_notes()
            self._started += 1
            # The folders in which Python finds modules may have become more.
            self._connection.send((self._started, (function, sys.path)))
            reduction.send_handle(self._connection, theirs.fileno(), None)
            return ServedWorker(ours, self, self._started)

    def process_id(self, number: int) -> Optional[int]:
        """Returns the process id of the worker that was started as the `number`-th, or None where it is not known."""
        with self._lock:
            try:
                self._read_notes()
            except (EOFError, OSError):
                pass
            return self._process_ids.get(number)

    def end(self, number: int, seconds: float) -> Optional[int]:
        """Ends a worker, see `Worker.end`."""
        with self._lock:
            try:
                self._connection.send((number, seconds))
                deadline = time.monotonic() + seconds + _ANSWER_SECONDS
                while self._connection.poll(max(deadline - time.monotonic(), 0)):
                    kind, of, value = self._connection.recv()
                    if kind == "ended" and of == number:
                        self._process_ids.pop(number, None)
                        return value
                    self._note(kind, of, value)
            except (EOFError, OSError):
                pass  # its workers have ended with it
        return None

    def kill_if_stopped(self) -> None:
        """Kills a server that a signal has stopped, and its workers with it."""
        if is_stopped(self.process.pid):
            self.kill()

    def kill(self) -> None:
        """Kills the server, and its workers with it."""
        self.process.kill()
        self.process.wait()

    def _read_notes(self) -> None:
        while self._connection.poll():
            self._note(*self._connection.recv())

    def _note(self, kind: str, number: int, value: Any) -> None:
        if kind == "started":
            self._process_ids[number] = value


class ServedWorker:
    """A worker that was forked from a server; see `Worker`."""

    def __init__(self, channel: Channel, server: WorkerServer, number: int):
        self.channel, self._server, self._number = channel, server, number

    def process_id(self) -> Optional[int]:
        """See `Worker`."""
        return self._server.process_id(self._number)

    def is_stopped(self) -> bool:
        """See `Worker`."""
        return is_stopped(self._server.process.pid) or is_stopped(self.process_id())

    def end(self, seconds: float) -> Optional[int]:
        """See `Worker`."""
        self._server.kill_if_stopped()
        return self._server.end(self._number, seconds)


_server: Optional[WorkerServer] = None


def start_worker(function: bytes) -> ServedWorker:
    """Starts a worker from the server of this process, which is started first if there is none.

    Args:
        function: pickled; the worker calls it for each task.
    """
    global _server
    if _server is not None and _server.owner == os.getpid():  # a forked process starts a server of its own
        _server.kill_if_stopped()
        try:
            return _server.start(function)
        except (EOFError, ConnectionError):
            _server.kill()  # someone has killed it
    _server = WorkerServer()
    return _server.start(function)


def run_server(connection: Connection, parent: int = 0) -> None:
    """Starts workers as they are asked for; returns when the main process ends. The program of a server calls it.

    Args:
        connection: to the main process.
        parent: id of the main process, with which the system ends this one, too, where it is stopped; 0 for none.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if parent:
        end_with_parent(parent)
    try:
        import mxnet  # noqa: F401  (workers resize images with it)
    except ImportError:
        pass
    workers = _Workers()
    try:
        while True:
            number, request = connection.recv()
            workers.look()
            if not isinstance(request, tuple):
                connection.send(("ended", number, workers.end(number, request)))
                continue
            theirs = socket.socket(fileno=reduction.recv_handle(connection))
            function, sys.path[:] = request
            call, server = _unpickle(function), os.getpid()
            try:
                process = os.fork()
            except OSError as error:
                print(f"a worker process cannot be started: {error.strerror}", file=sys.stderr, flush=True)
                theirs.close()
                continue
            if not process:
                end_with_parent(server)
                connection.close()
                _work(Channel(theirs), call)
            theirs.close()
            workers.running[number] = process
            connection.send(("started", number, process))
    except (EOFError, ConnectionError):
        workers.look()
        for process in workers.running.values():
            os.kill(process, signal.SIGKILL)


def _work(channel: Channel, function: Callable[[Any], Any]) -> NoReturn:
    """Is all that a worker does; it never returns into the loop of the server."""
    code = 1
    try:
        serve(channel, function)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _unpickle(function: bytes) -> Callable[[Any], Any]:
    """Returns the function; where it cannot be loaded here, one that raises the reason for each task."""
    try:
        return pickle.loads(function)
    except Exception as error:
        reason = error

    def fail(task: Any) -> NoReturn:
        raise reason
    return fail


class _Workers:
    """The workers of a server.

    Attributes:
        running: process ids by number.
    """

    def __init__(self):
        self.running: Dict[int, int] = {}
        self._exit_codes: Dict[int, int] = {}

    def look(self) -> None:
        """Finds out which workers have ended; the system keeps a trace of each until then."""
        for number, process in list(self.running.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                del self.running[number]
                self._exit_codes[number] = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def end(self, number: int, seconds: float) -> Optional[int]:
        """Gives a worker some seconds to end by itself, then kills it; returns its exit code if it has ended."""
        self._await_end(number, seconds)
        if number in self.running:
            os.kill(self.running[number], signal.SIGKILL)
            self._await_end(number, 1.0)
        return self._exit_codes.pop(number, None)

    def _await_end(self, number: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while number in self.running and time.monotonic() < deadline:
            time.sleep(0.01)
            self.look()
