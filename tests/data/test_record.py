"""Records: what they hold, and which boxes are trained on."""
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from light_head_rcnn.data import Annotation, drop_images_without_boxes, make_record, training_boxes

PLAIN, CROWD = Annotation((0, 0, 5, 5), 0), Annotation((0, 0, 5, 5), 0, crowd=True)
DIFFICULT = Annotation((0, 0, 5, 5), 0, difficult=True)


def record_of(*annotations):
    return make_record("x", "x.jpg", 60, 40, annotations)


def test_fields_of_a_record():
    record = record_of(Annotation((0, 1.5, 5, 6), 2, True, False), ((3, 3, 8, 8), 0, False, True))
    assert (record.image_id, record.path, record.width, record.height) == ("x", "x.jpg", 60, 40)
    assert record.boxes.tolist() == [[0, 1.5, 5, 6], [3, 3, 8, 8]] and record.boxes.dtype == np.float32
    assert record.classes.tolist() == [2, 0] and record.classes.dtype == np.int32
    assert record.difficult.tolist() == [True, False] and record.crowd.tolist() == [False, True]
    assert record.difficult.dtype == record.crowd.dtype == bool


def test_record_without_boxes_keeps_its_shapes():
    record = record_of()
    assert record.boxes.shape == (0, 4) and record.classes.shape == (0,)
    assert record.crowd.dtype == record.difficult.dtype == bool


def test_crowds_and_difficult_objects_are_not_trained_on():
    boxes, classes = training_boxes(record_of(
        Annotation((0, 0, 5, 5), 1), Annotation((1, 1, 6, 6), 2, difficult=True),
        Annotation((2, 2, 7, 7), 3, crowd=True), Annotation((3, 3, 8, 8), 0)))
    assert boxes.tolist() == [[0, 0, 5, 5], [3, 3, 8, 8]] and boxes.dtype == np.float32
    assert classes.tolist() == [1, 0] and classes.dtype == np.int32


def test_images_without_a_box_to_train_on_are_dropped():
    records = [record_of(*annotations) for annotations in (
        [PLAIN], [], [CROWD], [DIFFICULT], [CROWD, PLAIN], [CROWD, DIFFICULT])]
    assert drop_images_without_boxes(records) == [records[0], records[4]]


def test_records_are_compared_by_identity_and_cannot_be_changed():
    first, second = record_of(PLAIN), record_of(PLAIN)
    assert first != second and len({first, second, first}) == 2
    with pytest.raises(FrozenInstanceError):
        first.width = 61
