"""The whole benchmark: builds the candidates that were asked for, times them by turns, and judges the goals."""
import contextlib
import math
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Union

from ....errors import LibraryError
from ..machine import describe_machine
from . import engine_models, gluoncv_peers, goals, ours, photo, running, torch_peers
from .candidate import Candidate, Skipped

# What `--only` names, in the order of the table.
KEYS = {"s": ours.S, "l": ours.L, "ssd300": gluoncv_peers.SSD300, "ssd512": "GluonCV SSD512-MobileNet1.0",
        "yolo3": "GluonCV YOLOv3-Darknet53", "fasterrcnn": torch_peers.FASTER_RCNN,
        "fasterrcnn300": torch_peers.FASTER_RCNN_300, "ssdlite": "torchvision SSDLite320",
        "matrix": engine_models.MATRIX}
PACKAGES = ("onnx", "onnxruntime", "openvino", "gluoncv")


def run(keys: Sequence[str], rounds: int, repeats: int, peer_python: Optional[str], folder: str,
        say: Callable[[str], None], end: float = math.inf) -> Dict[str, Any]:
    """Runs the benchmark.

    Args:
        keys: of `KEYS`: what to time.
        rounds, repeats, end: see `running.measure`.
        peer_python: a Python that has torch and torchvision; None for this one.
        folder: for weights and exports; those that are there are taken.
        say: takes a line of progress.

    Returns:
        "machine", "versions", "rounds", "repeats", "loads", "rows" (see `running.measure`), "goals", "rates" (see
        `goals`), and "skipped": (name, reason) of what could not be run.
    """
    names, place = [KEYS[key] for key in KEYS if key in keys], Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    picture = str(place / "photo.jpg")
    photo.draw_photo(picture)
    machine = describe_machine()
    versions = {name: metadata.version(name) for name in PACKAGES if _is_installed(name)}
    with contextlib.ExitStack() as stack:
        built = list(_build(names, picture, place, machine["threads"], peer_python, versions, stack, say))
        candidates = [entry for entry in built if isinstance(entry, Candidate)]
        measured = running.measure(candidates, rounds, repeats, say, end)
    return {"machine": machine, "versions": versions, "rounds": len(measured["loads"]), "repeats": repeats, **measured,
            "goals": goals.check_goals(measured["rows"]), "rates": goals.rates(measured["rows"]),
            "skipped": [list(entry) for entry in built if isinstance(entry, Skipped)]}


def _build(names: Sequence[str], picture: str, folder: Path, threads: int, peer_python: Optional[str],
           versions: Dict[str, str], stack: contextlib.ExitStack,
           say: Callable[[str], None]) -> Iterator[Union[Candidate, Skipped]]:
    """Yields the candidates; the process of PyTorch lives as long as the stack."""
    yield from ours.candidates(_of(names, ours.MODELS), picture, folder, say)
    yield from gluoncv_peers.candidates(_of(names, gluoncv_peers.PEERS), picture, folder, threads, say)
    torch_names = _of(names, torch_peers.PEERS)
    if torch_names:
        try:
            worker = stack.enter_context(torch_peers.worker(peer_python, picture, folder, threads))
        except LibraryError as error:
            yield from (Skipped(name, str(error)) for name in torch_names)
        else:
            versions.update(worker.ask("versions"))
            yield from torch_peers.candidates(torch_names, worker, picture, folder, threads, say)
    if engine_models.MATRIX in names:
        yield from engine_models.matrix_products(folder, threads)


def _of(names: Sequence[str], known: Dict[str, Any]) -> List[str]:
    return [name for name in names if name in known]


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
