"""How many images a second detectors find objects in: one by one, and as a stream."""
import importlib.util
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

import numpy as np
from PIL import Image

from ...engine.deploy.engines.choice import MXNET, ONNX_ENGINES
from ...engine.deploy.onnx.folder import is_export
from ...engine.inference.detector import Detector
from .timing import format_quartiles, quartiles, take_by_turns


def engines_of(path: str) -> List[str]:
    """The engines in which a detector can be timed: MXNet, or for an ONNX export those that are installed."""
    if not is_export(path):
        return [MXNET]
    return [name for name in ONNX_ENGINES if importlib.util.find_spec(name) is not None]


def write_images(folder: Path, detector: Detector, count: int) -> List[Path]:
    """Writes JPEG files of the size of a detector's inputs, in the ratio 3:2 where its bounds allow that: soft noise,
    which takes as long to decode as a photograph."""
    short, long = detector.preparation.scales[0]
    paths = []
    for number in range(count):
        noise = np.random.RandomState(number).randint(0, 256, (short // 8, min(long, short * 3 // 2) // 8, 3))
        image = Image.fromarray(noise.astype(np.uint8)).resize((min(long, short * 3 // 2), short), Image.BICUBIC)
        paths.append(folder / f"{short}-{number}.jpg")
        image.save(paths[-1], quality=90)
    return paths


def measure(detector: Detector, images: Sequence[Path], rounds: int) -> Dict[str, Any]:
    """Times a detector on image files, one by one and as a stream by turns, after a turn of each that is not timed.

    Returns:
        {"alone", "stream": quartiles of images a second, "ratio": the median of the rounds' ratios, "alone_processor",
        "stream_processor": quartiles of the seconds of processor time that an image took, which other programs on the
        machine disturb less}.
    """
    def alone() -> None:
        for image in images:
            detector(image)

    def stream() -> None:
        with closing(detector.stream(iter(images))) as answers:  # run as a long stream: it does not tell its length
            for _ in answers:
                pass

    for work in (alone, stream):
        work()
    taken = take_by_turns({"alone": _rates(alone, len(images)), "stream": _rates(stream, len(images))}, rounds, 1)
    ratios = [fast[0] / slow[0] for fast, slow in zip(taken["stream"], taken["alone"])]
    return {**{name: quartiles([rate for rate, _ in pairs]) for name, pairs in taken.items()},
            **{name + "_processor": quartiles([seconds for _, seconds in pairs]) for name, pairs in taken.items()},
            "ratio": float(np.median(ratios))}


def _rates(work: Callable[[], None], count: int) -> Iterator[Tuple[float, float]]:
    """Yields images a second, and seconds of processor time that an image took."""
    while True:
        began, used = time.perf_counter(), time.process_time()
        work()
        yield count / (time.perf_counter() - began), (time.process_time() - used) / count


def format_table(rows: Sequence[Dict[str, Any]]) -> List[str]:
    """Returns the lines of a table in Markdown: what `measure` returned, with "detector" and "engine"."""
    lines = ["| detector | engine | one by one, images/s | as a stream | ratio | processor time an image, one by one | "
             "as a stream |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        cells = [row["detector"], row["engine"], format_quartiles(row["alone"], 2), format_quartiles(row["stream"], 2),
                 f"{row['ratio']:.2f}", *(f"{1000 * row[name + '_processor']['median']:.0f} ms"
                                          for name in ("alone", "stream"))]
        lines.append("| " + " | ".join(cells) + " |")
    return lines
