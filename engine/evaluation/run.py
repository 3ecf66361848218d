"""Testing a detector on a data set: detections, result files, metrics."""
import logging
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

import mxnet as mx
from mxnet.gluon import HybridBlock
from yacs.config import CfgNode

from ... import data
from ...errors import DataError
from ..files import PathLike, write_json
from ..inference.dataset_detections import detect_dataset
from ..inference.detector import Detector
from . import compute_metrics, format_metrics, write_results


def evaluate(detector: Detector, dataset: data.Dataset, folder: Optional[PathLike] = None, batch_images: int = 1,
             logger: Optional[logging.Logger] = None) -> Optional[Dict[str, Any]]:
    """Tests a detector on a data set.

    Args:
        detector: its classes are those of the data set, in the same order.
        dataset: from `load_dataset`.
        folder: takes results.json (COCO's result format) and metrics.json; by default nothing is written.
        batch_images: images of a batch on each of the detector's devices.
        logger: takes the table of the metrics.

    Returns:
        The metrics, see `compute_metrics`, such as `metrics["coco"]["AP50"]` from 0 to 1; None for a data set without
        boxes.

    Raises:
        DataError: the classes differ, or an image cannot be read.

    Example::

        metrics = lh.evaluate(lh.load_detector("output/shapes_s"), lh.load_dataset("shapes", "output/shapes", "val"))
        print(metrics["coco"]["AP"])
    """
    if tuple(detector.classes) != tuple(dataset.classes):
        raise DataError(f"the detector has the classes {', '.join(detector.classes)}, and {dataset.name} has "
                        f"{', '.join(dataset.classes)}: load the data set with classes=detector.classes", "classes")
    detections = detect_dataset(detector, dataset, batch_images)
    written = []
    if folder is not None:
        write_results(Path(folder) / "results.json", dataset, detections)
        written.append(Path(folder) / "results.json")
    metrics, text = None, f"{dataset.name} has no boxes to evaluate against"
    if any(len(record.boxes) for record in dataset.records):
        metrics = compute_metrics(dataset, detections)
        text = format_metrics(metrics)
        if folder is not None:
            write_json(Path(folder) / "metrics.json", metrics)
            written.append(Path(folder) / "metrics.json")
    if logger is not None:
        logger.info("%s", text + ("\n\nwrote " + " and ".join(map(str, written)) if written else ""))
    return metrics


def test_network(cfg: CfgNode, net: HybridBlock, dataset: data.Dataset, contexts: Sequence[mx.Context],
                 folder: PathLike, logger: logging.Logger) -> Optional[Dict[str, Any]]:
    """Tests a network as the section `TEST` of a configuration says; see `evaluate`."""
    return evaluate(Detector.of(cfg, net, contexts), dataset, folder, cfg.TEST.BATCH_IMAGES, logger)


# pytest must not take the function for a test where it is imported.
test_network.__test__ = False
