"""Mean and spread of several runs, and what two of them tell about a claim."""
import math
from typing import Any, Mapping, Optional, Sequence, Tuple

# COCO's figures of accuracy, as `evaluation` names them.
FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl")
AGREES, DISAGREES, NOT_TOLD_APART, ONE_RUN = "agrees", "disagrees", "not told apart", "one run"


def mean_and_spread(values: Sequence[float]) -> Tuple[float, Optional[float]]:
    """Returns the mean of numbers and their standard deviation (n - 1 in its denominator; None of one number)."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, None
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def told_apart(first: Mapping[str, Any], second: Mapping[str, Any]) -> Optional[bool]:
    """Tells whether two figures, {"mean", "spread"}, differ by more than the sum of their spreads.

    Returns:
        None where one of them has no spread.
    """
    if first["spread"] is None or second["spread"] is None:
        return None
    return abs(first["mean"] - second["mean"]) > first["spread"] + second["spread"]


def judge_claim(before: Mapping[str, Any], after: Mapping[str, Any], sign: int) -> Tuple[float, str]:
    """Judges the claim that a figure changes in a direction from one row to another.

    Args:
        before, after: the figures, {"mean", "spread"}.
        sign: 1 where it is said to grow, -1 where it is said to fall.

    Returns:
        The change of the mean, and the verdict: `AGREES`, `DISAGREES`, `NOT_TOLD_APART`, or `ONE_RUN` where a spread
        is not known.
    """
    change, apart = after["mean"] - before["mean"], told_apart(after, before)
    if apart is None:
        return change, ONE_RUN
    if not apart:
        return change, NOT_TOLD_APART
    return change, AGREES if change * sign > 0 else DISAGREES
