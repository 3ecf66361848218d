"""How long the runs of a plan will take, from a few training steps of each row, taken as the runs will go."""
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Sequence

from ...errors import UsageError
from ..runs.state import State
from ..runs.step_timing import predict_in_process
from .scales import Run


def check_budget(runs: Sequence[Run], state: State, folder: Path, hours: float, device: Sequence[str], jobs: int,
                 threads: int, report: Callable[[str], None]) -> None:
    """Reports how long the runs that are left will take, and refuses more than `hours`.

    One run of each row is timed; its other seeds take as long.

    Args:
        runs: from `scales.plan_runs`.
        state: what `running.run_all` keeps.
        folder: takes the configurations while rows are timed.
        hours: the most that they may take.
        device: words, such as ["--cpu"].
        jobs: how many runs go side by side.
        threads: of MXNet's CPU operators in each of them.
        report: takes lines of text.

    Raises:
        UsageError: it would take longer, or a training cannot begin.
    """
    left = [run for run in runs if state.get(run.key) is None]
    if not left:
        return
    began, first_runs = time.monotonic(), {run.row: run for run in reversed(left)}
    with ThreadPoolExecutor(jobs) as pool:
        measured = pool.map(lambda run: measure_run(run, folder, device, threads), first_runs.values())
        seconds = dict(zip(first_runs, measured))
    for row in dict.fromkeys(run.row for run in left):
        report(f"{row:24} {sum(run.row == row for run in left):3d} runs of {seconds[row] / 60:6.1f} min")
    side_by_side = min(jobs, len(left))
    total = sum(seconds[run.row] for run in left) / side_by_side
    order = "one after the other" if side_by_side == 1 else f"{side_by_side} side by side"
    report(f"{len(left)} of {len(runs)} runs are left: about {total / 60:.0f} min, {order} (measured in "
           f"{time.monotonic() - began:.0f} s)")
    if total > hours * 3600:
        raise UsageError(f"that is more than --hours {hours:g} allows: raise it, or take fewer seeds (--seeds), one "
                         "table (--table), or fewer epochs (TRAIN.end_epoch N TRAIN.lr_step N)")


def measure_run(run: Run, folder: Path, device: Sequence[str], threads: int) -> float:
    """Returns the seconds that a run will take, from a few training steps in a process of its own; as many of them go
    side by side as runs will.

    Raises:
        UsageError: the training cannot begin; the message is that of the process.
    """
    return predict_in_process(run.row, run.text, folder, device, threads, test_only=not run.trains)
