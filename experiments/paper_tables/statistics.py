"""What several runs of a row say together."""
import math

FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl")


def mean_and_spread(values):
    """Mean and standard deviation (n - 1 in its denominator; None of one value) of numbers."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, None
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def of_runs(state, rows):
    """Figures of each row that has been run, in percent.

    Args:
        state: State of `running.run_all`.
        rows: names.

    Returns:
        dict by row: figures, dict by name of {"mean", "spread"}; runs, how many; seconds, of all of them.
    """
    found = {}
    for row in rows:
        results, seed = [], 0
        while state.get("%s/%d" % (row, seed)) is not None:
            results.append(state.get("%s/%d" % (row, seed)))
            seed += 1
        if results:
            figures = {}
            for name in FIGURES:
                values = [100 * result["metrics"][name] for result in results if result["metrics"][name] is not None]
                if values:
                    mean, spread = mean_and_spread(values)
                    figures[name] = {"mean": mean, "spread": spread}
            found[row] = {"figures": figures, "runs": len(results), "seconds": sum(r["seconds"] for r in results)}
    return found


def told_apart(first, second):
    """Whether two {"mean", "spread"} differ by more than the sum of their spreads; None where one has no spread."""
    if first["spread"] is None or second["spread"] is None:
        return None
    return abs(first["mean"] - second["mean"]) > first["spread"] + second["spread"]
