"""Signals that ask a process to end: SIGTERM, which schedulers and `kill` send, and SIGINT, which Ctrl-C sends."""
import contextlib
import signal
import threading
from types import FrameType
from typing import Iterator, Optional

ENDING = (signal.SIGTERM, signal.SIGINT)


class SignalReceived(KeyboardInterrupt):
    """A signal asked this process to end.

    Attributes:
        exit_status: of a command that it ended, 128 and the number of the signal.
    """

    def __init__(self, exit_status: int):
        super().__init__(exit_status)
        self.exit_status = exit_status


def exit_status(number: int) -> int:
    """Returns the exit status of a command that a signal ended, as shells tell it."""
    return 128 + number


@contextlib.contextmanager
def sigterm_raises() -> Iterator[None]:
    """Context manager in which SIGTERM raises `SignalReceived`, as Ctrl-C raises KeyboardInterrupt.

    So what is open is closed, and commands that were started are ended. A second SIGTERM ends the process at once. A
    handler that the caller has set stays, and so does everything outside the main thread, where Python sets none.
    """
    if (threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL):
        yield
        return
    signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def ending_at_once() -> Iterator[None]:
    """Context manager in which SIGTERM and SIGINT end the process as the system does, also inside native code.

    Signals that are ignored stay ignored; outside the main thread nothing changes.
    """
    earlier = {}
    if threading.current_thread() is threading.main_thread():
        earlier = {number: signal.getsignal(number) for number in ENDING}
    earlier = {number: handler for number, handler in earlier.items() if handler not in (signal.SIG_IGN, None)}
    for number in earlier:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _raise(number: int, frame: Optional[FrameType]) -> None:
    signal.signal(number, signal.SIG_DFL)
    raise SignalReceived(exit_status(number))
