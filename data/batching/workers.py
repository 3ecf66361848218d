"""Worker processes that turn tasks into results, in order, and survive whatever happens to one of them.

Each worker has a channel of its own and shares no lock and no queue with others, so that one that is killed or fails
can hang neither the others nor the main process (multiprocessing.Pool, and with it Gluon's DataLoader, can hang when it
ends its workers). One that ends, hangs, or has too little memory is replaced, and its tasks are given again; see
`supervision`.
"""
import itertools
import pickle
import weakref
from collections import deque
from typing import Any, Callable, Deque, Iterable, Iterator, List, Optional, Sequence, Tuple

from ...errors import TrainingError, UsageError
from .channel import Channel
from .forked_worker import ForkedWorker, Worker
from .supervision import Place, Supervision
from .worker_server import start_worker

TASKS_AHEAD = 2  # tasks that each worker is given before its first result is asked for
_NAME_LENGTH = 200


def name_of(task: Any) -> List[str]:
    """Returns a task as text, for pools that do not say what their tasks are about."""
    return [str(task)[:_NAME_LENGTH]]


class WorkerPool:
    """Processes that call one function for many tasks. They end when the pool is deleted or this process ends.

    Workers can be started at any time: they are forked from a process of their own, see `worker_server`, and get the
    function pickled. A function that cannot be pickled, or that is defined in the script that runs or in a notebook, is
    given to workers that are forked from this process; that is safe only before a network has run.

    A worker that ends, gives no answer in time, was stopped by a signal, or has too little memory is named in the log
    and replaced, and the new one does its tasks: the results and their order are the same. What a worker logs is logged
    here, a line that several of them have once.

    Args:
        function: a pure function of a task. Tasks and results are pickled; large arrays in results are not copied.
        num_workers: number of processes; 0 calls the function in this process.
        timeout: seconds after which a worker that gives no answer to a task is replaced.
        names: function from a task to the names of what it is about, such as its images; for messages.
    """

    def __init__(self, function: Callable[[Any], Any], num_workers: int, timeout: float,
                 names: Callable[[Any], Sequence[str]] = name_of):
        self._function = function
        self._runs = 0
        common = Supervision(_starter(function, num_workers), names, timeout, num_workers, set(), set())
        self._places = [Place(number, common) for number in range(1, num_workers + 1)]

    def run(self, tasks: Iterable[Any]) -> Iterator[Any]:
        """Yields the result of each task, in order.

        A run may be left unfinished; beginning another run ends it. Tasks are taken from the iterable a few at a time.

        Raises:
            TrainingError: a task has ended several workers, one after the other, or a worker cannot be started.
            UsageError: this run goes on after another one was begun.
            Exception: whatever the function raised; its cause shows the traceback in the worker.
        """
        if not self._places:
            yield from map(self._function, tasks)
            return
        self._runs += 1
        run, tasks = self._runs, iter(tasks)
        asked: Deque[Tuple[Tuple[int, int], Place]] = deque()
        numbers, places = itertools.count(), itertools.cycle(self._places)
        while True:
            if self._runs != run:
                raise UsageError("this iteration over the batches was ended by a newer one of the same loader")
            for task in itertools.islice(tasks, TASKS_AHEAD * len(self._places) - len(asked)):
                ticket, place = (run, next(numbers)), next(places)
                place.give(ticket, task)
                asked.append((ticket, place))
            if not asked:
                return
            ticket, place = asked.popleft()
            answer = place.answer(ticket)
            if answer.error:
                error, trace = answer.error
                raise error from WorkerTraceback(trace)
            yield answer.result


class WorkerTraceback(Exception):
    """The cause of an error that a worker passes on: its text is the traceback in the worker."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _starter(function: Callable[[Any], Any], num_workers: int) -> Callable[[], Worker]:
    """Returns the function that starts a worker of a pool."""
    pickled = _pickle(function) if num_workers else None
    channels: "weakref.WeakSet[Channel]" = weakref.WeakSet()  # to workers that were forked from this process

    def start() -> Worker:
        try:
            if pickled is not None:
                return start_worker(pickled)
            worker = ForkedWorker(function, list(channels))
        except OSError as error:
            raise TrainingError(f"a worker process cannot be started: {error.strerror or error}; try fewer workers"
                                ) from error
        channels.add(worker.channel)
        return worker
    return start


def _pickle(function: Callable[[Any], Any]) -> Optional[bytes]:
    """Returns the pickled function, or None where another process could not load it."""
    try:
        pickled = pickle.dumps(function)
    except Exception:
        return None
    return None if b"__main__" in pickled else pickled  # the module __main__ is another one there
