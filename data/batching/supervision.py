"""One place in a pool of workers: whoever works there is watched, and replaced when it ends, hangs or lacks memory."""
import logging
from collections import deque
from typing import Any, Callable, Deque, Dict, NamedTuple, Optional, Sequence, Set, Tuple

from ...errors import TrainingError
from ...process_ends import describe_end
from ..shortage import is_shortage
from .array_transfer import Answer, LostFile, as_answer
from .forked_worker import Worker
from .serving import task_message

MOST_TRIES = 3  # so many workers that one task ends, one after the other, end the run
_START_SECONDS = 120.0  # that a worker may take to be there
_STOPPED_SECONDS = 10.0  # after which a worker that someone has stopped is replaced
_END_SECONDS = 1.0  # that a worker which has closed its channel gets to end by itself
_NAMES_SHOWN = 8
_LOGGER = logging.getLogger("light_head_rcnn")
_Ticket = Tuple[int, int]


class Supervision(NamedTuple):
    """What all places of a pool have in common.

    Attributes:
        start: starts a worker.
        names: function from a task to the names of what it is about, such as its images; for messages.
        timeout: seconds after which a worker that answers nothing is replaced.
        count: number of places.
        told: lines that were logged already; workers meet the same files.
        refused: is not empty where this process cannot receive files.
    """

    start: Callable[[], Worker]
    names: Callable[[Any], Sequence[str]]
    timeout: float
    count: int
    told: Set[str]
    refused: Set[str]

    def log_once(self, level: int, text: str) -> None:
        """Logs a line that was not logged yet."""
        if text not in self.told:
            self.told.add(text)
            _LOGGER.log(level, "%s", text)


class _Given:
    """A task that was given to a worker, and how many workers it has ended."""

    def __init__(self, ticket: _Ticket, task: Any):
        self.ticket, self.task, self.tries = ticket, task, 0


class _Hangs(Exception):
    """Ends the waiting for a worker that does not answer."""


class Place:
    """A place in a pool, where one worker after the other may work.

    Args:
        number: of the place, from 1 on.
        common: see `Supervision`.
    """

    def __init__(self, number: int, common: Supervision):
        self._number, self._common = number, common
        self._given: Deque[_Given] = deque()
        self._early: Dict[_Ticket, Answer] = {}
        self._process: Optional[int] = None  # the id of the worker that was ended last
        self._start_seconds = 0.0  # for which its worker has been waited for before it was there
        self.worker = common.start()

    def give(self, ticket: _Ticket, task: Any) -> None:
        """Gives the worker a task, and does not wait."""
        given = _Given(ticket, task)
        if self.worker.channel.is_torn:
            self.worker.end(0)
            self.worker, self._given = self._common.start(), deque()
        if not self._given and self.worker.channel.is_closed_there():
            self._replace(f"{self._end(_END_SECONDS)} while it had nothing to do", given)
        self._given.append(given)
        self._post(given)

    def answer(self, ticket: _Ticket) -> Answer:
        """Waits for the answer to a task that was given, whatever happens to workers meanwhile.

        Args:
            ticket: of the task. Answers to tasks of earlier runs are passed over.

        Raises:
            TrainingError: the task has ended `MOST_TRIES` workers.
        """
        while ticket not in self._early:
            self._start_seconds = 0.0
            try:
                answer = as_answer(self.worker.channel.receive(self._watch))
            except _Hangs as reason:
                self._end(0)
                self._replace(str(reason), self._given[0])
                continue
            except (EOFError, OSError):
                self._replace(self._end(_END_SECONDS), self._given[0])
                continue
            for line in answer.lines:
                self._common.log_once(*line)
            self._take(answer, ticket[0])
        return self._early.pop(ticket)

    def _take(self, answer: Answer, run: int) -> None:
        """Takes an answer; those of earlier runs are dropped."""
        given = next(one for one in self._given if one.ticket == answer.ticket)
        error = answer.error[0] if answer.error else None
        if error is not None and is_shortage(error) and answer.ticket[0] == run:
            self._end(0)
            self._replace(f"it had too little memory, or might open no more files ({error})", given)
            return
        self._given.remove(given)
        if answer.ticket[0] != run:
            return
        if isinstance(error, LostFile):
            self._common.refused.add("files")
            self._common.log_once(logging.WARNING, "this process may open no more files (ulimit -n): workers hand "
                                  "their batches over through pipes, which takes longer and changes nothing else")
            self._given.append(given)
            self._post(given)
            return
        self._early[answer.ticket] = answer

    def _post(self, given: _Given) -> None:
        try:
            self.worker.channel.post(task_message(given.ticket, given.task, not self._common.refused))
        except OSError:
            pass  # it has ended, which is seen when its answers are asked for

    def _watch(self, waited: float) -> None:
        """Raises `_Hangs` where no answer is to be expected any more."""
        if self.worker.process_id() is None:
            self._start_seconds = waited  # it waits for the process that starts workers, which takes a while to start
        if waited - self._start_seconds >= self._common.timeout or self._start_seconds >= _START_SECONDS:
            raise _Hangs(f"it gave no answer for {waited:g} seconds")
        if waited >= _STOPPED_SECONDS and self.worker.is_stopped():
            raise _Hangs(f"it was stopped by a signal, and gave no answer for {waited:g} seconds")

    def _end(self, seconds: float) -> str:
        """Ends the worker; returns how it ended, in words."""
        self._process = self.worker.process_id()
        return f"it {describe_end(self.worker.end(seconds))}"

    def _replace(self, reason: str, blamed: _Given) -> None:
        """Puts another worker in the place of one that was ended, and gives it the tasks that are not answered.

        Args:
            reason: what happened to it.
            blamed: the task that it was at.
        """
        run = self._given[-1].ticket[0] if self._given else blamed.ticket[0]
        names = list(self._common.names(blamed.task))
        process = f" (process {self._process})" if self._process else ""
        who = f"data worker {self._number} of {self._common.count}{process}"
        if self._given:
            blamed.tries += 1
            if blamed.tries >= MOST_TRIES and blamed.ticket[0] == run:
                raise TrainingError(
                    f"{who}: {reason}. {MOST_TRIES} workers have ended so at the same task: {', '.join(names)}. If "
                    "memory is short, try fewer workers (TRAIN.NUM_WORKERS, TEST.NUM_WORKERS, --workers); otherwise "
                    "look at these files, one of which may be more than the library that decodes it can take")
            shown = ", ".join(names[:_NAMES_SHOWN]) + (f" and {len(names) - _NAMES_SHOWN} more"
                                                       if len(names) > _NAMES_SHOWN else "")
            reason += f", at work on {shown}"
        _LOGGER.warning("%s: %s; a new worker takes its place, and nothing is left out%s", who, reason,
                        f" (try {blamed.tries + 1} of {MOST_TRIES})" if blamed.tries else "")
        self.worker = self._common.start()
        self._given = deque(given for given in self._given if given.ticket[0] == run)
        for given in self._given:
            self._post(given)
