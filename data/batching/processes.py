"""What the system knows about another process, and how its end is told."""
import signal
from typing import Optional


def is_stopped(process: Optional[int]) -> bool:
    """True where a process was stopped, as by SIGSTOP, and not ended; False too where the system does not tell.

    Args:
        process: its id; None for one that is not known.
    """
    if process is None:
        return False
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "T"
    except (OSError, IndexError):
        return False


def describe_end(code: Optional[int]) -> str:
    """Returns how a process has ended, in a few words.

    Args:
        code: its exit code, minus the number of the signal that ended it; None where it is not known.
    """
    if code is None:
        return "it ended, nothing says how"
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if -code == signal.SIGKILL:
        return "it was killed (exit code -9, SIGKILL), as the system does where memory runs out"
    if -code in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE):
        return f"it crashed (exit code {code}, {name})"
    return f"it was ended by a signal (exit code {code}, {name})"
