"""Ends a process that waits for others for too long: nothing else can end a wait inside MXNet or Horovod."""
import contextlib
import os
import sys
import threading
import time
from typing import Callable, Iterator, Optional

# Exit status of a process that gave up waiting for the others of its group.
EXIT_LOST = 75
_USUAL_TIMES = 10  # a wait may take so many times the usual one beyond the time that is given


class Watchdog:
    """Bounds the time of steps that need the other processes; at the bound it ends this process with `EXIT_LOST`.

    A process that was stopped (SIGSTOP) for longer than the bound ends itself too when it goes on, since the others
    have gone by then.

    Args:
        seconds: a wait may take so long, and ten times the usual wait of its kind; 0 waits for ever.
        end: function that is given the message and ends the process.
    """

    def __init__(self, seconds: float, end: Optional[Callable[[str], None]] = None):
        self._seconds, self._end = seconds, end or end_process
        self._condition = threading.Condition()
        self._deadline: Optional[float] = None
        self._what = ""
        self._thread: Optional[threading.Thread] = None
        self._usual: Optional[float] = None

    @contextlib.contextmanager
    def watch(self, what: str, usual: float = 0.0) -> Iterator[None]:
        """Bounds the time of what is done inside.

        Args:
            what: is done, for the message, such as "step 7".
            usual: seconds that it usually takes.
        """
        if not self._seconds:
            yield
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
            self._thread.start()
        with self._condition:
            earlier = self._deadline, self._what
            self._allowed = self._seconds + _USUAL_TIMES * usual
            self._deadline, self._what = time.monotonic() + self._allowed, what
            self._condition.notify()
        try:
            yield
        finally:
            with self._condition:
                self._deadline, self._what = earlier

    @contextlib.contextmanager
    def watch_step(self, number: int) -> Iterator[None]:
        """Bounds the time of a training step; the usual time is the mean of the latest ones.

        Before the first one nobody knows how long a step takes: it may be usual that it takes as long as the bound.

        Args:
            number: of the step, counted from 1.
        """
        began = time.monotonic()
        with self.watch(f"step {number}", self._seconds if self._usual is None else self._usual):
            yield
        seconds = time.monotonic() - began
        self._usual = seconds if self._usual is None else 0.8 * self._usual + 0.2 * seconds

    def _run(self) -> None:
        with self._condition:
            while True:
                left = None if self._deadline is None else self._deadline - time.monotonic()
                if left is not None and left <= 0:
                    self._end(f"{self._what} has not ended within {self._allowed:.0f} s: another process of the "
                              "training is dead, stopped or too slow (default.GROUP_TIMEOUT). This process ends; the "
                              "training can go on from its last checkpoint with --resume")
                    self._deadline = None
                self._condition.wait(left if left is None or left > 0 else None)


def end_process(message: str) -> None:
    """Writes a message to stderr and ends this process at once with `EXIT_LOST`, whatever its threads do."""
    with contextlib.suppress(OSError):
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"\nerror: {message}\n".encode())
    os._exit(EXIT_LOST)
