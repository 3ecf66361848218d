"""Times of the stages of detectors, by turns in one process, and peak memory, each in a process of its own.

For the memory a process runs ``python -m light_head_rcnn.experiments.paper_tables.measuring FILE.yaml``, or with the
name of one of GluonCV's detectors, and prints bytes.
"""
import gc
import math
import sys
import time

import mxnet as mx
from tqdm import tqdm

from ..benchmarks import memory
from ..benchmarks.timing import quartiles
from ...engine.config import load_config
from .detectors import PEERS, PeerDetector, StagedDetector


def time_detectors(detectors, repeats):
    """Milliseconds of each stage of several detectors, by turns.

    Args:
        detectors: dict of objects by name whose `run(after_stage)` calls back after each stage.
        repeats: timed turns; one before them warms up.

    Returns:
        dict by name of dicts by stage: median, low and high (quartiles); "total" is that of a turn's sum.
    """
    turns = {name: [] for name in detectors}
    order = list(detectors.items())
    for turn in tqdm(range(repeats + 1), desc="timing", unit="turn", disable=None):
        for name, detector in order if turn % 2 else order[::-1]:
            times = _stage_times(detector)
            if turn:
                turns[name].append(dict(times, total=sum(times.values())))
    return {name: {stage: quartiles([times[stage] for times in rows]) for stage in rows[0]}
            for name, rows in turns.items()}


def time_calls(calls, repeats):
    """Milliseconds of functions that return once their work is done, by turns: dict by name as `timing.quartiles`."""
    detectors = {name: _OneStage(call) for name, call in calls.items()}
    return {name: times["total"] for name, times in time_detectors(detectors, repeats).items()}


def peak_memory(what):
    """Bytes that detecting in one picture takes at most, the parameters included; None where the system does not tell.

    Args:
        what: a row's YAML file, or the name of one of `PEERS`.
    """
    return memory.measure_in_process(__name__, str(what))


class _OneStage:
    def __init__(self, call):
        self._call = call

    def run(self, after_stage):
        self._call()
        mx.nd.waitall()
        after_stage("all")


def _stage_times(detector):
    gc.collect()
    times, began = {}, [time.perf_counter()]

    def note(stage):
        times[stage] = (time.perf_counter() - began[0]) * 1000
        began[0] = time.perf_counter()

    detector.run(note)
    return times


def main(what):
    """Prints what `peak_memory` returns."""
    detector = PeerDetector(what) if what in PEERS else StagedDetector(load_config(what))
    used = memory.measure_peak(detector.run)
    print(used and used + 4 * sum(math.prod(p.shape) for p in detector.parameters.values()))


if __name__ == "__main__":
    main(*sys.argv[1:])
