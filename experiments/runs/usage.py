"""What a run costs in time: by the clock, of the processors, and how busy the machine was, over all its attempts.

A run may be stopped and go on later, and the process that watches it may be killed at any time; so the costs of each
attempt are written to a file every few seconds.
"""
import json
import os
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple

from ...engine.files import write_json

_BETWEEN_WRITES = 15.0


class UsageMeter:
    """Adds up the costs of one attempt; its method `watch` is for `processes.CommandRunner.run`.

    Args:
        path: JSON file of the attempts, to which this one is added.
    """

    def __init__(self, path: Path):
        self._path, self._began, self._written = Path(path), time.monotonic(), time.monotonic()
        self._attempts = read_attempts(self._path)
        self._attempts.append({"seconds": 0.0, "processor_seconds": 0.0, "load": os.getloadavg()[0]})
        self._loads: List[float] = [os.getloadavg()[0]]
        self._of_process: Dict[int, float] = {}

    def watch(self, process: int) -> None:
        """Takes note of the costs so far; call it about every second while the process, given by its number, runs."""
        seconds = processor_seconds(process)
        # Of a process that has just ended nothing can be read any more.
        self._of_process[process] = max(seconds, self._of_process.get(process, 0.0))
        if time.monotonic() - self._written >= _BETWEEN_WRITES:
            self.write()

    def write(self) -> None:
        """Writes the costs so far to the file."""
        self._loads.append(os.getloadavg()[0])
        self._attempts[-1] = {"seconds": time.monotonic() - self._began,
                              "processor_seconds": sum(self._of_process.values()),
                              "load": sum(self._loads) / len(self._loads)}
        write_json(self._path, self._attempts)
        self._written = time.monotonic()


def read_attempts(path: Path) -> List[Dict[str, Any]]:
    """Returns the attempts in a file of `UsageMeter`; none where there is no such file."""
    try:
        return list(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return []


def total_usage(path: Path) -> Dict[str, Any]:
    """Returns seconds, processor_seconds, load (the mean over time of the machine's load average in one minute) and
    attempts (how many), of all attempts in a file together."""
    attempts = read_attempts(path)
    seconds = sum(one["seconds"] for one in attempts)
    load = sum(one["load"] * one["seconds"] for one in attempts) / seconds if seconds else 0.0
    return {"seconds": seconds, "processor_seconds": sum(one["processor_seconds"] for one in attempts), "load": load,
            "attempts": len(attempts)}


def processor_seconds(process: int) -> float:
    """Returns the processor seconds of a process, of those that it started, and so on, by Linux's /proc; 0 where it has
    ended."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = _parent_and_ticks(path.read_text(encoding="utf-8", errors="replace"))
        except (OSError, ValueError, IndexError):
            continue
    family, ticks = {process}, found.get(process, (0, 0))[1]
    todo = [process]
    while todo:
        parent = todo.pop()
        for number, (its_parent, its_ticks) in found.items():
            if its_parent == parent and number not in family:
                family.add(number)
                todo.append(number)
                ticks += its_ticks
    return ticks / os.sysconf("SC_CLK_TCK")


def _parent_and_ticks(text: str) -> Tuple[int, int]:
    """Returns the parent's number and the clock ticks of a line of /proc/N/stat, those of ended children included."""
    words = text.rpartition(")")[2].split()
    return int(words[1]), sum(map(int, words[11:15]))
