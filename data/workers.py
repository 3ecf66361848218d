"""Worker processes that turn tasks into tuples of arrays, in order.

Each worker has a pipe of its own and shares no lock or queue with anybody, so one that is killed or fails can neither
hang the others nor the main process (multiprocessing.Pool, and with it gluon's DataLoader, can hang when it ends its
workers).
"""
import mmap
import multiprocessing
import os
import signal
import traceback
from contextlib import contextmanager
from multiprocessing import reduction

import mxnet as mx
import numpy as np

from .records import DataError

AHEAD = 2  # tasks a worker is given before its first result is asked for
ALIGNMENT = 64  # bytes
HAS_MEMFD = hasattr(os, "memfd_create")  # Linux


class Workers:
    """`count` processes that call `make(task)`, a pure function that returns a tuple of arrays; 0 calls it here.

    The processes are forked at once, so `make` needs no pickling; tasks do. `timeout` is in seconds, for one task.
    """

    def __init__(self, make, count, timeout):
        self._make, self._timeout = make, timeout
        self._links = []
        self._tickets = 0
        for _ in range(count):
            mx.nd.waitall()  # nothing of MXNet is to be under way while its threads are forked
            context = multiprocessing.get_context("fork")
            ours, theirs = context.Pipe()
            # The ends that are ours must be closed there: else a worker would not notice that we are gone.
            foreign = [link[0] for link in self._links] + [ours]
            process = context.Process(target=_serve, args=(theirs, foreign, make), daemon=True)
            process.start()
            theirs.close()
            self._links.append((ours, process))

    def run(self, tasks):
        """Yield the result of each task, in order. Raises what `make` raised, or DataError where a worker is lost.

        A run may be left unfinished; a new one makes it invalid.
        """
        if not self._links:
            yield from map(self._make, tasks)
            return
        first = self._tickets
        self._tickets = end = first + len(tasks)
        sent = 0
        for position in range(len(tasks)):
            if self._tickets != end:
                raise RuntimeError("this run was made invalid by a newer one")
            while sent < min(position + AHEAD * len(self._links), len(tasks)):
                with self._link(sent) as link:
                    link.send((first + sent, tasks[sent]))
                sent += 1
            yield self._receive(position, first + position)

    def _receive(self, position, ticket):
        number = None
        while number != ticket:  # others are of a run that was left unfinished
            with self._link(position) as link:
                if not link.poll(self._timeout):
                    raise DataError(f"no batch came from a worker process for {self._timeout} seconds", "worker lost")
                number, error, arrays = _receive_reply(link)
        if error:
            raise error[0] from WorkerTraceback(error[1])
        return arrays

    @contextmanager
    def _link(self, position):
        """The pipe of the worker whose turn it is; its end is turned into a DataError."""
        link, process = self._links[position % len(self._links)]
        try:
            yield link
        except (EOFError, OSError) as error:
            process.join(1)
            raise DataError(f"a worker process ended (exit code {process.exitcode}; -9 is often a lack of memory): "
                            "try fewer workers", "worker lost") from error


class WorkerTraceback(Exception):
    """Where in the worker an error arose."""

    def __str__(self):
        return "\n" + self.args[0]


def _serve(link, foreign, make):
    """What a worker does until the main process closes its end, or is no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process is interrupted, and ends us
    for other in foreign:
        other.close()
    try:
        while True:
            ticket, task = link.recv()
            try:
                arrays = make(task)
            except Exception as error:
                link.send((ticket, (error, traceback.format_exc()), ()))
            else:
                _send_reply(link, ticket, arrays)
    except (EOFError, ConnectionError):
        pass


def _send_reply(link, ticket, arrays):
    if not HAS_MEMFD:
        link.send((ticket, None, arrays))
        return
    # A file in memory, handed over as it is: the main process maps it and copies nothing.
    with os.fdopen(os.memfd_create("batch"), "wb") as file:
        layout = []
        for array in arrays:
            file.seek(-(-file.tell() // ALIGNMENT) * ALIGNMENT)
            layout.append((array.shape, array.dtype.str, file.tell()))
            file.write(np.ascontiguousarray(array))
        file.truncate(max(file.tell(), 1))  # nothing cannot be mapped
        link.send((ticket, None, layout))
        if layout:
            reduction.send_handle(link, file.fileno(), None)


def _receive_reply(link):
    """(ticket, None or (exception, traceback), arrays)"""
    ticket, error, content = link.recv()
    if not HAS_MEMFD or not content:
        return ticket, error, tuple(content)
    handle = reduction.recv_handle(link)
    try:
        memory = mmap.mmap(handle, 0)
    finally:
        os.close(handle)
    return ticket, error, tuple(
        np.frombuffer(memory, dtype, int(np.prod(shape)), offset).reshape(shape) for shape, dtype, offset in content)
