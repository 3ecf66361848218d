"""The runs of each row on a smaller data set, summarized."""
from typing import Any, Dict, Iterable

from ..runs.state import State
from ..runs.statistics import FIGURES, mean_and_spread


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
