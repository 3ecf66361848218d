"""Testing a network on a data set: detections, result files, metrics."""
from pathlib import Path

from ..building.build import build_test_loader
from ..config import test_scales
from ..inference.detector import detect_dataset
from . import compute_metrics, format_metrics, write_results
from ..files import write_json


def test_network(cfg, net, dataset, contexts, folder, logger):
    """Detects in all images of a data set as `TEST` says, and writes what was found and how good it is.

    Parameters
    ----------
    cfg : CfgNode
    net : HybridBlock
        With parameters, on `contexts`.
    dataset : CocoDataset or VocDataset
    contexts : list of mx.Context
    folder : str or Path
        Takes results.json (COCO's result format) and metrics.json (see `compute_metrics`).
    logger : logging.Logger
        Takes the table.

    Returns
    -------
    dict or None
        The metrics; None for a data set without boxes.
    """
    loaders = [build_test_loader(cfg, dataset, len(contexts), scale) for scale in test_scales(cfg)]
    detections = detect_dataset(net, loaders, dataset.records, contexts, cfg.TEST.FLIP)
    folder = Path(folder)
    results = write_results(folder / "results.json", dataset, detections)
    if not any(len(record.boxes) for record in dataset.records):
        logger.info("%s has no boxes to evaluate against; wrote %s", dataset.name, folder / "results.json")
        return None
    metrics = compute_metrics(dataset, detections, results)
    write_json(folder / "metrics.json", metrics)
    logger.info("%s\n\nwrote %s and %s", format_metrics(metrics), folder / "results.json", folder / "metrics.json")
    return metrics


# pytest must not take the function for a test where it is imported.
test_network.__test__ = False
