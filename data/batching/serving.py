"""What a worker process does: it answers tasks until the main process closes its end of their channel or ends."""
import ctypes
import logging
import os
import pickle
import signal
import sys
import traceback
from typing import Any, Callable, List, Tuple

from ..shortage import is_shortage
from .array_transfer import AnswerSender
from .channel import Channel

_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def serve(channel: Channel, function: Callable[[Any], Any]) -> None:
    """Answers tasks with what a function returns for them, or with the exception that it raises.

    Args:
        channel: brings tasks as `task_message` makes them, and takes the answers.
        function: is called for each task.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C interrupts the main process, which then ends the workers
    for crash in (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT):
        signal.signal(crash, signal.SIG_DFL)  # MXNet would catch some, and leave by an exit code that says nothing
    log = _Lines()
    logger = logging.getLogger("light_head_rcnn")
    logger.handlers, logger.propagate = [log], False
    sender = AnswerSender(channel, log.lines)
    try:
        while True:
            ticket, task, may_use_files = pickle.loads(channel.receive().head)
            failure = result = None
            try:
                result = function(task)
            except Exception as error:
                failure = _sendable(error), traceback.format_exc()
            try:
                sender.send(ticket, failure, result, may_use_files)
            except ConnectionError:
                raise
            except Exception as error:  # the result cannot be pickled, or the memory does not suffice
                sender.send(ticket, (_sendable(error), traceback.format_exc()), None, False)
    except (EOFError, ConnectionError):
        pass


def task_message(ticket: Tuple[int, int], task: Any, may_use_files: bool) -> bytes:
    """Returns the message that gives a worker a task.

    Args:
        ticket: comes back with the answer.
        task: is pickled.
        may_use_files: whether the answer may bring its arrays in a file.
    """
    return pickle.dumps((ticket, task, may_use_files), protocol=5)


def end_with_parent(parent: int) -> None:
    """Lets the system kill this process when its parent ends, whatever it is doing then; does nothing but on Linux.

    Args:
        parent: process id of the parent, whose main thread has forked this process.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


class _Lines(logging.Handler):
    """Keeps what is logged for the main process, whose log it belongs to."""

    def __init__(self):
        super().__init__()
        self.lines: List[Tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelno, record.getMessage()))


def _sendable(error: Exception) -> Exception:
    """Returns the exception, or one with its text where it cannot be pickled."""
    if is_shortage(error):
        return MemoryError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
