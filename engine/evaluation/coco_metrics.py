"""COCO's metrics, computed by pycocotools, for a data set of any layout."""
import contextlib
import io
import json
from typing import Any, Dict, List, Sequence

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ...data import Dataset
from .coco_results import category_ids, rounded_results
from .detections import ImageDetections

# In the order of COCOeval.stats.
_NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")


def coco_metrics(dataset: Dataset, detections: Sequence[ImageDetections]) -> Dict[str, Any]:
    """Computes COCO's twelve metrics, and AP and AP50 of each class.

    The ground truth is the annotation file if the data set was read from one alone and nothing of it was left out:
    then the metrics equal those that pycocotools computes from that file and the results. Otherwise the ground truth is
    made of the records. An object's area, by which APs, APm and APl tell small, medium and large objects apart, is the
    one that the annotation file states; it is that of the box where there is none. Objects that the records call
    difficult count neither as found nor as missed.

    Args:
        dataset: the data set that was tested.
        detections: (ids (k,), scores (k,), boxes (k, 4)) of each image, see `check_detections`. They are rounded as in
            `coco_results`.

    Returns:
        AP (mean over the IoU thresholds 0.50, 0.55, ..., 0.95), AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm,
        ARl, and "per_class", a dict from name to {"AP", "AP50"}. All are from 0 to 1, and NaN where there is no object
        to find.

    Raises:
        UsageError: the detections are not those of the data set.
    """
    # pycocotools sorts images and categories by id and does not take numbers beside strings, nor the same image id
    # twice, as joined image sets may have it. So they are numbered here, in the order in which it would sort them.
    image_numbers = _ranks([record.image_id for record in dataset.records])
    category_numbers = _ranks(category_ids(dataset))
    found = [{"image_id": image_numbers[result.image], "category_id": category_numbers[result.class_id],
              "bbox": result.bbox, "score": result.score, "iscrowd": 0, "area": result.bbox[2] * result.bbox[3]}
             for result in rounded_results(dataset, detections)]
    truth = _ground_truth(dataset, image_numbers, category_numbers)
    with contextlib.redirect_stdout(io.StringIO()):
        run = _Evaluation(_index(truth, image_numbers, category_numbers),
                          _index(found, image_numbers, category_numbers), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    metrics = {name: float(value) if value > -1 else float("nan") for name, value in zip(_NAMES, run.stats)}
    # Axes: IoU thresholds, recalls, categories, areas (0 is all), greatest numbers of detections (-1 is 100).
    precision = run.eval["precision"][:, :, :, 0, -1]
    metrics["per_class"] = {
        name: {"AP": _mean(precision[:, :, number - 1]), "AP50": _mean(precision[0, :, number - 1])}
        for name, number in zip(dataset.classes, category_numbers)}
    return metrics


class _Evaluation(COCOeval):
    """A COCOeval that also ignores objects that are marked as difficult; by itself it ignores crowds alone.

    Setting `iscrowd` would not do: a detection is compared with a crowd by another overlap than IoU.
    """

    def _prepare(self) -> None:
        super()._prepare()
        for objects in self._gts.values():
            for truth in objects:
                truth["ignore"] = truth["ignore"] or truth["difficult"]


def _ground_truth(dataset: Dataset, image_numbers: List[int], category_numbers: List[int]) -> List[Dict[str, Any]]:
    """Returns the annotated objects in COCO's format, with the numbers of images and categories as ids."""
    annotation_file = getattr(dataset, "annotation_file", None)
    # An object that the reader left out must not be missed; the records are the ground truth then.
    if annotation_file and not dataset.skipped:
        return _objects_of_file(dataset, annotation_file, image_numbers, category_numbers)
    objects = []
    for record, image in zip(dataset.records, image_numbers):
        for (x1, y1, x2, y2), class_id, difficult, crowd in zip(
                record.boxes.tolist(), record.classes, record.difficult, record.crowd):
            width, height = x2 - x1 + 1, y2 - y1 + 1
            objects.append({"image_id": image, "category_id": category_numbers[class_id],
                            "bbox": [x1, y1, width, height], "area": width * height, "iscrowd": int(crowd),
                            "difficult": int(difficult)})
    return objects


def _objects_of_file(dataset: Dataset, annotation_file: str, image_numbers: List[int],
                     category_numbers: List[int]) -> List[Dict[str, Any]]:
    """Returns the objects of an annotation file that are in the images of the data set and of its classes."""
    image_number = {record.image_id: number for record, number in zip(dataset.records, image_numbers)}
    category_number = dict(zip(category_ids(dataset), category_numbers))
    # Read as the reader of the data set reads it.
    with open(annotation_file, encoding="utf-8-sig") as file:
        annotations = json.load(file)["annotations"]
    objects = []
    for annotation in annotations:
        image, category = image_number.get(annotation["image_id"]), category_number.get(annotation["category_id"])
        if image is not None and category is not None:
            bbox, area = [float(value) for value in annotation["bbox"]], annotation.get("area")
            objects.append({"image_id": image, "category_id": category, "bbox": bbox,
                            "area": bbox[2] * bbox[3] if area is None else float(area),
                            "iscrowd": int(bool(annotation.get("iscrowd"))), "difficult": 0})
    return objects


def _index(objects: List[Dict[str, Any]], image_numbers: List[int], category_numbers: List[int]) -> COCO:
    """Returns objects as an instance of pycocotools' COCO. They get the ids 1, 2, ...: COCOeval takes 0 for none."""
    coco = COCO()
    coco.dataset = {"images": [{"id": number} for number in image_numbers],
                    "categories": [{"id": number} for number in category_numbers],
                    "annotations": [dict(one, id=number) for number, one in enumerate(objects, 1)]}
    coco.createIndex()
    return coco


def _ranks(ids: Sequence[Any]) -> List[int]:
    """Returns the rank of each id, from 1, numbers before strings; equal ids have ranks in their order."""
    order = sorted(range(len(ids)), key=lambda position: (isinstance(ids[position], str), ids[position]))
    ranks = [0] * len(ids)
    for rank, position in enumerate(order, 1):
        ranks[position] = rank
    return ranks


def _mean(precision: np.ndarray) -> float:
    """Returns the mean of the precisions that are known; pycocotools writes -1 where there is no object to find."""
    known = precision[precision > -1]
    return float(known.mean()) if known.size else float("nan")
