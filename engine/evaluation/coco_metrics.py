"""COCO's metrics by pycocotools, for any data set."""
import contextlib
import io

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

_STATS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")


def coco_results(dataset, detections):
    """Detections as COCO's result format.

    Parameters
    ----------
    dataset : CocoDataset or VocDataset
        Without category ids of its own, class i has category id i + 1.
    detections : list of (ids (k,), scores (k,), boxes (k, 4))
        One an image of `dataset.records`, boxes in the original image's frame, inclusive ends.

    Returns
    -------
    list of dict
        image_id, category_id, bbox [x, y, width, height] in pixels to 3 decimals, where width is x2 - x1 + 1, score.
    """
    if len(detections) != len(dataset.records):
        raise ValueError(f"detections of {len(detections)} images for the {len(dataset.records)} of {dataset.name}")
    categories = _category_ids(dataset)
    results = []
    for record, (ids, scores, boxes) in zip(dataset.records, detections):
        for index, score, (x1, y1, x2, y2) in zip(ids, scores, np.asarray(boxes, float).reshape(-1, 4)):
            results.append({
                "image_id": record.image_id, "category_id": categories[int(index)],
                "bbox": [round(float(value), 3) for value in (x1, y1, x2 - x1 + 1, y2 - y1 + 1)],
                "score": round(float(score), 6)})
    return results


def coco_metrics(dataset, results):
    """COCO's twelve figures, and AP and AP50 of each class.

    The ground truth is the annotation file, as pycocotools reads it, where the whole of one was loaded; otherwise it is
    made of the records: areas are then those of the boxes, and difficult objects are neither found nor missed.

    Parameters
    ----------
    dataset : CocoDataset or VocDataset
    results : list of dict
        See `coco_results`.

    Returns
    -------
    dict
        AP (IoU 0.50 to 0.95), AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm, ARl, and per_class: name to
        {"AP", "AP50"}. Each from 0 to 1, NaN where there is no object to find.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        truth = _ground_truth(dataset)
        found = COCO()
        found.dataset = {
            "images": truth.dataset["images"], "categories": truth.dataset["categories"],
            "annotations": [dict(result, id=number, iscrowd=0, area=result["bbox"][2] * result["bbox"][3])
                            for number, result in enumerate(results, 1)]}
        found.createIndex()
        run = _Evaluation(truth, found, "bbox")
        run.params.imgIds = sorted(record.image_id for record in dataset.records)
        run.params.catIds = sorted(_category_ids(dataset))
        run.evaluate()
        run.accumulate()
        run.summarize()
    metrics = {name: _known(value) for name, value in zip(_STATS, run.stats)}
    # IoU thresholds, recalls, classes, areas (0: all), numbers of detections (-1: most).
    precision = run.eval["precision"][:, :, :, 0, -1]
    by_category = {category: precision[:, :, number] for number, category in enumerate(run.params.catIds)}
    metrics["per_class"] = {
        name: {"AP": _mean(by_category[category]), "AP50": _mean(by_category[category][0])}
        for name, category in zip(dataset.classes, _category_ids(dataset))}
    return metrics


class _Evaluation(COCOeval):
    """COCOeval that ignores difficult objects too: it resets `ignore` to the crowd flag, and crowds match otherwise."""

    def _prepare(self):
        super()._prepare()
        for truths in self._gts.values():
            for truth in truths:
                truth["ignore"] = truth["ignore"] or truth.get("difficult", 0)


def _ground_truth(dataset):
    annotation_file = getattr(dataset, "annotation_file", None)
    # What the reader left out must not be missed: the records are the truth then.
    if annotation_file and not dataset.skipped:
        truth = COCO(annotation_file)
        for number, annotation in enumerate(truth.dataset["annotations"], 1):
            width, height = annotation["bbox"][2:]
            # COCOeval takes a match with the id 0 for none.
            annotation.update(id=number, area=annotation.get("area", width * height),
                              iscrowd=annotation.get("iscrowd", 0))
        truth.createIndex()
        return truth
    categories, annotations = _category_ids(dataset), []
    for record in dataset.records:
        for (x1, y1, x2, y2), index, difficult, crowd in zip(
                record.boxes.tolist(), record.classes, record.difficult, record.crowd):
            width, height = x2 - x1 + 1, y2 - y1 + 1
            annotations.append({
                "id": len(annotations) + 1, "image_id": record.image_id, "category_id": categories[int(index)],
                "bbox": [x1, y1, width, height], "area": width * height, "iscrowd": int(crowd),
                "difficult": int(difficult)})
    truth = COCO()
    truth.dataset = {
        "images": [{"id": record.image_id, "width": record.width, "height": record.height}
                   for record in dataset.records],
        "categories": [{"id": category, "name": name} for category, name in zip(categories, dataset.classes)],
        "annotations": annotations}
    truth.createIndex()
    return truth


def _category_ids(dataset):
    return getattr(dataset, "category_ids", None) or tuple(range(1, len(dataset.classes) + 1))


def _mean(precision):
    known = precision[precision > -1]
    return float(known.mean()) if known.size else float("nan")


def _known(value):
    return float(value) if value > -1 else float("nan")
