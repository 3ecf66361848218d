"""A process from which workers are forked at any time.

A process in which a network has run should not be forked: the copy inherits the state of its threads, locks and GPUs,
and all of its memory, of which either side copies what it writes to. The server is started as a new program instead,
imports what workers need, and does nothing else. It starts with the first workers, takes a second of one processor for
that and 90 MB, nearly all of it for MXNet, and lives as long as the process that it belongs to; a further worker takes
20 ms.
"""
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from multiprocessing import Pipe, reduction
from multiprocessing.connection import Connection
from typing import Any, Callable, Dict, NoReturn, Optional

from .serving import serve

# The program of the server. The folders in which Python finds modules come first through its pipe.
_PROGRAM = f"""
import sys
from multiprocessing.connection import Connection
connection = Connection(int(sys.argv[1]))
sys.path[:] = connection.recv()
from {__name__} import run_server
run_server(connection)
"""
_EXIT_SECONDS = 1.0  # how long the exit code of a worker that closed its pipe is waited for


class WorkerServer:
    """The main process's end of a server, which starts at once."""

    def __init__(self):
        self._connection, theirs = Pipe()
        self._process = subprocess.Popen([sys.executable, "-c", _PROGRAM, str(theirs.fileno())],
                                         pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self.owner = os.getpid()
        self._lock = threading.Lock()
        self._connection.send(sys.path)
        self._started = 0

    def start(self, function: bytes) -> "ServedWorker":
        """Starts a worker, and does not wait for it.

        Args:
            function: pickled; the worker calls it for each task.

        Raises:
            OSError: the server has ended.
        """
        ours, theirs = Pipe()
        with self._lock:
            self._started += 1
            # The folders in which Python finds modules may have become more.
            self._connection.send((self._started, (function, sys.path)))
            reduction.send_handle(self._connection, theirs.fileno(), None)
            theirs.close()
            return ServedWorker(ours, self, self._started)

    def exit_code(self, number: int) -> Optional[int]:
        """Returns the exit code of the worker that was started as the `number`-th, or None where it is not known."""
        try:
            with self._lock:
                self._connection.send((number, None))
                return self._connection.recv() if self._connection.poll(_EXIT_SECONDS + 4) else None
        except (EOFError, OSError):
            return None


class ServedWorker:
    """A worker that was forked from a server.

    Attributes:
        connection: the main process's end of the pipe to the worker.
    """

    def __init__(self, connection: Connection, server: WorkerServer, number: int):
        self.connection, self._server, self._number = connection, server, number

    def exit_code(self) -> Optional[int]:
        """Returns the exit code of the worker once it has ended, or None where it is not known."""
        return self._server.exit_code(self._number)


_server: Optional[WorkerServer] = None


def start_worker(function: bytes) -> ServedWorker:
    """Starts a worker from the server of this process, which is started first if there is none.

    Args:
        function: pickled; the worker calls it for each task.
    """
    global _server
    if _server is not None and _server.owner == os.getpid():  # a forked process starts a server of its own
        try:
            return _server.start(function)
        except OSError:
            pass  # the server was killed
    _server = WorkerServer()
    return _server.start(function)


def run_server(connection: Connection) -> None:
    """Starts workers as they are asked for; returns when the main process ends. The program of a server calls it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import mxnet  # noqa: F401  (workers resize images with it)
    except ImportError:
        pass
    workers = _Workers()
    try:
        while True:
            number, start = connection.recv()
            workers.look()
            if start is None:
                connection.send(workers.exit_code(number))
                continue
            theirs = Connection(reduction.recv_handle(connection))
            function, sys.path[:] = start
            call = _unpickle(function)
            workers.running[number] = os.fork()
            if not workers.running[number]:
                connection.close()
                _work(theirs, call)
            theirs.close()
    except (EOFError, ConnectionError):
        workers.look()
        for process in workers.running.values():
            os.kill(process, signal.SIGTERM)


def _work(connection: Connection, function: Callable[[Any], Any]) -> NoReturn:
    """Is all that a worker does; it never returns into the loop of the server."""
    code = 1
    try:
        serve(connection, function)
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

    def exit_code(self, number: int) -> Optional[int]:
        """Returns the exit code of a worker that has closed its pipe; None where it does not end."""
        deadline = time.monotonic() + _EXIT_SECONDS
        while number in self.running and time.monotonic() < deadline:
            time.sleep(0.01)
            self.look()
        return self._exit_codes.get(number)
