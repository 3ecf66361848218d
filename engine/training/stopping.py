"""SIGTERM and SIGINT end a training after its current step, with a checkpoint."""
import contextlib
import logging
import os
import signal
import threading
import time
from functools import partial
from types import FrameType
from typing import Any, Dict, Iterator, Optional

from ..signals import ENDING, SignalReceived, exit_status
from .hook import Hook, RunningTrainer

TOGETHER = 1.0


class SignalHook(Hook):
    """Ends the training after the current step where SIGTERM or SIGINT arrives; a test is given up at once.

    The hook that writes checkpoints saves the steps since the last one then. A second signal ends the process at once:
    SIGTERM as the system does, SIGINT as the caller of the training handles it. One that comes within `TOGETHER`
    seconds of the first is taken for the same: a scheduler may signal all processes of a job, and so may the one that
    started this one. Signals that the process ignores stay ignored. Outside the main thread, where Python sets no
    handlers, the hook does nothing.
    """

    def __init__(self):
        self._earlier: Dict[int, Any] = {}
        self._first: Optional[float] = None  # when the first signal came

    def before_training(self, trainer: RunningTrainer) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in ENDING:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._earlier[number] = signal.signal(number, partial(self._handle, trainer))

    def after_close(self, trainer: RunningTrainer) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier.clear()

    def _handle(self, trainer: RunningTrainer, number: int, frame: Optional[FrameType]) -> None:
        if self._first is not None:
            if time.monotonic() - self._first >= TOGETHER:
                signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else self._earlier[number])
                os.kill(os.getpid(), number)
            return
        self._first = time.monotonic()
        name = signal.Signals(number).name
        # A logger may be in the middle of a line here.
        os.write(2, f"\n{name}: the training ends after this step and saves; a second one ends it at once\n".encode())
        trainer.stop(f"{name} asked it to end; the same command with --resume goes on from here", exit_status(number))
        if trainer.is_interruptible:
            raise SignalReceived(exit_status(number))


@contextlib.contextmanager
def tells_of_resume(logger: logging.Logger) -> Iterator[None]:
    """Context manager of a run that tells how it goes on where a signal ends it outside of the training's steps."""
    try:
        yield
    except KeyboardInterrupt:
        logger.info("stopped; the same command with --resume goes on from the last checkpoint, where there is one")
        raise
