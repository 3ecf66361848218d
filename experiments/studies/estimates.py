"""How long the runs that are left will take: from those that are done, or else from a few training steps."""
import statistics
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from ...engine.checkpoints.checkpoint_files import read_checkpoint
from ...engine.checkpoints.choosing import latest_checkpoint
from ...engine.config import checkpoint_prefix, load_config
from ...errors import UsageError
from ..runs.state import State
from ..runs.step_timing import predict_in_process
from .planning import Run
from .proposals import lacks_proposals
from .study import TEST, TRAIN


class Estimate(NamedTuple):
    """What is left of the runs of one row on one data set.

    Attributes:
        pair: "data set/row".
        done, left: numbers of runs.
        seconds: of one whole run; None where it is not known or the run cannot begin.
        seconds_left: of all that are left, without what a run that has begun has behind it.
        source: where `seconds` comes from, in words, or why it is not known.
    """

    pair: str
    done: int
    left: int
    seconds: Optional[float]
    seconds_left: float
    source: str


def estimate_runs(runs: Sequence[Run], state: State, folder: Path, device: Sequence[str],
                  report: Callable[[str], None]) -> List[Estimate]:
    """Estimates each row on each data set. Timings of steps are kept in the state, so that they are taken once.

    Args:
        runs: from `planning.plan_runs`.
        state: what `running.run_study` keeps.
        folder: takes configurations while steps are timed.
        device: words such as ["--cpu"].
        report: takes lines of text.
    """
    by_pair: Dict[str, List[Run]] = {}
    for run in runs:
        by_pair.setdefault(run.pair, []).append(run)
    return [_estimate(pair, of_pair, state, folder, device, report) for pair, of_pair in by_pair.items()]


def budget_lines(estimates: Sequence[Estimate]) -> List[str]:
    """Returns the table that is printed before anything begins."""
    width = max(len("data set/row"), *(len(one.pair) for one in estimates))
    lines = [f"{'data set/row':{width}}  done  left  min a run  min left"]
    for one in estimates:
        minutes = "?" if one.seconds is None else f"{one.seconds / 60:.0f}"
        lines.append(f"{one.pair:{width}}  {one.done:4d}  {one.left:4d}  {minutes:>9}  {one.seconds_left / 60:8.0f}  "
                     f"{one.source}".rstrip())
    total, left = sum(one.seconds_left for one in estimates), sum(one.left for one in estimates)
    unknown = sum(one.left for one in estimates if one.seconds is None)
    return [*lines, f"{left} of {left + sum(one.done for one in estimates)} runs are left: about {total / 60:.0f} min, "
                    "one after the other" + (f", and {unknown} whose time is not known" if unknown else "")]


def _estimate(pair: str, runs: Sequence[Run], state: State, folder: Path, device: Sequence[str],
              report: Callable[[str], None]) -> Estimate:
    done = [state.get(run.key) for run in runs if state.get(run.key)]
    left = [run for run in runs if not state.get(run.key)]
    if left and not done and left[0].kind != TRAIN:
        what = "a test of" if left[0].kind == TEST else "support vector machines on"
        return Estimate(pair, 0, len(left), None, 0.0, f"only {what} another row's checkpoint")
    if left and not done and left[0].source is not None and not state.get(left[0].source):
        return Estimate(pair, 0, len(left), None, 0.0, "timed when the row that it begins with is done")
    if left and not done and lacks_proposals(left[0].text):
        return Estimate(pair, 0, len(left), None, 0.0, "timed when the proposals of its images are found")
    if done:
        seconds: Optional[float] = statistics.mean(result["seconds"] for result in done)
        source = "by the runs that are done"
    elif not left:
        seconds, source = None, ""
    else:
        seconds, source = _timed(left[0], state, folder, device, report)
    rest = 0.0 if seconds is None else seconds * sum(1 - trained_share(run) for run in left)
    return Estimate(pair, len(done), len(left), seconds, rest, source)


def trained_share(run: Run) -> float:
    """Returns which share of its steps a run has behind it, from 0 to 1."""
    if not run.file.is_file():
        return 0.0
    cfg = load_config(run.file)
    last = latest_checkpoint(checkpoint_prefix(cfg))
    if last is None:
        return 0.0
    facts = read_checkpoint(last)
    return min(1.0, facts["step"] / max(1, facts["steps_per_epoch"] * cfg.TRAIN.end_epoch))


def _timed(run: Run, state: State, folder: Path, device: Sequence[str],
           report: Callable[[str], None]) -> "tuple[Optional[float], str]":
    key = f"timing/{run.pair}"
    known = state.get(key)
    # An earlier version did not keep the device.
    if known and known["configuration"] == run.text and known.get("device", list(device)) == list(device):
        return known["seconds"], "by a few steps"
    report(f"{run.pair}: a few steps are timed")
    try:
        seconds = predict_in_process(run.pair.replace("/", "_"), run.text, folder, device)
    except UsageError as error:
        return None, f"cannot begin: {error}"
    state.put(key, {"seconds": seconds, "configuration": run.text, "device": list(device)})
    return seconds, "by a few steps"
