"""How a process has ended, in words."""
import signal
from typing import Optional

# MXNet catches the signals of a crash, prints where it happened, and ends the process with this status.
_MXNET_CRASHED = 255
_CRASHES = ("SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE")


def describe_end(status: Optional[int]) -> str:
    """Returns how a process has ended, as the rest of a sentence that begins with its name.

    Args:
        status: its exit status. That of one that signal N ended is -N, as Python tells it, or 128 + N, as shells do.
            None where nobody knows.
    """
    if status is None:
        return "ended, nothing says how"
    name = _signal_name(-status if status < 0 else status - 128)
    if name == "SIGKILL":
        return "was ended by SIGKILL, as the system does where memory runs out"
    if name in _CRASHES:
        return f"crashed in native code ({name}), which happens where memory or the space in /dev/shm runs out, too"
    if status == _MXNET_CRASHED:
        return f"crashed in native code (status {status}), which happens where memory runs out, too"
    if name:
        return f"was ended by {name}"
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
