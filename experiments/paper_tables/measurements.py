"""Everything that is measured without training: times and memory of every row, and how the cost grows."""
from typing import Any, Callable, Dict, List, Sequence

from ..benchmarks.machine import describe_machine
from . import growth, measuring
from .detectors import PEERS, PeerDetector, StagedDetector, input_size
from .rows import ROWS, row_config, row_file
from ..runs.markdown import machine_line
from ..runs.state import State

NO_NMS = " without NMS"


def measure(rows: Sequence[str], with_peers: bool, with_growth: bool, state: State, repeats: int,
            report: Callable[[str], None], again: bool = False) -> None:
    """Measures times and memory of what has not been measured yet.

    Where a row has to be timed, all that have been are timed again beside it, by turns in one process: times of
    different runs are not put side by side. What another machine has measured is left out then.

    Args:
        rows: names.
        with_peers: measure GluonCV's detectors beside them.
        with_growth: measure how the cost grows, too.
        state: takes the results: "times", "machine" and "growth", and "memory/NAME" for each row.
        repeats: how many turns are timed.
        report: takes lines of text that say what is measured.
        again: measure what has been measured, too.
    """
    names = list(rows) + (list(PEERS) if with_peers else [])
    if again or _lacks(state, names, with_growth):
        _drop_those_of_another_machine(state, report)
    kept = state.get("times") or {}
    if names and again or not set(names) <= set(kept):
        beside = [name for name in ROWS if name in kept and name not in names]
        peers = [name for name in PEERS if name in kept and name not in names]
        more = f", and {', '.join(beside + peers)} once more beside them" if beside or peers else ""
        report(f"timing {len(names)} detectors{more}, {repeats + 1} turns each")
        times = time_rows([*rows, *beside], with_peers or bool(peers), repeats)
        state.put("machine", describe_machine())
        state.put("times", times)
    for name in names:
        if again or state.get(f"memory/{name}") is None:
            report(f"memory of {name}")
            what = name if name in PEERS else row_file(name)
            state.put(f"memory/{name}", {"bytes": measuring.measure_peak_memory(what)})
    if with_growth and (again or state.get("growth") is None):
        report("growth of cost with classes, RoIs and image size")
        state.put("growth", growth.measure_growth({name: row_config(name) for name in growth.ROWS}, repeats))


def time_rows(rows: Sequence[str], with_peers: bool, repeats: int) -> Dict[str, Any]:
    """Times rows, those that run the same network once, and GluonCV's detectors with and without their suppression.

    Returns:
        What `measuring.time_detectors` returns, for every row.
    """
    detectors: Dict[str, Any] = {}
    timed_as: Dict[str, str] = {}
    firsts: Dict[str, str] = {}
    for name in rows:
        cfg = row_config(name)
        same = repr((cfg.network, cfg.CLASS_AGNOSTIC, input_size(cfg), _test_values(cfg)))
        timed_as[name] = firsts.setdefault(same, name)
        if timed_as[name] == name:
            detectors[name] = StagedDetector(cfg)
    if with_peers:
        for name in PEERS:
            detectors[name], detectors[name + NO_NMS] = PeerDetector(name), PeerDetector(name, nms=False)
    times = measuring.time_detectors(detectors, repeats)
    return dict(times, **{name: times[first] for name, first in timed_as.items()})


def _lacks(state: State, names: Sequence[str], with_growth: bool) -> bool:
    """Returns whether something of detectors, or the growth of the cost, has not been measured."""
    return (not set(names) <= set(state.get("times") or {})
            or any(state.get(f"memory/{name}") is None for name in names)
            or with_growth and state.get("growth") is None)


def _drop_those_of_another_machine(state: State, report: Callable[[str], None]) -> None:
    """Removes what was measured on another machine, or with another number of threads, which one page must not mix."""
    known, now = state.get("machine"), describe_machine()
    if known and any(known.get(key) != now[key] for key in ("cpu", "cpus", "threads", "mxnet")):
        dropped = [key for key in state.keys() if key != "machine" and state.get(key) is not None]
        report(f"dropped, for another machine measured it ({machine_line(known)}): {', '.join(dropped)}")
        for key in dropped:
            state.put(key, None)
        state.put("machine", now)


def _test_values(cfg: Any) -> List[Any]:
    """Returns the entries of TEST on which the time of one view of an image can depend."""
    return [(key, value) for key, value in cfg.TEST.items() if key not in ("SCALES", "FLIP")]
