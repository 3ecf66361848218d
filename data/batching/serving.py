"""What a worker process does: it answers tasks until the main process closes its end of their pipe or ends."""
import logging
import pickle
import signal
import traceback
from multiprocessing.connection import Connection
from typing import Any, Callable, List, Tuple

from .array_transfer import Answer, send_answer


def serve(connection: Connection, function: Callable[[Any], Any]) -> None:
    """Answers tasks with what a function returns for them, or with the exception that it raises.

    Args:
        connection: brings pairs of a ticket and a task, and takes the answers.
        function: is called for each task.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C interrupts the main process, which then ends the workers
    log = _Lines()
    logger = logging.getLogger("light_head_rcnn")
    logger.handlers, logger.propagate = [log], False
    try:
        while True:
            ticket, task = connection.recv()
            try:
                answer = Answer(ticket, None, function(task), log.lines)
            except Exception as error:
                answer = Answer(ticket, (_sendable(error), traceback.format_exc()), None, log.lines)
            send_answer(connection, answer)
            log.lines = []
    except (EOFError, ConnectionError):
        pass


class _Lines(logging.Handler):
    """Keeps what is logged for the main process, whose log it belongs to."""

    def __init__(self):
        super().__init__()
        self.lines: List[Tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelno, record.getMessage()))


def _sendable(error: Exception) -> Exception:
    """Returns the exception, or one with its text where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
