"""The goals of this project's detectors beside others, with verdicts."""
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from .candidate import MXNET, NETWORK, PYTORCH, WHOLE
from .engine_models import MATRIX
from .gluoncv_peers import SSD300
from .ours import S
from .running import ratio
from .torch_peers import FASTER_RCNN, FASTER_RCNN_300

REACHED, IN_PART, NOT_REACHED, NOT_RUN = "reached", "in part", "not reached", "not run"


class Goal(NamedTuple):
    """How many times the images/s of another detector ours should have, from the JPEG file to boxes.

    Attributes:
        size: of our detector S.
        peer: the other detector.
        engine: that runs the other one, in float32, and ours may run in any; None for the same engine and precision,
            each of ONNX Runtime's and OpenVINO's.
        factor: how many times.
    """

    size: str
    peer: str
    engine: Optional[str]
    factor: float

    @property
    def words(self) -> str:
        """The goal as a phrase."""
        where = f"in {self.engine}" if self.engine else "in the same engine, precision"
        return f"S at {self.size}: {self.factor:g} times the images/s of {self.peer} {where}"


# Beside the detector of torchvision with its 1000 proposals stands the same with 300, as many as ours has.
GOALS = (Goal("800x1200", SSD300, MXNET, 4), Goal("800x1200", FASTER_RCNN, PYTORCH, 8),
         Goal("800x1200", FASTER_RCNN_300, PYTORCH, 8), Goal("800x1200", FASTER_RCNN, None, 1.3),
         Goal("800x1200", FASTER_RCNN_300, None, 1.3), Goal("700x1100", SSD300, None, 2))


def check_goals(rows: Sequence[Mapping[str, Any]], goals: Sequence[Goal] = GOALS) -> List[Dict[str, Any]]:
    """Compares rows with goals: each engine and precision of ours, by the ratios within the rounds.

    Args:
        rows: of `running.measure`.
        goals: what to check.

    Returns:
        A dict for each goal with "goal" (words), "factor", "verdict", and "comparisons", the best first: a list of
        dicts with "ours" and "peer" (engine and precision), "ratio" (quartiles of the peer's time over ours) and
        "verdict". Where ours may run in any engine, one comparison that reaches the goal is enough; in the same engine
        and precision all must, and where some do the verdict is "in part".
    """
    found = []
    for goal in goals:
        comparisons = []
        for ours in _select(rows, S, goal.size):
            if goal.engine is None and ours["engine"] == MXNET:
                continue
            engine, precision = (goal.engine, "float32") if goal.engine else (ours["engine"], ours["precision"])
            for peer in _select(rows, goal.peer, engine=engine, precision=precision):
                times = ratio(peer, ours, WHOLE)
                comparisons.append({
                    "ours": f"{ours['engine']} {ours['precision']}", "peer": f"{engine} {precision}", "ratio": times,
                    "verdict": REACHED if times["median"] >= goal.factor else NOT_REACHED})
        comparisons.sort(key=lambda comparison: -comparison["ratio"]["median"])
        found.append({"goal": goal.words, "factor": goal.factor, "comparisons": comparisons,
                      "verdict": _verdict(goal, [entry["verdict"] == REACHED for entry in comparisons])})
    return found


def _verdict(goal: Goal, are_reached: Sequence[bool]) -> str:
    if not are_reached:
        return NOT_RUN
    if all(are_reached) or goal.engine and any(are_reached):
        return REACHED
    return IN_PART if any(are_reached) else NOT_REACHED


def rates(rows: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """How fast networks compute, beside a product of two large matrices in the same engine and precision.

    Args:
        rows: of `running.measure`.

    Returns:
        A dict for each row of which the operations are known, with "label", "gflop", "rate" (10^9 operations of its
        convolutions and dense layers a second of its network's whole time), "matrix_rate" and "share" (None where no
        product was timed).
    """
    found = []
    for row in rows:
        if row["name"] == MATRIX or "gflop" not in row["work"]:
            continue
        products = _select(rows, MATRIX, engine=row["engine"], precision=row["precision"])
        machine = _rate(products[0]) if products else None
        found.append({"label": row["label"], "gflop": row["work"]["gflop"], "rate": _rate(row),
                      "matrix_rate": machine, "share": machine and _rate(row) / machine})
    return found


def _rate(row: Mapping[str, Any]) -> float:
    return 1000 * row["work"]["gflop"] / row["parts"][NETWORK]["median"]


def _select(rows: Sequence[Mapping[str, Any]], name: str, size: Optional[str] = None, engine: Optional[str] = None,
            precision: Optional[str] = None) -> List[Mapping[str, Any]]:
    """The rows of a detector, of a size, an engine and a precision where these are given."""
    wanted = [(key, value) for key, value in (("size", size), ("engine", engine), ("precision", precision)) if value]
    return [row for row in rows if row["name"] == name and all(row[key] == value for key, value in wanted)]
