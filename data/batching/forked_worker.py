"""The worker processes of a pool: what is known of each, and those that are forked from this process."""
import multiprocessing
import os
import socket
import sys
import threading
from typing import Any, Callable, List, Optional, Protocol, Sequence

from .channel import Channel, open_channel
from .processes import is_stopped
from .serving import end_with_parent, serve


class Worker(Protocol):
    """A process that answers tasks.

    Attributes:
        channel: the main process's end of the channel to it.
    """

    channel: Channel

    def process_id(self) -> Optional[int]:
        """Returns its process id, or None where it is not known yet."""

    def is_stopped(self) -> bool:
        """True where it, or what it depends on, was stopped by a signal, so that no answer is to be expected."""

    def end(self, seconds: float) -> Optional[int]:
        """Gives it some seconds to end by itself, then kills it.

        Returns:
            Its exit code, minus the number of the signal that ended it; None where it is not known.
        """


class ForkedWorker:
    """A worker that is forked from this process, and gets the function without pickling; see `Worker`.

    Args:
        function: is called for each task.
        others: this process's ends of the channels to other such workers.
    """

    def __init__(self, function: Callable[[Any], Any], others: Sequence[Channel]):
        if "mxnet" in sys.modules:
            sys.modules["mxnet"].nd.waitall()  # no operation of MXNet may be under way when its threads are forked
        self.channel, theirs = open_channel()
        # A worker notices that this process has ended when no copy of our end of its channel is open any more: it must
        # close those copies that it inherits.
        inherited = [*others, self.channel]
        # The system's signal comes when the thread that forks ends, which may be before the process does.
        parent = os.getpid() if threading.current_thread() is threading.main_thread() else None
        self._process = multiprocessing.get_context("fork").Process(
            target=_serve_forked, args=(theirs, function, inherited, parent), daemon=True)
        self._process.start()
        theirs.close()

    def process_id(self) -> Optional[int]:
        """See `Worker`."""
        return self._process.pid

    def is_stopped(self) -> bool:
        """See `Worker`."""
        return is_stopped(self._process.pid)

    def end(self, seconds: float) -> Optional[int]:
        """See `Worker`."""
        self._process.join(seconds)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join(1)
        return self._process.exitcode


def _serve_forked(end: socket.socket, function: Callable[[Any], Any], inherited: List[Channel],
                  parent: Optional[int]) -> None:
    if parent is not None:
        end_with_parent(parent)
    for other in inherited:
        other.close()
    serve(Channel(end), function)
