"""All metrics of a set of detections, as a dict, as a table and as files."""
import math

from ..files import write_json
from .coco_metrics import coco_metrics, coco_results
from .voc_metrics import voc_metrics


def compute_metrics(dataset, detections, results=None):
    """COCO's and VOC's metrics of `detections`.

    Parameters
    ----------
    dataset : CocoDataset or VocDataset
        With boxes.
    detections : list of (ids (k,), scores (k,), boxes (k, 4))
        One an image of `dataset.records`, boxes in the original image's frame, inclusive ends.
    results : list of dict, optional
        `coco_results` of the same, where at hand.

    Returns
    -------
    dict
        "images", "detections", "coco" (see `coco_metrics`), "voc" (see `voc_metrics`).

    Raises ValueError for a data set without boxes, such as a test set whose annotations are not public.
    """
    if not any(len(record.boxes) for record in dataset.records):
        raise ValueError(f"{dataset.name} has no boxes to evaluate against")
    results = coco_results(dataset, detections) if results is None else results
    return {"images": len(dataset.records), "detections": len(results), "coco": coco_metrics(dataset, results),
            "voc": voc_metrics(dataset, detections)}


def format_metrics(metrics):
    """The result of `compute_metrics` as a table to print, in percent."""
    coco, voc = metrics["coco"], metrics["voc"]
    lines = [
        f"{metrics['detections']} detections in {metrics['images']} images, percent",
        "",
        "COCO   " + _cells(coco, ("AP", "AP50", "AP75", "APs", "APm", "APl")),
        "       " + _cells(coco, ("AR1", "AR10", "AR100", "ARs", "ARm", "ARl")),
        "VOC    " + f"area {_percent(voc['AP'])}   11 points {_percent(voc['AP07'])}   (IoU 0.5)",
        "",
    ]
    width = max(len("class"), *(len(name) for name in voc["per_class"]))
    lines.append(f"{'class':<{width}}  objects     AP   AP50  VOC area  VOC 11 points")
    for name, figures in voc["per_class"].items():
        own = coco["per_class"][name]
        lines.append(f"{name:<{width}}  {figures['objects']:>7}  {_percent(own['AP'])}  {_percent(own['AP50'])}"
                     f"  {_percent(figures['AP']):>8}  {_percent(figures['AP07']):>13}")
    return "\n".join(lines)


def write_results(path, dataset, detections):
    """Writes `coco_results` as JSON, atomically, and returns them."""
    results = coco_results(dataset, detections)
    write_json(path, results, indent=None)
    return results


def _cells(figures, names):
    return "  ".join(f"{name:>5} {_percent(figures[name])}" for name in names)


def _percent(value):
    return "    -" if math.isnan(value) else f"{100 * value:5.1f}"
