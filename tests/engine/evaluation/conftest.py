"""Data sets and detections made by hand."""
from types import SimpleNamespace

import numpy as np
import pytest

from light_head_rcnn.data import Annotation, make_record


@pytest.fixture
def dataset_of():
    """Function from image ids and lists of annotations (box, class id[, difficult[, crowd]]) to a data set."""
    def dataset_of(*images, classes=("a", "b")):
        return SimpleNamespace(name="fake", classes=classes, skipped=[], records=[
            make_record(image_id, "", 200, 200, [Annotation(*one) for one in annotations])
            for image_id, annotations in images])

    return dataset_of


@pytest.fixture
def detected():
    """Function from rows (class id, score, box) to the detections of one image."""
    def detected(*rows):
        return (np.array([row[0] for row in rows], int), np.array([row[1] for row in rows], np.float32),
                np.array([row[2] for row in rows], np.float32).reshape(-1, 4))

    return detected


@pytest.fixture
def guess():
    """Function from records to imperfect detections: some objects are missed, others displaced or of a wrong class."""
    def guess(records, classes, seed=0, noise=3):
        rng = np.random.RandomState(seed)
        detections = []
        for record in records:
            keep = rng.rand(len(record.boxes)) < 0.85
            boxes = record.boxes[keep] + rng.normal(0, noise, (keep.sum(), 4)).astype(np.float32)
            boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
            ids = np.where(rng.rand(keep.sum()) < 0.9, record.classes[keep], rng.randint(0, classes, keep.sum()))
            detections.append((ids, rng.rand(len(ids)).astype(np.float32), boxes))
        return detections

    return guess
