"""Peak memory of a piece of work, measured in a process of its own, which holds nothing of what ran before."""
import gc
import os
import subprocess
import sys
from typing import Callable, Optional

from ...process_memory import IN_USE, PEAK, reset_peak, return_free_memory, status_bytes


def measure_in_process(module: str, *arguments: str) -> Optional[int]:
    """Runs `python -m module ARGUMENTS`, which prints what `measure_peak` returns.

    Args:
        module: full name of the module.
        arguments: its arguments.

    Returns:
        The number of bytes that the process printed in its last line; None where it printed None.

    Raises:
        subprocess.CalledProcessError: the process failed.
    """
    # The C library then gives freed memory back to the system at once, so that taking it again counts again.
    environment = dict(os.environ, MALLOC_ARENA_MAX="1", MALLOC_MMAP_THRESHOLD_="65536")
    run = subprocess.run([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, universal_newlines=True,
                         check=True, env=environment)
    printed = run.stdout.splitlines()[-1].strip()
    return None if printed == "None" else int(printed)


def measure_peak(step: Callable[[], object]) -> Optional[int]:
    """Measures the memory that a piece of work needs on the CPU, without what it loads and keeps at its first run.

    Args:
        step: the work; it is run twice, and the second run is measured.

    Returns:
        The most bytes in use while the step runs, less those in use before it; None where the system does not tell
        (Linux's /proc and the GNU C library are needed).
    """
    import mxnet as mx
    try:
        step()
        mx.nd.waitall()
        gc.collect()
        return_free_memory()
        before = status_bytes(IN_USE)
        reset_peak()
        step()
        mx.nd.waitall()
        peak = status_bytes(PEAK)
        return None if before is None or peak is None else peak - before
    except OSError:
        return None
