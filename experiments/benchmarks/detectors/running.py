"""Times candidates by turns, round after round."""
import math
import os
import time
from typing import Any, Callable, Dict, List, Mapping, Sequence

from ..timing import quartiles
from .candidate import STREAM, Candidate

Row = Dict[str, Any]
# A candidate that takes longer than this for an image runs once in a turn, and not untimed before.
SLOW_MS = 700
# Between two turns the threads of one engine go to sleep before the next engine begins.
REST_SECONDS = 0.05


def measure(candidates: Sequence[Candidate], rounds: int, repeats: int, say: Callable[[str], None] = print,
            end: float = math.inf) -> Dict[str, Any]:
    """Times all parts of all candidates.

    Each round times every part of every candidate, one after the other and in the reverse of the order before, so that
    a machine that slows down slows all of them. A part runs once untimed before its turn, unless it is slow or a
    stream.

    Args:
        candidates: what to time.
        rounds: how many rounds.
        repeats: timed runs of a part in a round.
        say: takes a line of progress after each round.
        end: no round is begun that would last beyond this time of `time.monotonic`, if it took as long as the one
            before; the first round is run in any case.

    Returns:
        "rows", a dict for each candidate with name, size, engine, precision, label, work, inside and parts: for each
        part "median", "low" and "high" (quartiles in milliseconds of an image), "images_per_second" (of the median),
        and "rounds" (the median of each round); "loads", the load average at the end of each round.
    """
    jobs = [(candidate, part) for candidate in candidates for part in candidate.parts]
    times: Dict[Any, List[List[float]]] = {(candidate.label, part): [] for candidate, part in jobs}
    loads = []
    for number in range(1, rounds + 1):
        began = time.monotonic()
        for candidate, part in jobs:
            before = times[candidate.label, part]
            is_slow = bool(before) and min(before[0]) > SLOW_MS
            time.sleep(REST_SECONDS)
            if not is_slow and part != STREAM:
                candidate.time(part, 1)
            before.append(candidate.time(part, 1 if is_slow else repeats))
        jobs.reverse()
        loads.append(os.getloadavg()[0])
        say(f"round {number} of {rounds} is done, load {loads[-1]:.1f}")
        if 2 * time.monotonic() - began > end:
            break
    rows = []
    for candidate in candidates:
        row = {key: value for key, value in candidate._asdict().items() if key not in ("time", "parts")}
        parts = {part: _summary(times[candidate.label, part]) for part in candidate.parts}
        rows.append(dict(row, label=candidate.label, parts=parts))
    return {"rows": rows, "loads": loads}


def ratio(numerator: Mapping[str, Any], denominator: Mapping[str, Any], part: str) -> Dict[str, float]:
    """The quartiles over the rounds of the time of one row divided by that of another in the same round."""
    pairs = zip(numerator["parts"][part]["rounds"], denominator["parts"][part]["rounds"])
    return quartiles([one / other for one, other in pairs])


def _summary(rounds: Sequence[Sequence[float]]) -> Dict[str, Any]:
    found = quartiles([milliseconds for times in rounds for milliseconds in times])
    return {**found, "images_per_second": 1000 / found["median"],
            "rounds": [quartiles(times)["median"] for times in rounds]}
