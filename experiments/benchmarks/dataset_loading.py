"""Time and memory of reading large data sets, for the first time and from the cache, and of writing results.

Each number is taken in a process of its own, which holds nothing of what ran before. The caches of this package are
empty the first time; the files themselves were just written, so that the system has many of them in memory.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ...data import Dataset, load_dataset
from ...data.cache.cache_folder import VARIABLE
from ...process_memory import IN_USE, PEAK, reset_peak, status_bytes
from .large_sets import write_coco_set, write_voc_set, written_once

HEADER = (f"{'seconds (of the processors), memory':<38} {'images':>7} {'boxes':>7} {'first time':>24} "
          f"{'from the cache':>24}")
DETECTIONS = 100  # of each image whose results are written


class Sizes(NamedTuple):
    """How large the sets are.

    Attributes:
        images, boxes: of the set in COCO's layout.
        voc_images: of the set in VOC's layout.
        tested_images: whose results are written.
    """

    images: int
    boxes: int
    voc_images: int
    tested_images: int


def run_cases(folder: str, sizes: Sizes, names: Optional[Sequence[str]] = None) -> Iterator[Dict[str, Any]]:
    """Measures the cases, and yields a row for each.

    Args:
        folder: takes the sets, several GB for sizes like COCO's; those that are there already are used.
        sizes: of the sets.
        names: those of the cases, of `CASES`; None for all.

    Yields:
        {"case", "what", "images", "boxes", "first", "again"}. Each of the last two is None or {"seconds", "processor",
        "peak"}: the time without imports, the time of all processors in it, in seconds too, and the most memory of the
        process in bytes, None where the system does not tell.
    """
    for name in names or CASES:
        case = CASES[name]
        path = written_once(os.path.join(folder, case.folder), partial(case.write, sizes=sizes))
        with tempfile.TemporaryDirectory(dir=folder) as cache:
            first = _measure_in_process(cache, *case.task, path)
            again = _measure_in_process(cache, *case.task, path) if case.task[0] == "load" else None
        yield {"case": name, "what": case.what, "images": first["images"], "boxes": first["boxes"],
               "first": _numbers(first), "again": again and _numbers(again)}


def format_row(row: Dict[str, Any]) -> str:
    """Returns a row of the table under `HEADER`."""
    columns = []
    for measured in (row["first"], row["again"]):
        text = "" if measured is None else f"{measured['seconds']:.1f} s ({measured['processor']:.1f})"
        if measured is not None and measured["peak"] is not None:
            text += f", {measured['peak'] / 1e6:.0f} MB"
        columns.append(text)
    return f"{row['what']:<38} {row['images']:>7} {row['boxes']:>7} {columns[0]:>24} {columns[1]:>24}"


class _Case(NamedTuple):
    """What one row measures: the folder of its set, the function that writes it, and the words of the task."""

    what: str
    folder: str
    write: Callable[[str, Sizes], None]
    task: Tuple[str, ...]


CASES: Dict[str, _Case] = {
    "coco": _Case("COCO with polygons", "coco",
                  lambda path, sizes: write_coco_set(path, sizes.images, sizes.boxes, True),
                  ("load", "coco", "train2017")),
    "coco_boxes": _Case("COCO without polygons", "coco_boxes",
                        lambda path, sizes: write_coco_set(path, sizes.images, sizes.boxes, False),
                        ("load", "coco", "train2017")),
    "auto": _Case("COCO with polygons, layout found out", "coco",
                  lambda path, sizes: write_coco_set(path, sizes.images, sizes.boxes, True),
                  ("load", "auto", "train2017")),
    "voc": _Case("Pascal VOC", "voc", lambda path, sizes: write_voc_set(path, sizes.voc_images),
                 ("load", "voc", "trainval")),
    "results": _Case(f"results, {DETECTIONS} detections an image", "tested",
                     lambda path, sizes: write_coco_set(path, sizes.tested_images, 0, False),
                     ("results", "coco", "train2017")),
}


def _numbers(measured: Dict[str, Any]) -> Dict[str, Any]:
    return {key: measured[key] for key in ("seconds", "processor", "peak")}


def _measure_in_process(cache: str, *task: str) -> Dict[str, Any]:
    """Returns what `_main` prints in a process of its own, which has its cache in the folder `cache`."""
    run = subprocess.run([sys.executable, "-m", __name__ if __name__ != "__main__" else __spec__.name, *task],
                         stdout=subprocess.PIPE, universal_newlines=True, check=True,
                         env=dict(os.environ, **{VARIABLE: cache}))
    return json.loads(run.stdout.splitlines()[-1])


def _main(task: str, layout: str, image_set: str, path: str) -> None:
    """Does one task in this process, and prints its numbers as JSON."""
    start = _times()
    dataset = load_dataset(layout, path, image_set)
    measured = {**_times(start), "peak": status_bytes(PEAK)}
    boxes = sum(len(record.boxes) for record in dataset.records)
    if task == "results":
        measured = _write_results(dataset, path + ".json")
        boxes = DETECTIONS * len(dataset.records)
    print(json.dumps({"images": len(dataset.records), "boxes": boxes, **measured}))


def _write_results(dataset: Dataset, file: str) -> Dict[str, Any]:
    """Writes random results; the peak is what is needed beyond the records and the detections."""
    from ...engine.evaluation.coco_results import write_results  # loads MXNet, which reading does not need
    rng = np.random.RandomState(0)
    detections = []
    for record in dataset.records:
        corners = np.sort(rng.rand(DETECTIONS, 2, 2) * (record.width, record.height), axis=1).astype(np.float32)
        detections.append((rng.randint(0, len(dataset.classes), DETECTIONS), rng.rand(DETECTIONS).astype(np.float32),
                           corners.reshape(-1, 4)))
    before = status_bytes(IN_USE)
    if before is not None:
        reset_peak()
    start = _times()
    write_results(file, dataset, detections)
    return {**_times(start), "peak": None if before is None else status_bytes(PEAK) - before}


def _times(start: Optional[Dict[str, float]] = None) -> Dict[str, float]:
    """Returns the seconds on the clock and of the processors, those since `start` if it is given."""
    now = {"seconds": time.perf_counter(), "processor": time.process_time()}
    return {name: value - start[name] for name, value in now.items()} if start else now


if __name__ == "__main__":
    _main(*sys.argv[1:])
