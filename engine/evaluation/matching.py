"""Detections of a detector whose classes are not those of the data set: classes are matched by their names."""
from typing import List, Optional, Sequence

import numpy as np

from ...data import Dataset
from ...errors import DataError
from ..building.datasets import check_testable
from ..inference.detections import Detections


def match_classes(detector_classes: Sequence[str], dataset: Dataset) -> Optional[np.ndarray]:
    """Finds the class of a data set for each class of a detector, by name.

    Args:
        detector_classes: names in the order of their ids.
        dataset: the data set to test on.

    Returns:
        int (classes of the detector,): ids of the data set's classes, -1 for a class that it does not have; None where
        both have the same classes in the same order.

    Raises:
        DataError: no class has the same name, or all boxes of the data set are of classes that it was not asked for.
    """
    id_of = {name: class_id for class_id, name in enumerate(dataset.classes)}
    matched = np.array([id_of.get(name, -1) for name in detector_classes], int)
    if (matched < 0).all():
        raise DataError(f"the detector has the classes {_names(detector_classes)}, and {dataset.name} has "
                        f"{_names(dataset.classes)}: no name is in both", "classes")
    check_testable(dataset)
    return None if tuple(detector_classes) == tuple(dataset.classes) else matched


def describe_match(detector_classes: Sequence[str], dataset_classes: Sequence[str]) -> str:
    """Returns a sentence on the classes that only one of detector and data set has; empty where both have the same."""
    only_data_set = [one for one in dataset_classes if one not in detector_classes]
    only_detector = [one for one in detector_classes if one not in dataset_classes]
    parts = []
    if only_data_set:
        parts.append(f"the detector does not know {_names(only_data_set)}, whose objects count as missed")
    if only_detector:
        parts.append(f"the data set does not have {_names(only_detector)}, and detections of that are left out")
    return "; ".join(parts)


def with_classes_of_data_set(detections: Sequence[Detections], matched: np.ndarray) -> List[Detections]:
    """Returns the detections with the ids that `match_classes` returned, without those of other classes."""
    kept = []
    for ids, scores, boxes in detections:
        new = matched[ids]
        kept.append(Detections(new[new >= 0], scores[new >= 0], boxes[new >= 0]))
    return kept


def _names(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
