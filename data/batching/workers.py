"""Worker processes that turn tasks into results, in order.

Each worker has a pipe of its own and shares no lock and no queue with others, so that one that is killed or fails can
hang neither the others nor the main process (multiprocessing.Pool, and with it Gluon's DataLoader, can hang when it
ends its workers).
"""
import itertools
import logging
import multiprocessing
import pickle
import sys
from collections import deque
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Callable, Deque, Iterable, Iterator, List, Optional, Protocol, Sequence, Set, Tuple

from ...errors import TrainingError, UsageError
from .array_transfer import receive_answer
from .serving import serve
from .worker_server import start_worker

_LOGGER = logging.getLogger("light_head_rcnn")
TASKS_AHEAD = 2  # tasks that each worker is given before its first result is asked for


class Worker(Protocol):
    """A process that answers tasks.

    Attributes:
        connection: the main process's end of the pipe to it.
    """

    connection: Connection

    def exit_code(self) -> Optional[int]:
        """Returns the exit code of the worker once it has ended, or None where it is not known."""


class WorkerPool:
    """Processes that call one function for many tasks. They end when the pool is deleted or this process ends.

    Workers can be started at any time: they are forked from a process of their own, see `worker_server`, and get the
    function pickled. A function that cannot be pickled, or that is defined in the script that runs or in a notebook, is
    given to workers that are forked from this process; that is safe only before a network has run.

    What a worker logs is logged here, a line that several of them have once.

    Args:
        function: a pure function of a task. Tasks and results are pickled; arrays in results are not copied.
        num_workers: number of processes; 0 calls the function in this process.
        timeout: seconds to wait for the result of one task.
    """

    def __init__(self, function: Callable[[Any], Any], num_workers: int, timeout: float):
        self._function, self._timeout = function, timeout
        self._workers: List[Worker] = []
        self._runs = 0
        self._told: Set[str] = set()  # lines of workers, which meet the same files
        pickled = _pickle(function) if num_workers else None
        for _ in range(num_workers):
            self._workers.append(start_worker(pickled) if pickled else _ForkedWorker(function, self._workers))

    def run(self, tasks: Iterable[Any]) -> Iterator[Any]:
        """Yields the result of each task, in order.

        A run may be left unfinished; beginning another run ends it. Tasks are taken from the iterable a few at a time.

        Raises:
            TrainingError: a worker process ended, or did not answer in time.
            UsageError: this run goes on after another one was begun.
            Exception: whatever the function raised; its cause shows the traceback in the worker.
        """
        if not self._workers:
            yield from map(self._function, tasks)
            return
        self._runs += 1
        run, tasks = self._runs, iter(tasks)
        asked: Deque[Tuple[Tuple[int, int], Worker]] = deque()
        numbers, workers = itertools.count(), itertools.cycle(self._workers)
        while True:
            if self._runs != run:
                raise UsageError("this iteration over the batches was ended by a newer one of the same loader")
            for task in itertools.islice(tasks, TASKS_AHEAD * len(self._workers) - len(asked)):
                asked.append(((run, next(numbers)), next(workers)))
                with _watched(asked[-1][1]) as connection:
                    connection.send((asked[-1][0], task))
            if not asked:
                return
            yield self._receive(*asked.popleft())

    def _receive(self, ticket: Tuple[int, int], worker: Worker) -> Any:
        answer = None
        while answer is None or answer.ticket != ticket:  # answers of a run that was left unfinished come first
            with _watched(worker) as connection:
                if not connection.poll(self._timeout):
                    raise TrainingError(f"no batch came from a worker process for {self._timeout} seconds")
                answer = receive_answer(connection)
            for level, text in answer.lines:
                if text not in self._told:
                    self._told.add(text)
                    _LOGGER.log(level, "%s", text)
        if answer.error:
            error, trace = answer.error
            raise error from WorkerTraceback(trace)
        return answer.result


class WorkerTraceback(Exception):
    """The cause of an error that a worker passes on: its text is the traceback in the worker."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class _ForkedWorker:
    """A worker that is forked from this process, and gets the function without pickling; see `Worker`.

    Args:
        function: is called for each task.
        others: workers of the same kind that were started before.
    """

    def __init__(self, function: Callable[[Any], Any], others: Sequence["_ForkedWorker"]):
        if "mxnet" in sys.modules:
            sys.modules["mxnet"].nd.waitall()  # no operation of MXNet may be under way when its threads are forked
        context = multiprocessing.get_context("fork")
        self.connection, theirs = context.Pipe()
        # A worker notices that this process has ended when no copy of our end of its pipe is open any more: it must
        # close those copies that it inherits.
        inherited = [other.connection for other in others] + [self.connection]
        self._process = context.Process(target=_serve_forked, args=(theirs, function, inherited), daemon=True)
        self._process.start()
        theirs.close()

    def exit_code(self) -> Optional[int]:
        """See `Worker`."""
        self._process.join(1)
        return self._process.exitcode


def _serve_forked(connection: Connection, function: Callable[[Any], Any], inherited: List[Connection]) -> None:
    for other in inherited:
        other.close()
    serve(connection, function)


def _pickle(function: Callable[[Any], Any]) -> Optional[bytes]:
    """Returns the pickled function, or None where another process could not load it."""
    try:
        pickled = pickle.dumps(function)
    except Exception:
        return None
    return None if b"__main__" in pickled else pickled  # the module __main__ is another one there


@contextmanager
def _watched(worker: Worker) -> Iterator[Connection]:
    """Gives the pipe to a worker; raises TrainingError if the worker has ended."""
    try:
        yield worker.connection
    except (EOFError, OSError) as error:
        raise TrainingError(f"a worker process ended (exit code {worker.exit_code()}; -9 is often a lack of memory): "
                            "try fewer workers") from error
