"""COCO's metrics, computed by pycocotools, for a data set of any layout."""
import contextlib
import io
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ...data import Dataset, Record
from ...progress import ProgressBar
from .coco_results import category_ids, result_boxes, result_scores
from .detections import ImageDetections, join_detections

# In the order of COCOeval.stats.
_NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")


def coco_metrics(dataset: Dataset, detections: Sequence[ImageDetections]) -> Dict[str, Any]:
    """Computes COCO's twelve metrics, and AP and AP50 of each class.

    The ground truth is that of the records: boxes in double precision as the annotations state them
    (`Record.coco_boxes`), areas, by which APs, APm and APl tell small, medium and large objects apart, and crowds.
    Objects that the records call difficult or ignored count neither as found nor as missed. A region of which nothing
    is known is a crowd of every class: detections that lie in it count neither as right nor as wrong. For an annotation
    file without faults the metrics equal those that pycocotools computes from that file and the results.

    Images are told apart by their place in the data set: two of them may have the same id.

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
    # In the order of pycocotools: it decides between equal scores, and the order of the sums.
    image_ranks = _ranks([record.image_id for record in dataset.records])
    class_ranks = _ranks(category_ids(dataset))
    found = _found_objects(dataset, detections, image_ranks)
    truth = _true_objects(dataset.records, image_ranks)
    regions = _unknown_regions(dataset.records, image_ranks)
    by_rank = [_evaluate_class(truth.of_class(class_id), regions, found.of_class(class_id)) for class_id in
               ProgressBar(np.argsort(class_ranks), disable=None, unit="class", desc="evaluating", leave=False)]
    # Axes: IoU thresholds, recalls, categories, areas (0 is all), greatest numbers of detections (-1 is 100).
    precision = np.stack([precision for precision, _ in by_rank], axis=2)
    summary = COCOeval(iouType="bbox")
    summary.eval = {"precision": precision, "recall": np.stack([recall for _, recall in by_rank], axis=1)}
    with contextlib.redirect_stdout(io.StringIO()):
        summary.summarize()
    metrics = {name: float(value) if value > -1 else float("nan") for name, value in zip(_NAMES, summary.stats)}
    of_all_areas = precision[:, :, :, 0, -1]
    metrics["per_class"] = {
        name: {"AP": _mean(of_all_areas[:, :, rank]), "AP50": _mean(of_all_areas[0, :, rank])}
        for name, rank in zip(dataset.classes, class_ranks)}
    return metrics


class _Objects(NamedTuple):
    """True or found objects of all images as arrays, sorted by class and then by the rank of their image."""

    classes: np.ndarray  # int (n,)
    images: np.ndarray  # int (n,), ranks from 1
    boxes: np.ndarray  # float64 (n, 4), x, y, width, height
    areas: np.ndarray  # float64 (n,)
    scores: np.ndarray  # float64 (n,), of true objects 0
    crowd: np.ndarray  # bool (n,)
    ignored: np.ndarray  # bool (n,)

    def sorted(self) -> "_Objects":
        """The same in the order of classes and images; objects of one image and class keep theirs."""
        order = np.lexsort((self.images, self.classes))
        return _Objects(*(field[order] for field in self))

    def of_class(self, class_id: int) -> "_Objects":
        start, end = np.searchsorted(self.classes, (class_id, class_id + 1))
        return _Objects(*(field[start:end] for field in self))


def _true_objects(records: Sequence[Record], image_ranks: Sequence[int]) -> _Objects:
    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(record, name) for record in records])

    classes = joined("classes")
    return _Objects(classes, np.repeat(image_ranks, [len(record.classes) for record in records]), joined("coco_boxes"),
                    joined("areas"), np.zeros(len(classes)), joined("crowd"),
                    joined("difficult") | joined("ignored")).sorted()


def _unknown_regions(records: Sequence[Record], image_ranks: Sequence[int]) -> _Objects:
    """Returns the regions of which nothing is known as crowds; their class is 0, and means nothing."""
    regions = np.concatenate([record.regions for record in records]).astype(np.float64)
    regions[:, 2:] += 1 - regions[:, :2]
    none = np.zeros(len(regions), int)
    return _Objects(none, np.repeat(image_ranks, [len(record.regions) for record in records]), regions,
                    regions[:, 2] * regions[:, 3], none.astype(float), ~none.astype(bool), none.astype(bool))


def _found_objects(dataset: Dataset, detections: Sequence[ImageDetections], image_ranks: Sequence[int]) -> _Objects:
    found = join_detections(dataset, detections)
    boxes, none = result_boxes(found.boxes), np.zeros(len(found.ids), bool)
    return _Objects(found.ids, np.asarray(image_ranks)[found.images], boxes, boxes[:, 2] * boxes[:, 3],
                    result_scores(found.scores), none, none).sorted()


class _Evaluation(COCOeval):
    """A COCOeval that also ignores objects that are marked so; by itself it ignores crowds alone.

    Setting `iscrowd` would not do: a detection is compared with a crowd by another overlap than IoU.
    """

    def _prepare(self) -> None:
        super()._prepare()
        for objects in self._gts.values():
            for truth in objects:
                truth["ignore"] = truth["ignore"] or truth["ignored"]


def _evaluate_class(truth: _Objects, regions: _Objects, found: _Objects) -> Tuple[np.ndarray, np.ndarray]:
    """Evaluates one class; classes one after the other need a fraction of the memory of all at once.

    Args:
        truth, found: of the class.
        regions: of all images; those of images in which nothing was found play no part.

    Returns:
        precision: (10 IoU thresholds, 101 recalls, 4 areas, 3 greatest numbers of detections), and recall: the same
        without the recalls; -1 where there is no object to find.
    """
    excusing = np.isin(regions.images, found.images)
    truth = _Objects(*(np.concatenate([own, of_regions[excusing]]) for own, of_regions in zip(truth, regions)))
    images = np.union1d(truth.images, found.images).tolist()
    with contextlib.redirect_stdout(io.StringIO()):
        run = _Evaluation(_index(truth, images), _index(found, images), "bbox")
        run.evaluate()
        run.accumulate()
    return run.eval["precision"][:, :, 0], run.eval["recall"][:, 0]


def _index(objects: _Objects, images: List[int]) -> COCO:
    """Returns objects of one class as an instance of pycocotools' COCO, with the category 1.

    They get the ids 1, 2, ...: COCOeval takes 0 for none.
    """
    rows = zip(*(field.tolist() for field in objects[1:]))
    coco = COCO()
    coco.dataset = {"images": [{"id": image} for image in images], "categories": [{"id": 1}],
                    "annotations": [
                        {"id": number, "image_id": image, "category_id": 1, "bbox": bbox, "area": area, "score": score,
                         "iscrowd": int(crowd), "ignored": ignored}
                        for number, (image, bbox, area, score, crowd, ignored) in enumerate(rows, 1)]}
    coco.createIndex()
    return coco


def _ranks(ids: Sequence[Union[int, str]]) -> List[int]:
    """Returns the rank of each id, from 0, numbers before strings; equal ids have ranks in their order."""
    order = sorted(range(len(ids)), key=lambda position: (isinstance(ids[position], str), ids[position]))
    ranks = [0] * len(ids)
    for rank, position in enumerate(order):
        ranks[position] = rank
    return ranks


def _mean(precision: np.ndarray) -> float:
    """Returns the mean of the precisions that are known; pycocotools writes -1 where there is no object to find."""
    known = precision[precision > -1]
    return float(known.mean()) if known.size else float("nan")
