"""Times the native operators and MXNet's own on the same inputs in one run, and measures their peak memory.

For the memory, a process of its own runs `python -m light_head_rcnn.experiments.benchmarks.operators NAME ours|peer`
and prints bytes.
"""
import sys
import time
from typing import Any, Dict, List, Optional

import mxnet as mx

from . import boxes, memory, rois
from .case import Case, Work
from .timing import format_quartiles, quartiles

OPS = ("align", "pool", "max_pool", "proposal", "nms")
SIDES = ("ours", "peer")
HEADER = f"{'':42} {'ours ms (quartiles)':>22} {'MXNet ms (quartiles)':>22} {'ratio':>7} {'MB ours/MXNet':>16}"


def all_cases() -> List[Case]:
    """Returns every case, in the order of the table."""
    return rois.cases() + boxes.cases()


def run_case(case: Case, repeats: int, with_memory: bool = True) -> Dict[str, Any]:
    """Checks that both operators of a case compute the same, and times them by turns.

    Args:
        case: the case.
        repeats: how many timings of each operator; one more of each comes before them and is not counted.
        with_memory: measure the peak memory, too, each number in a process of its own.

    Returns:
        A dict that JSON can hold: op, name, peer (the operator of MXNet); ours and peer_times (milliseconds, see
        `timing.quartiles`); ratio (the peer's median divided by ours); and memory (`peak_bytes` by side) where it was
        measured.

    Raises:
        AssertionError: the two operators do not compute the same.
    """
    job = case.make()
    job.check()
    times: Dict[str, List[float]] = {side: [] for side in SIDES}
    for turn in range(repeats + 1):
        for side in SIDES if turn % 2 else SIDES[::-1]:
            milliseconds = 1000 * _time(getattr(job, side)())
            if turn:
                times[side].append(milliseconds)
    ours, peer = (quartiles(times[side]) for side in SIDES)
    row = {"op": case.op, "name": case.name, "peer": case.peer, "ours": ours, "peer_times": peer,
           "ratio": peer["median"] / ours["median"]}
    if with_memory:
        row["memory"] = {side: peak_bytes(case.name, side) for side in SIDES}
    return row


def format_row(row: Dict[str, Any]) -> str:
    """Returns the line of the table, under `HEADER`, for what `run_case` returned."""
    ours, peer = (format_quartiles(row[key], 2) for key in ("ours", "peer_times"))
    used = [row.get("memory", {}).get(side) for side in SIDES]
    megabytes = "/".join("-" if amount is None else f"{amount / 2 ** 20:.1f}" for amount in used)
    return f"{row['name']:42} {ours:>22} {peer:>22} {row['ratio']:>6.1f}x {megabytes:>16}"


def peak_bytes(name: str, side: str) -> Optional[int]:
    """Measures the peak memory of one operator of a case in a process of its own.

    Args:
        name: of the case.
        side: "ours" or "peer".

    Returns:
        Bytes beyond what the inputs take, see `memory.measure_peak`; None where the system does not tell.
    """
    return memory.measure_in_process(__name__, name, side)


def print_peak_bytes(name: str, side: str) -> None:
    """Prints what `peak_bytes` returns; runs in the process that is measured."""
    job = next(case for case in all_cases() if case.name == name).make()
    prepare = getattr(job, side)
    print(memory.measure_peak(getattr(job, f"{side}_step") or (lambda: prepare()())))


def _time(work: Work) -> float:
    """Returns the seconds that a piece of work takes until its results are computed."""
    mx.nd.waitall()
    begin = time.perf_counter()
    work()
    mx.nd.waitall()
    return time.perf_counter() - begin


if __name__ == "__main__":
    print_peak_bytes(*sys.argv[1:])
