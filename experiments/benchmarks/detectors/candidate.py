"""What the benchmark of detectors times: candidates, each a detector in one engine at one precision."""
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

# The parts of a candidate that are timed: from the JPEG file to boxes; from the network's input in memory to its
# answer; a stream of JPEG files with several requests in flight; the network's input in batches.
WHOLE, NETWORK, STREAM = "whole", "network", "stream"
BATCHES = {2: "batch of 2", 4: "batch of 4"}
# How many images one run of a part has.
STREAM_IMAGES = 8
IMAGES = {WHOLE: 1, NETWORK: 1, STREAM: STREAM_IMAGES, **{part: images for images, part in BATCHES.items()}}
MXNET, PYTORCH, OPENVINO, ONNXRUNTIME = "MXNet", "PyTorch", "OpenVINO", "ONNX Runtime"


class Candidate(NamedTuple):
    """One row of the table.

    Attributes:
        name: of the detector.
        size: what the network reads, such as "800x1200".
        engine: that runs it.
        precision: "float32", "bfloat16" or "int8".
        time: function from a part and a number of runs to their times in milliseconds of an image.
        parts: the parts that it has.
        work: "gflop" of its convolutions and dense layers (two operations a multiply-add), "rois", "candidates" over
            the score threshold, "detections"; those that are known.
        inside: what the network's answer is, where it is not boxes.
    """

    name: str
    size: str
    engine: str
    precision: str
    time: Callable[[str, int], List[float]]
    parts: List[str]
    work: Dict[str, Any]
    inside: str = ""

    @property
    def label(self) -> str:
        """The name of the row; no two rows have the same."""
        return f"{self.name} {self.size} {self.engine} {self.precision}"


class Skipped(NamedTuple):
    """A candidate that could not be run.

    Attributes:
        name: what it is.
        reason: why not, in words.
    """

    name: str
    reason: str


def of_calls(name: str, size: str, engine: str, precision: str, calls: Mapping[str, Callable[[], Any]],
             work: Optional[Mapping[str, Any]] = None, inside: str = "") -> Candidate:
    """A candidate that runs in this process.

    Args:
        name, size, engine, precision, work, inside: see `Candidate`.
        calls: for each part a function that runs it once and returns when its answer is there.
    """
    def time_calls(part: str, repeats: int) -> List[float]:
        call, found = calls[part], []
        for _ in range(repeats):
            start = time.perf_counter()
            call()
            found.append(1000 * (time.perf_counter() - start) / IMAGES[part])
        return found

    return Candidate(name, size, engine, precision, time_calls, list(calls), dict(work or {}), inside)
