"""The best scores in order, equal ones in the order of their places."""
from typing import Tuple

from ..builder import INT64, GraphBuilder
from .arithmetic import size, whole_numbers


def best_scores(g: GraphBuilder, scores: str, count: str) -> Tuple[str, str]:
    """Adds TopK along the second axis, with equal scores in order.

    ONNX's TopK has that order itself, but OpenVINO returns equal scores in any. So the best are sorted once more, by
    whole numbers that differ: how many larger scores there are, then the place. Which of several equal scores are the
    last that still belong to the best remains OpenVINO's choice.

    Args:
        g: builder of the graph.
        scores: float32 (N, M). In OpenVINO `count * M` must be below 2^31.
        count: int64 (1,).

    Returns:
        The scores, float32 (N, count), and their places, int64 (N, count).
    """
    values, places = g.add("TopK", [scores, count], outputs=2, axis=1)
    first, last, axis = (whole_numbers(g, number) for number in (0, -1, 1))
    before = g.add("Slice", [values, first, last, axis])
    after = g.add("Slice", [values, axis, size(g, values, 1), axis])
    steps = g.add("Cast", [g.add("Greater", [before, after])], to=INT64)
    groups = g.add("CumSum", [g.add("Pad", [steps, whole_numbers(g, 0, 1, 0, 0)]), g.constant(1)])
    keys = g.add("Add", [g.add("Mul", [groups, size(g, scores, 1)]), places])
    _, order = g.add("TopK", [keys, count], outputs=2, axis=1, largest=0)
    return tuple(g.add("GatherElements", [array, order], axis=1) for array in (values, places))
