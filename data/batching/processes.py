"""What the system knows about another process."""
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
