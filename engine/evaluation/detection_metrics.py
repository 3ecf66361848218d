"""All metrics of the detections in a data set, as a dict and as a table."""
import math
from typing import Any, Dict, Sequence

from ...data import Dataset
from ...errors import DataError
from .coco_metrics import coco_metrics
from .detections import ImageDetections
from .voc_metrics import voc_metrics


def compute_metrics(dataset: Dataset, detections: Sequence[ImageDetections]) -> Dict[str, Any]:
    """Computes COCO's and VOC's metrics.

    Args:
        dataset: the data set that was tested, of any layout.
        detections: (ids, scores, boxes) of each image, in the order of `dataset.records`: ids int (k,), 0..C-1; scores
            (k,); boxes (k, 4), rows x1, y1, x2, y2 in pixels of the original image, inclusive ends.

    Returns:
        "images" and "detections", their numbers; "coco", see `coco_metrics`; "voc", see `voc_metrics`.

    Raises:
        DataError: the data set has no boxes, such as a test set whose annotations are not public.
        UsageError: the detections are not those of the data set.

    Example::

        metrics = compute_metrics(dataset, [detector(record.path) for record in dataset.records])
        print(metrics["coco"]["AP"], metrics["voc"]["per_class"]["circle"]["AP"])
    """
    if not any(len(record.boxes) for record in dataset.records):
        raise DataError(f"{dataset.name} has no boxes to evaluate against")
    coco = coco_metrics(dataset, detections)
    return {"images": len(dataset.records), "detections": sum(len(ids) for ids, _, _ in detections), "coco": coco,
            "voc": voc_metrics(dataset, detections)}


def format_metrics(metrics: Dict[str, Any]) -> str:
    """Returns the result of `compute_metrics` as a table to print, in percent; "-" where there is no object to find."""
    coco, voc = metrics["coco"], metrics["voc"]
    lines = [
        f"{metrics['detections']} detections in {metrics['images']} images, percent",
        "",
        "COCO   " + _cells(coco, ("AP", "AP50", "AP75", "APs", "APm", "APl")),
        "       " + _cells(coco, ("AR1", "AR10", "AR100", "ARs", "ARm", "ARl")),
        f"VOC    area {_percent(voc['AP'])}   11 points {_percent(voc['AP07'])}   (IoU 0.5)",
        "",
    ]
    width = max(len("class"), *(len(name) for name in voc["per_class"]))
    lines.append(f"{'class':<{width}}  objects     AP   AP50  VOC area  VOC 11 points")
    for name, figures in voc["per_class"].items():
        own = coco["per_class"][name]
        lines.append(f"{name:<{width}}  {figures['objects']:>7}  {_percent(own['AP'])}  {_percent(own['AP50'])}"
                     f"  {_percent(figures['AP']):>8}  {_percent(figures['AP07']):>13}")
    return "\n".join(lines)


def _cells(figures: Dict[str, float], names: Sequence[str]) -> str:
    return "  ".join(f"{name:>5} {_percent(figures[name])}" for name in names)


def _percent(value: float) -> str:
    return "    -" if math.isnan(value) else f"{100 * value:5.1f}"
