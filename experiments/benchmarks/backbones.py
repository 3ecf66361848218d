"""What every backbone costs as a classifier and in a detector: parameters, multiply-adds, memory accesses, and time."""
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

import mxnet as mx
import numpy as np

from ...gluon_models.registry import BACKBONES
from .counting import count_costs
from .timing import format_quartiles, quartiles

CLASSIFIER, DETECTOR = "classifier", "detector"
CLASSES = 1000
HEADER = (f"{'backbone':22}{'form':>12}{'size':>11}{'parameters':>12}{'multiply-adds':>15}{'accesses':>10}"
          f"{'ms (quartiles)':>26}{'G/s':>8}")
Row = Dict[str, Any]


class Case(NamedTuple):
    """What is run.

    Attributes:
        backbone: its registered name.
        form: "classifier": of 1000 classes, its largest stride 32. "detector": the two maps for RPN and head, whose
            stride is 16.
        size: (height, width) of the image.
    """

    backbone: str
    form: str
    size: Tuple[int, int]


class Claim(NamedTuple):
    """What the authors of a network say of it beside another one.

    Attributes:
        words: the claim.
        first, second: names of the backbones.
        quantity: what is compared: "time", "time a multiply-add" or "accesses a multiply-add".
        low, high: bounds of the quantity of the first divided by that of the second.
    """

    words: str
    first: str
    second: str
    quantity: str
    low: float
    high: float


_FASTER = "{} does more multiply-adds a second than {} (Lee et al., arXiv 1904.09730)"
_FEWER = "{} reads and writes fewer numbers a multiply-add than {} (the same, section 2)"
_LIKE_COST = "{} is faster than {}, whose cost is like its own (the same)"
_SLOWER = "{} is about 20% slower than {} (Gao et al., arXiv 1904.01169)"
_QUANTITIES: Dict[str, Callable[[Row], float]] = {
    "time": lambda row: row["time"]["median"],
    "time a multiply-add": lambda row: row["time"]["median"] / row["multiply_adds"],
    "accesses a multiply-add": lambda row: row["memory_access"] / row["multiply_adds"]}


def _claims() -> Iterator[Claim]:
    for vovnet, others in (("vovnet39", ("resnet50_v1b", "densenet121", "densenet169")),
                           ("vovnet57", ("resnet101_v1b", "densenet169"))):
        for other in others:
            yield Claim(_FASTER, vovnet, other, "time a multiply-add", 0, 1)
    yield Claim(_LIKE_COST, "vovnet39", "resnet101_v1b", "time", 0, 1)
    yield Claim(_LIKE_COST, "vovnet27_slim", "densenet121", "time", 0, 1)
    yield Claim(_FEWER, "vovnet39", "densenet121", "accesses a multiply-add", 0, 1)
    yield Claim(_SLOWER, "res2net50", "resnet50_v1b", "time", 1.1, 1.3)
    yield Claim(_SLOWER, "res2net101", "resnet101_v1b", "time", 1.1, 1.3)


CLAIMS = tuple(_claims())


def all_cases(backbones: Sequence[str], classifier_size: Tuple[int, int], detector_size: Tuple[int, int]) -> List[Case]:
    """Returns the cases of several backbones: each as a classifier and in a detector, at these sizes."""
    return [Case(name, form, size) for form, size in ((CLASSIFIER, classifier_size), (DETECTOR, detector_size))
            for name in backbones]


def measure(cases: Sequence[Case], rounds: int, repeats: int, log: Callable[[str], None] = print) -> List[Row]:
    """Counts and times all cases.

    Each round runs all cases, one after the other and in the reverse of the order before, so that a machine that slows
    down slows all of them. No more than one network is in memory at a time.

    Args:
        cases: what to run.
        rounds: how many rounds.
        repeats: timed runs of a case in a round; one before them is not counted.
        log: takes a line of progress after each round.

    Returns:
        For each case a dict with backbone, form, size ([height, width]), setting ("L" or "S"), parameters,
        multiply_adds and memory_access (see `counting.Cost`; of one image), and time (quartiles in milliseconds of an
        image, see `timing.quartiles`).
    """
    times: Dict[Case, List[float]] = {case: [] for case in cases}
    order = list(cases)
    for number in range(1, rounds + 1):
        for case in order:
            times[case] += time_case(case, repeats)
        order.reverse()
        log(f"round {number} of {rounds} is done")
    rows = []
    for case in cases:
        cost = count_costs(build(case), *case.size)
        rows.append({"backbone": case.backbone, "form": case.form, "size": list(case.size),
                     "setting": BACKBONES.get(case.backbone).setting, **cost._asdict(),
                     "time": quartiles(times[case])})
    return rows


def build(case: Case) -> mx.gluon.HybridBlock:
    """Returns the network of a case; its parameters have no values yet."""
    return BACKBONES.get(case.backbone).build(frozen=True, **({"classes": CLASSES} if case.form == CLASSIFIER else {}))


def time_case(case: Case, repeats: int) -> List[float]:
    """Returns the milliseconds of `repeats` runs of a case on one image; the weights are random."""
    net = build(case)
    # Weights that keep the size of the values: the default ones would end in denormal numbers, which are slow.
    net.initialize(mx.init.MSRAPrelu(factor_type="in", slope=0))
    net.hybridize(static_alloc=True, static_shape=True)
    image = mx.nd.array(np.random.RandomState(0).normal(size=(1, 3, *case.size)), dtype="float32")
    found = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        net(image)
        mx.nd.waitall()
        found.append(1000 * (time.perf_counter() - start))
    return found[1:]


def check_claims(rows: Sequence[Row]) -> List[Dict[str, Any]]:
    """Compares the rows with what the authors claim, at each size.

    Returns:
        A dict for each claim and form with claim, form, figures (words) and holds (True, False, or None where one of
        the two backbones was not run).
    """
    by_case = {(row["backbone"], row["form"]): row for row in rows}
    found = []
    for form in (CLASSIFIER, DETECTOR):
        for claim in CLAIMS:
            pair = [by_case.get((name, form)) for name in (claim.first, claim.second)]
            words = claim.words.format(claim.first, claim.second)
            check = {"claim": words, "form": form, "holds": None, "figures": "not run"}
            if None not in pair:
                first, second = pair
                ratio = _QUANTITIES[claim.quantity](first) / _QUANTITIES[claim.quantity](second)
                costs = " and ".join(f"{row['multiply_adds'] / 1e9:.2f}G" for row in pair)
                check.update(holds=claim.low < ratio < claim.high,
                             figures=f"{claim.quantity}: {ratio:.2f} times; multiply-adds: {costs}")
            found.append(check)
    return found


def format_row(row: Mapping[str, Any]) -> str:
    """Returns the line of the table, under `HEADER`, for a row of `measure`."""
    size = "x".join(map(str, row["size"]))
    speed = row["multiply_adds"] / row["time"]["median"] / 1e6
    return (f"{row['backbone']:22}{row['form']:>12}{size:>11}{row['parameters'] / 1e6:>11.2f}M"
            f"{row['multiply_adds'] / 1e9:>14.2f}G{row['memory_access'] / 1e6:>9.1f}M"
            f"{format_quartiles(row['time'], 1):>26}{speed:>8.1f}")


def format_check(check: Mapping[str, Any]) -> str:
    """Returns a check as a line of text."""
    verdict = {True: "holds", False: "fails", None: "not run"}[check["holds"]]
    return f"{verdict:8} {check['form']}: {check['claim']} ({check['figures']})"
