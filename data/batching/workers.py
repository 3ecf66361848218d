"""Worker processes that turn tasks into tuples of arrays, in order.

Each worker has a pipe of its own and shares no lock and no queue with others, so that one that is killed or fails can
hang neither the others nor the main process (multiprocessing.Pool, and with it Gluon's DataLoader, can hang when it
ends its workers).
"""
import multiprocessing
import signal
import sys
import traceback
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Callable, Iterator, List, Sequence, Tuple

import numpy as np

from ...errors import TrainingError, UsageError
from .array_transfer import receive_result, send_error, send_result

TASKS_AHEAD = 2  # tasks that each worker is given before its first result is asked for

Arrays = Tuple[np.ndarray, ...]


class WorkerPool:
    """Processes that call one function for many tasks. They end when the pool is deleted or this process ends.

    Args:
        function: a pure function of a task that returns a tuple of arrays. It needs no pickling, because the processes
            are forked here; tasks are pickled.
        num_workers: number of processes; 0 calls the function in this process.
        timeout: seconds to wait for the result of one task.
    """

    def __init__(self, function: Callable[[Any], Arrays], num_workers: int, timeout: float):
        self._function, self._timeout = function, timeout
        self._workers = []  # (our end of the pipe, process)
        self._tickets = 0  # every task of every run has a number of its own
        for _ in range(num_workers):
            if "mxnet" in sys.modules:
                sys.modules["mxnet"].nd.waitall()  # no operation of MXNet may be under way when its threads are forked
            context = multiprocessing.get_context("fork")
            ours, theirs = context.Pipe()
            # A worker notices that this process has ended when no copy of our end of its pipe is open any more: it must
            # close those copies that it inherits.
            inherited = [connection for connection, _ in self._workers] + [ours]
            process = context.Process(target=_serve, args=(theirs, inherited, function), daemon=True)
            process.start()
            theirs.close()
            self._workers.append((ours, process))

    def run(self, tasks: Sequence[Any]) -> Iterator[Arrays]:
        """Yields the result of each task, in order.

        A run may be left unfinished; beginning another run ends it.

        Raises:
            TrainingError: a worker process ended, or did not answer in time.
            UsageError: this run goes on after another one was begun.
            Exception: whatever the function raised; its cause shows the traceback in the worker.
        """
        if not self._workers:
            yield from map(self._function, tasks)
            return
        first = self._tickets
        self._tickets = end = first + len(tasks)
        sent = 0
        for position in range(len(tasks)):
            if self._tickets != end:
                raise UsageError("this iteration over the batches was ended by a newer one of the same loader")
            while sent < min(position + TASKS_AHEAD * len(self._workers), len(tasks)):
                with self._connection(sent) as connection:
                    connection.send((first + sent, tasks[sent]))
                sent += 1
            yield self._receive(position, first + position)

    def _receive(self, position: int, ticket: int) -> Arrays:
        number = None
        while number != ticket:  # results of a run that was left unfinished come first
            with self._connection(position) as connection:
                if not connection.poll(self._timeout):
                    raise TrainingError(f"no batch came from a worker process for {self._timeout} seconds")
                number, error, arrays = receive_result(connection)
        if error:
            raise error[0] from WorkerTraceback(error[1])
        return arrays

    @contextmanager
    def _connection(self, position: int) -> Iterator[Connection]:
        """Gives the pipe to the worker that has the task at `position`; raises TrainingError if the worker ended."""
        connection, process = self._workers[position % len(self._workers)]
        try:
            yield connection
        except (EOFError, OSError) as error:
            process.join(1)
            raise TrainingError(f"a worker process ended (exit code {process.exitcode}; -9 is often a lack of memory): "
                                "try fewer workers") from error


class WorkerTraceback(Exception):
    """The cause of an error that a worker passes on: its text is the traceback in the worker."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _serve(connection: Connection, inherited: List[Connection], function: Callable[[Any], Arrays]) -> None:
    """Does the tasks of one worker until the main process closes its end of the pipe or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C interrupts the main process, which then ends the workers
    for other in inherited:
        other.close()
    try:
        while True:
            ticket, task = connection.recv()
            try:
                arrays = function(task)
            except Exception as error:
                send_error(connection, ticket, error, traceback.format_exc())
            else:
                send_result(connection, ticket, arrays)
    except (EOFError, ConnectionError):
        pass
