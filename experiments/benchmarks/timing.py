"""What timings are told by: their quartiles, and measuring several candidates by turns."""
from typing import Dict, Iterator, List, Sequence, TypeVar

import numpy as np

Item = TypeVar("Item")


def quartiles(values: Sequence[float]) -> Dict[str, float]:
    """Returns the median and the quartiles of numbers, as {"median", "low", "high"}, in the unit of the numbers."""
    low, median, high = np.percentile(np.asarray(values, float), [25, 50, 75])
    return {"median": float(median), "low": float(low), "high": float(high)}


def format_quartiles(times: Dict[str, float], decimals: int) -> str:
    """Returns what `quartiles` returned as "MEDIAN (LOW-HIGH)", with so many decimals."""
    return f"{times['median']:.{decimals}f} ({times['low']:.{decimals}f}-{times['high']:.{decimals}f})"


def take_by_turns(runs: Dict[str, Iterator[Item]], count: int, turn: int) -> Dict[str, List[Item]]:
    """Takes items from several iterators by turns, so that a machine that slows down slows all of them.

    Args:
        runs: the iterators by name, each of at least `count` items.
        count: how many items to take from each of them.
        turn: how many items to take from one before the next one. The order is reversed after every round.

    Returns:
        The items by name, in the order in which each iterator gave them.
    """
    taken: Dict[str, List[Item]] = {name: [] for name in runs}
    order = list(runs)
    for start in range(0, count, turn):
        for name in order:
            taken[name] += [next(runs[name]) for _ in range(min(turn, count - start))]
        order.reverse()
    return taken
