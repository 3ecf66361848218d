"""Times of the stages of detectors, by turns in one process, and peak memory, each in a process of its own.

For the memory, a process runs `python -m light_head_rcnn.experiments.paper_tables.measuring WHAT` and prints bytes.
WHAT is a row's YAML file or the name of one of GluonCV's detectors.
"""
import gc
import math
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Hashable, List, Mapping, Optional, TypeVar, Union

import mxnet as mx
from tqdm import tqdm

from ...engine.config import load_config
from ..benchmarks import memory
from ..benchmarks.timing import quartiles
from .detectors import PEERS, PeerDetector, StagedDetector

Name = TypeVar("Name", bound=Hashable)
# Quartiles in milliseconds, see `timing.quartiles`.
Times = Dict[str, float]


def time_detectors(detectors: Mapping[Name, Any], repeats: int) -> Dict[Name, Dict[str, Times]]:
    """Times the stages of several detectors by turns.

    Args:
        detectors: objects by name whose `run(after_stage)` calls `after_stage` with the name of each stage once it is
            done.
        repeats: how many turns are timed; one more comes before them.

    Returns:
        The milliseconds of each stage, by name of the detector and of the stage; "total" is all stages together.
    """
    turns: Dict[Name, List[Dict[str, float]]] = {name: [] for name in detectors}
    order = list(detectors.items())
    for turn in tqdm(range(repeats + 1), desc="timing", unit="turn", disable=None):
        for name, detector in order if turn % 2 else order[::-1]:
            times = _time_stages(detector)
            if turn:
                turns[name].append(dict(times, total=sum(times.values())))
    return {name: {stage: quartiles([times[stage] for times in rows]) for stage in rows[0]}
            for name, rows in turns.items()}


def time_calls(calls: Mapping[Name, Callable[[], Any]], repeats: int) -> Dict[Name, Times]:
    """Times functions by turns, as `time_detectors` does, until what they started in MXNet is computed."""
    detectors = {name: _OneStage(call) for name, call in calls.items()}
    return {name: times["total"] for name, times in time_detectors(detectors, repeats).items()}


def measure_peak_memory(what: Union[str, Path]) -> Optional[int]:
    """Measures the memory that detecting in one picture needs at most, the parameters included, in its own process.

    Args:
        what: a row's YAML file, or the name of one of `PEERS`.

    Returns:
        Bytes; None where the system does not tell.
    """
    return memory.measure_in_process(__name__, str(what))


def print_peak_memory(what: str) -> None:
    """Prints what `measure_peak_memory` returns; runs in the process that is measured."""
    detector = PeerDetector(what) if what in PEERS else StagedDetector(load_config(what))
    used = memory.measure_peak(detector.run)
    parameters = 4 * sum(math.prod(parameter.shape) for parameter in detector.parameters.values())
    print(None if used is None else used + parameters)


class _OneStage:
    """A function in place of a detector, with one stage."""

    def __init__(self, call: Callable[[], Any]):
        self._call = call

    def run(self, after_stage: Callable[[str], None]) -> None:
        self._call()
        mx.nd.waitall()
        after_stage("all")


def _time_stages(detector: Any) -> Dict[str, float]:
    """Runs a detector once; returns the milliseconds of each of its stages."""
    gc.collect()
    times: Dict[str, float] = {}
    began = time.perf_counter()

    def note(stage: str) -> None:
        nonlocal began
        now = time.perf_counter()
        times[stage] = (now - began) * 1000
        began = now

    detector.run(note)
    return times


if __name__ == "__main__":
    print_peak_memory(*sys.argv[1:])
