"""Mean and spread of several runs of a row."""
import math
from typing import Any, Dict, Iterable, Optional, Sequence, Tuple

from .state import State

# COCO's figures of accuracy, as `evaluation` names them.
FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl")


def mean_and_spread(values: Sequence[float]) -> Tuple[float, Optional[float]]:
    """Returns the mean of numbers and their standard deviation (n - 1 in its denominator; None of one number)."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, None
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def summarize_runs(state: State, rows: Iterable[str]) -> Dict[str, Dict[str, Any]]:
    """Summarizes the runs of each row, whose seeds count from 0.

    Args:
        state: what `running.run_all` keeps.
        rows: names.

    Returns:
        For each row that has been run: figures, {name of `FIGURES`: {"mean", "spread"}} in percent; runs, how many;
        seconds, of all of them together.
    """
    found = {}
    for row in rows:
        results, seed = [], 0
        while state.get(f"{row}/{seed}") is not None:
            results.append(state.get(f"{row}/{seed}"))
            seed += 1
        if results:
            figures = {}
            for name in FIGURES:
                values = [100 * result["metrics"][name] for result in results if result["metrics"][name] is not None]
                if values:
                    mean, spread = mean_and_spread(values)
                    figures[name] = {"mean": mean, "spread": spread}
            found[row] = {"figures": figures, "runs": len(results),
                          "seconds": sum(result["seconds"] for result in results)}
    return found


def told_apart(first: Dict[str, Any], second: Dict[str, Any]) -> Optional[bool]:
    """Tells whether two figures, {"mean", "spread"}, differ by more than the sum of their spreads.

    Returns:
        None where one of them has no spread.
    """
    if first["spread"] is None or second["spread"] is None:
        return None
    return abs(first["mean"] - second["mean"]) > first["spread"] + second["spread"]
