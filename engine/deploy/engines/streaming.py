"""Models of engines that are called for several images at a time, each on one thread of the processor.

That takes less of the processor than one image at a time on all threads, which wait for each other.
"""
import queue
from pathlib import Path
from typing import List, NamedTuple

import numpy as np

from ..onnx import detect as script


class ParallelModel(NamedTuple):
    """A model that several threads may call at a time."""

    model: script.Model
    calls: int  # at a time


def open_parallel(folder: Path, engine: str, threads: int, precision: str) -> ParallelModel:
    """Loads the model of an ONNX export for many images.

    Args:
        folder: the export, whose model runs in this engine and precision.
        engine: "onnxruntime" or "openvino".
        threads: of the processor.
        precision: see `detect.open_model`.
    """
    if engine != "openvino":
        return ParallelModel(script.open_model(folder, engine, 1, precision), threads)
    compiled = script.open_openvino(str(folder / script.MODEL), threads, precision, "THROUGHPUT")
    calls = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
    requests: queue.Queue = queue.Queue()
    for _ in range(calls):
        requests.put(compiled.create_infer_request())

    def model(*arrays: np.ndarray) -> List[np.ndarray]:
        request = requests.get()
        try:
            return list(map(request.infer(dict(zip(script.INPUTS, arrays))).__getitem__, script.OUTPUTS))
        finally:
            requests.put(request)

    return ParallelModel(model, calls)
