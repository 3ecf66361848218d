"""Testing a detector on a data set: detections, result files, metrics."""
import contextlib
import copy
import json
import logging
import time
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import mxnet as mx
from mxnet.gluon import HybridBlock
from yacs.config import CfgNode

from ... import data
from ...data.proposals import ProposalSet
from ..deploy.detectors import load_detector
from ..files import PathLike, storage_errors, write_json
from ..inference.dataset_detections import detect_dataset
from ..inference.detections import Detections
from ..inference.detector import Detector
from ..parallel.group import ALONE, Group
from . import compute_metrics, format_metrics, write_results
from .matching import describe_match, match_classes, with_classes_of_data_set

METRICS_FILE = "metrics.json"
SPEED_FILE = "speed.json"
_SECONDS_OF_METRICS = 60  # for a large data set
_MESSAGES = 10  # how many images that cannot be read are named in the log


class TestResult(NamedTuple):
    """What a test gave.

    Attributes:
        metrics: see `compute_metrics`; None for a data set without boxes.
        failures: what is wrong with each image that could not be read and was left out.
    """

    __test__ = False  # pytest must not take the class for a test

    metrics: Optional[Dict[str, Any]]
    failures: List[str]


def evaluate(detector: Union[Detector, PathLike], dataset: data.Dataset, folder: Optional[PathLike] = None,
             batch_images: int = 1, logger: Optional[logging.Logger] = None, num_workers: int = 2,
             proposals: Optional[ProposalSet] = None) -> Optional[Dict[str, Any]]:
    """Tests a detector on a data set.

    Classes are matched by name: objects of a class that the detector does not know count as missed, and detections of a
    class that the data set does not have are left out. An image that cannot be read is left out too, unless the data
    set was loaded with an `on_error` that makes an error of it.

    Args:
        detector: a detector, or the path of one, see `load_detector`, which then runs on the CPU.
        dataset: from `load_dataset`.
        folder: takes results.json (COCO's result format, see `coco_results`), dataset.json (the data set's report: what
            was read, and what was left out and why), metrics.json, and speed.json (the time from the files to the
            boxes); by default nothing is written.
        batch_images: images of a batch on each of the detector's devices.
        logger: takes the table of the metrics.
        num_workers: processes that read and resize images while the detector runs; few images are read without them.
        proposals: for a detector that needs them, those of the images, see `data.proposals.load_proposals`.

    Returns:
        The metrics, see `compute_metrics`, such as `metrics["coco"]["AP50"]` from 0 to 1; None for a data set without
        boxes. "images_left_out" says how many images could not be read.

    Raises:
        DataError: no class of the detector has the name of one of the data set, or no image can be read.

    Example::

        metrics = lh.evaluate("output/shapes_s", lh.load_dataset("shapes", "output/shapes", "val"))
        print(metrics["coco"]["AP"])
    """
    if not isinstance(detector, Detector):
        detector = load_detector(detector)
    return test_detector(detector, dataset, folder, batch_images, logger, num_workers, proposals).metrics


def test_detector(detector: Detector, dataset: data.Dataset, folder: Optional[PathLike] = None, batch_images: int = 1,
                  logger: Optional[logging.Logger] = None, num_workers: int = 2,
                  proposals: Optional[ProposalSet] = None, group: Group = ALONE) -> TestResult:
    """Tests a detector as `evaluate` does; also returns what is wrong with the images that could not be read.

    Several processes share the images; rank 0 computes the metrics and writes the files, and each gets the result.
    """
    matched = match_classes(detector.classes, dataset)
    began = time.monotonic()
    detections, failures = detect_dataset(detector, dataset, batch_images, num_workers, proposals, group)
    seconds = time.monotonic() - began
    if matched is not None:
        detections = with_classes_of_data_set(detections, matched)
    if not group.is_first:
        with group.watchdog.watch("the computing of the metrics by process 0", usual=_SECONDS_OF_METRICS):
            return TestResult(json.loads(group.broadcast(b"")), list(failures.values()))
    if failures:
        dataset, detections = without_failures(dataset, detections, failures)
    written = []
    if folder is not None:
        written = [Path(folder) / "results.json", Path(folder) / "dataset.json"]
        _remove_metrics(Path(folder) / METRICS_FILE)
        write_results(written[0], dataset, detections)
        write_json(written[1], dataset.report())
        write_json(Path(folder) / SPEED_FILE, {"images": len(detections), "seconds": seconds,
                                               "images_per_second": len(detections) / seconds})
    metrics, lines = None, [f"{dataset.name} has no boxes to evaluate against"]
    if any(len(record.boxes) for record in dataset.records):
        metrics = dict(compute_metrics(dataset, detections), images_left_out=len(failures))
        lines = [format_metrics(metrics)]
        if folder is not None:
            written.append(Path(folder) / METRICS_FILE)
            write_json(written[-1], metrics)
    if logger is not None:
        lines.insert(0, describe_match(detector.classes, dataset.classes))
        if failures:
            lines.append(f"\n{len(failures)} images could not be read and are left out:")
            lines += [f"  {message}" for message in list(failures.values())[:_MESSAGES]]
            lines += [f"  and {len(failures) - _MESSAGES} more"] if len(failures) > _MESSAGES else []
        if written:
            lines.append("\nwrote " + " and ".join(map(str, written)))
        logger.info("%s", "\n".join(line for line in lines if line))
    group.broadcast(json.dumps(metrics).encode())
    return TestResult(metrics, list(failures.values()))


def test_network(cfg: CfgNode, net: HybridBlock, dataset: data.Dataset, contexts: Sequence[mx.Context],
                 folder: PathLike, logger: logging.Logger, proposals: Optional[ProposalSet] = None,
                 group: Group = ALONE) -> TestResult:
    """Tests a network as the section `TEST` of a configuration says; see `evaluate`."""
    return test_detector(Detector.of(cfg, net, contexts), dataset, folder, cfg.TEST.BATCH_IMAGES, logger,
                         cfg.TEST.NUM_WORKERS, proposals, group)


# pytest must not take the functions for tests where they are imported.
test_detector.__test__ = test_network.__test__ = False


def _remove_metrics(path: Path) -> None:
    """Removes the metrics of an earlier test, which are not those of the results that are written now."""
    with storage_errors(path), contextlib.suppress(FileNotFoundError):
        path.unlink()


def without_failures(dataset: data.Dataset, detections: Sequence[Detections],
                      failures: Mapping[int, str]) -> Tuple[data.Dataset, List[Detections]]:
    """Returns the data set without the images that could not be read, and the detections in the others.

    Args:
        dataset: the data set that the detector was run on.
        detections, failures: see `DatasetDetections`.
    """
    readable = [position for position in range(len(dataset.records)) if position not in failures]
    rest = copy.copy(dataset)
    rest.records = [dataset.records[position] for position in readable]
    return rest, [detections[position] for position in readable]
