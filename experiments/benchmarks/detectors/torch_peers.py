"""torchvision's detectors with random weights, in PyTorch in a process of its own, and in the other engines."""
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import mxnet as mx
import numpy as np

from ....errors import LibraryError, LightHeadError
from .candidate import NETWORK, PYTORCH, WHOLE, Candidate, Skipped, of_calls
from .engine_models import open_everywhere

FASTER_RCNN = "torchvision Faster R-CNN"
FASTER_RCNN_300 = FASTER_RCNN + " 300"


class Peer(NamedTuple):
    """A detector of the worker: its name there, and the (height, width) that its network reads."""

    name: str
    size: Tuple[int, int]


PEERS = {FASTER_RCNN: Peer("fasterrcnn_mobilenet_v3_large_fpn", (800, 1200)),
         FASTER_RCNN_300: Peer("the same with 300 proposals", (800, 1200)),
         "torchvision SSDLite320": Peer("ssdlite320_mobilenet_v3_large", (320, 320))}


class Worker:
    """The process that runs PyTorch; it answers one request at a time.

    Args:
        process: that runs `torch_worker.py`.
    """

    def __init__(self, process: "subprocess.Popen[str]"):
        self._process = process

    def ask(self, *request: Any) -> Any:
        """Sends a request, see `torch_worker.py`, and returns its answer.

        Raises:
            LibraryError: the request failed, or the process has ended.
        """
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            raise LibraryError("the Python with PyTorch has ended: it needs torch and torchvision") from None
        if isinstance(answer, dict) and "error" in answer:
            raise LibraryError(f"PyTorch: {answer['error']}")
        return answer


@contextlib.contextmanager
def worker(python: Optional[str], photo: str, folder: Path, threads: int) -> Iterator[Worker]:
    """Context manager that starts the process.

    Args:
        python: the program; None for that of this process.
        photo: path of the JPEG file.
        folder: for ONNX files.
        threads: of PyTorch.

    Raises:
        LibraryError: it does not start, or lacks torch or torchvision.
    """
    if python is None and not all(map(importlib.util.find_spec, ("torch", "torchvision"))):
        raise LibraryError("torch and torchvision are not installed; --peer-python names another Python that has them")
    # How threads wait is decided for MXNet; PyTorch decides for itself.
    environment = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "PYTHONPATH")}
    command = [python or sys.executable, str(Path(__file__).with_name("torch_worker.py")), "--photo", photo,
               "--threads", str(threads), "--folder", str(folder)]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   universal_newlines=True, env=dict(environment, OMP_NUM_THREADS=str(threads)))
    except OSError as error:
        raise LibraryError(f"{command[0]} does not start: {error}") from None
    try:
        found = Worker(process)
        found.ask("versions")
        yield found
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):  # of a request that was not read any more
            process.stdin.close()


def candidates(names: Sequence[str], torch: Worker, photo: str, folder: Path, threads: int,
               say: Callable[[str], None]) -> Iterator[Union[Candidate, Skipped]]:
    """Builds the candidates of some of `PEERS`.

    Args:
        names: of `PEERS`.
        torch: the process that runs them.
        photo: path of the JPEG file.
        folder: of models in int8.
        threads: of the engines.
        say: takes a line of progress.

    Yields:
        A candidate for each in PyTorch and in every engine and precision, or the reason why there is none.
    """
    for name in names:
        say(f"{name}: weights")
        peer = PEERS[name]
        size = "x".join(map(str, peer.size))
        try:
            work = torch.ask("load", peer.name)
        except LibraryError as error:
            yield Skipped(name, str(error))
            continue
        yield Candidate(name, size, PYTORCH, "float32", partial(torch.ask, "time", peer.name), [WHOLE, NETWORK], work)
        say(f"{name}: ONNX")
        try:
            path = torch.ask("export", peer.name)
        except LibraryError as error:
            yield Skipped(f"{name} in other engines", str(error))
            continue
        x = prepare(photo, peer.size)
        for engine, precision, run in open_everywhere(path, folder, {"image": x}, threads):
            if isinstance(run, LightHeadError):
                yield Skipped(f"{name} in {engine}, {precision}", str(run))
            else:
                yield of_calls(name, size, engine, precision, _calls(run, photo, peer.size, x), work)


def prepare(photo: str, size: Tuple[int, int]) -> np.ndarray:
    """The input float32 (3, height, width) from 0 to 1 of a network of torchvision."""
    image = mx.image.imresize(mx.image.imread(photo), size[1], size[0])
    return mx.nd.image.to_tensor(image).asnumpy()


def _calls(run: Callable[..., List[np.ndarray]], photo: str, size: Tuple[int, int], x: np.ndarray) -> dict:
    return {WHOLE: lambda: run(prepare(photo, size)), NETWORK: lambda: run(x)}
