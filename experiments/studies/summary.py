"""The figures of each row of a study on each data set, over its seeds, and the verdicts on its claims."""
from typing import Any, Dict, List, Optional, Sequence

from ..runs.state import State
from ..runs.statistics import judge_claim, mean_and_spread
from .results import FIGURES
from .study import Study

NOT_RUN, NOT_COMPARABLE = "not run", "not comparable"


def summarize(study: Study, state: State) -> Dict[str, Dict[str, Dict[str, Any]]]:
    """Summarizes what has been done.

    Args:
        study: from `study.read_study`.
        state: what `running.run_study` keeps.

    Returns:
        By data set and row, for rows with a run: runs, how many; figures by name, {"mean", "spread", "values"}, where
        values are those of the runs that are done, in the order of their seeds, None for one without the figure; a
        figure that no run has is left out. Their names: AP, AP50 and AP75 of the
        last checkpoint, best AP, best AP50 and best AP75, AP50 of each class as "AP50 NAME", images/s, test images/s,
        average recall (of proposals from outside), minutes, processor minutes, load, parameters, epochs and best epoch.
    """
    found: Dict[str, Dict[str, Dict[str, Any]]] = {}
    for name in study.data_sets:
        for row in study.rows:
            results = _results(state, name, row)
            if results:
                found.setdefault(name, {})[row] = {"runs": len(results), "figures": _figures(results)}
    return found


def judge_steps(study: Study, of_rows: Dict[str, Dict[str, Any]], mixed: bool = False) -> List[Dict[str, Any]]:
    """Judges the claims of a study on one data set.

    Args:
        study: from `study.read_study`.
        of_rows: of one data set, from `summarize`.
        mixed: whether runs differ in what they should have in common.

    Returns:
        Dicts with the entries of `study.Step`, change (None where it was not run), and verdict, see
        `statistics.judge_claim`, "not run" or, where runs are mixed, "not comparable".
    """
    found = []
    for step in study.steps:
        before, after = (of_rows.get(row, {}).get("figures", {}).get(step.metric) for row in (step.before, step.row))
        change, verdict = judge_claim(before, after, step.sign) if before and after else (None, NOT_RUN)
        found.append(dict(step._asdict(), change=change,
                          verdict=NOT_COMPARABLE if mixed and verdict != NOT_RUN else verdict))
    return found


def all_results(study: Study, state: State) -> List[Dict[str, Any]]:
    """Returns the results of all runs that are done."""
    return [result for name in study.data_sets for row in study.rows for result in _results(state, name, row)]


def failures(study: Study, state: State) -> Dict[str, str]:
    """Returns why runs failed that have not been done since, by run."""
    return {f"{name}/{row}/{seed}": reason for name in study.data_sets for row in study.rows
            for seed in _seeds(state, name, row, "failed/") for reason in [state.get(f"failed/{name}/{row}/{seed}")]
            if reason}


def _results(state: State, name: str, row: str) -> List[Dict[str, Any]]:
    found = (state.get(f"{name}/{row}/{seed}") for seed in _seeds(state, name, row))
    return [result for result in found if result]


def _seeds(state: State, name: str, row: str, prefix: str = "") -> List[int]:
    start = f"{prefix}{name}/{row}/"
    return sorted(int(key[len(start):]) for key in state.keys() if key.startswith(start))


def _figures(results: Sequence[Dict[str, Any]]) -> Dict[str, Dict[str, Optional[float]]]:
    values: Dict[str, List[Optional[float]]] = {}
    for result in results:
        last, best = result["last"], result["best"] or {}
        entries = {name: last[name] for name in FIGURES}
        entries.update({f"best {name}": best.get(name) for name in FIGURES})
        entries.update({f"AP50 {name}": value for name, value in last["per_class"].items()})
        entries.update({
            "images/s": result["images_per_second"], "test images/s": result.get("test_images_per_second"),
            "average recall": result.get("average_recall"), "minutes": result["seconds"] / 60,
            "processor minutes": result["processor_seconds"] / 60, "load": result["load"],
            "parameters": result["parameters"], "epochs": result["epochs"], "best epoch": best.get("epoch")})
        for name, value in entries.items():
            values.setdefault(name, []).append(value)
    found = {}
    for name, of_runs in values.items():
        known = [value for value in of_runs if value is not None]
        if known:
            mean, spread = mean_and_spread(known)
            found[name] = {"mean": mean, "spread": spread, "values": of_runs}
    return found
