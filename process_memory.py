"""How much memory a process and those that it has started have in use."""
import ctypes
import os
from pathlib import Path
from typing import List, Optional

# Entries of /proc/PID/status: the memory in use, and the most that has been in use since the peak was last reset.
IN_USE, PEAK = "VmRSS:", "VmHWM:"
_PROC = Path("/proc")


def resident_bytes(process: int) -> int:
    """Returns the memory that a process, given by its number, has in use; 0 where the system does not tell."""
    try:
        return int((_PROC / str(process) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def resident_megabytes() -> float:
    """Returns the memory that this process has in use, in 2**20 bytes; 0 where the system does not tell."""
    return resident_bytes(os.getpid()) / 2 ** 20


def peak_megabytes() -> float:
    """Returns the most memory that this process has had in use, in 2**20 bytes; 0 where the system does not tell."""
    return (status_bytes(PEAK) or 0) / 2 ** 20


def status_bytes(entry: str) -> Optional[int]:
    """Returns `IN_USE` or `PEAK` of this process in bytes; None where the system does not tell."""
    try:
        lines = (_PROC / "self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(entry)) * 2 ** 10
    except (OSError, ValueError, StopIteration):
        return None


def reset_peak() -> None:
    """Lets `PEAK` begin anew at the memory now in use; OSError where the system does not do that."""
    (_PROC / "self/clear_refs").write_text("5")


def return_free_memory() -> None:
    """Gives the memory back to the system that the GNU C library has been given back and keeps; no other library's.

    What it keeps depends on the order in which threads happen to run: two measurements of the same work differ by it.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def workers_megabytes() -> float:
    """Returns the memory of the processes that this one has started, and of those that they have, in 2**20 bytes.

    What several of them share counts once, where the system tells it.
    """
    return sum(map(_own_megabytes, descendants(os.getpid())))


def descendants(process: int) -> List[int]:
    """Returns the numbers of the processes that a process has started, and of those that they have."""
    try:
        children = [int(child) for task in (_PROC / str(process) / "task").iterdir()
                    for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return children + [one for child in children for one in descendants(child)]


def _own_megabytes(process: int) -> float:
    """The proportional share of a process in the memory that it has in use."""
    try:
        lines = (_PROC / str(process) / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 2 ** 10
    except (OSError, ValueError, StopIteration):
        return 0.0
