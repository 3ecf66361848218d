"""Commands in processes of their own, which end together with this one."""
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, List, Optional, Set

from ...errors import UsageError
from ...process_ends import describe_end

_LAUNCH = Path(__file__).with_name("launch.py")
_INTERRUPTED = 130
# Seconds between two looks at a process that runs, and those that it has to end in when it is asked to.
_BETWEEN_LOOKS, _GRACE = 1.0, 30.0
_ADVICE = " (try fewer runs side by side (--jobs), TRAIN.NUM_WORKERS 0, or a smaller TRAIN.BATCH_IMAGES)"


class CommandRunner:
    """Runs commands, each in a process that ends when this process ends, even if this process is killed.

    Args:
        threads: of MXNet's CPU operators in each process; default: as in this one.
    """

    def __init__(self, threads: Optional[int] = None):
        self._threads = threads
        self._running: Set[subprocess.Popen] = set()
        self._lock = threading.Lock()

    def run(self, words: List[str], log: Path, until: Optional[float] = None,
            watch: Optional[Callable[[int], None]] = None) -> bool:
        """Runs a command and waits for its end. Several threads may call this at once.

        Args:
            words: the command and its arguments.
            log: file that the output is added to.
            until: time of `time.monotonic()` at which the command is ended if it still runs; None waits for its end.
            watch: is called with the number of the process every second while the command runs.

        Returns:
            False where the command was ended because of `until`.

        Raises:
            UsageError: the command failed or was ended by a signal; the message has the last lines of its output.
            KeyboardInterrupt: the command was interrupted by Ctrl-C, or this process was asked to end; the command has
                ended then.
        """
        environment = dict(os.environ, OMP_NUM_THREADS=str(self._threads)) if self._threads else None
        with open(log, "a", encoding="utf-8") as file:
            process = subprocess.Popen([sys.executable, "-I", str(_LAUNCH), str(os.getpid()), *words], stdout=file,
                                       stderr=subprocess.STDOUT, env=environment)
            with self._lock:
                self._running.add(process)
            try:
                code = process.wait() if until is None and watch is None else _wait(process, until, watch)
            except KeyboardInterrupt:
                _end(process)
                raise
            finally:
                with self._lock:
                    self._running.discard(process)
        if code is None:
            return False
        if code in (_INTERRUPTED, -signal.SIGINT):
            raise KeyboardInterrupt
        if code:
            tail = "".join(Path(log).read_text(encoding="utf-8", errors="replace").splitlines(True)[-6:])
            advice = _ADVICE if code == -signal.SIGKILL else ""
            raise UsageError(f"{' '.join(words)} {describe_end(code)}{advice}; the end of {log}:\n{tail}")
        return True

    def stop(self) -> None:
        """Ends the commands that are running."""
        with self._lock:
            for process in self._running:
                process.terminate()


def _wait(process: subprocess.Popen, until: Optional[float], watch: Optional[Callable[[int], None]]) -> Optional[int]:
    """Waits for the end of a process; returns its exit status, or None where it was ended because of `until`."""
    while True:
        left = float("inf") if until is None else until - time.monotonic()
        try:
            return process.wait(max(0.0, min(_BETWEEN_LOOKS, left)))
        except subprocess.TimeoutExpired:
            if watch is not None:
                watch(process.pid)
        if until is not None and time.monotonic() >= until:
            _end(process)
            return None


def _end(process: subprocess.Popen) -> None:
    """Asks a process to end, which a training does with a checkpoint after its step, and waits for its end."""
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        # What commands write is whole at any time.
        process.kill()
        process.wait()
