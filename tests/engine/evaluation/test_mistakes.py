"""Missed objects and false detections, in images where they can be told by eye."""
from types import SimpleNamespace

import numpy as np
import pytest

from light_head_rcnn.data.record import Annotation, make_record
from light_head_rcnn.engine.evaluation.mistakes import find_mistakes

BOX, APART = (10, 10, 49, 49), (60, 60, 89, 89)


def compare(annotations, rows, regions=(), **options):
    """The mistakes in one image; rows are (id, score, box)."""
    record = make_record("x", "x.jpg", 100, 100, annotations, regions)
    dataset = SimpleNamespace(records=[record], classes=("cat", "dog"), name="set")
    detections = (np.array([row[0] for row in rows], int), np.array([row[1] for row in rows]),
                  np.array([row[2] for row in rows], float).reshape(-1, 4))
    return find_mistakes(dataset, [detections], **options)[0]


def test_an_object_that_is_found_and_one_that_is_missed():
    image = compare([Annotation(BOX, 0), Annotation(APART, 0)], [(0, 0.9, (12, 10, 49, 49))])
    assert image.found.tolist() == [True, False] and image.missed.tolist() == [False, True]
    assert image.correct.tolist() == [True] and image.false.tolist() == [False] and image.count == 1


@pytest.mark.parametrize("row", [(1, 0.9, BOX), (0, 0.9, (10, 10, 49, 28)), (0, 0.9, APART)])
def test_another_class_a_poor_place_and_nothing_there_are_false(row):
    image = compare([Annotation(BOX, 0)], [row])
    assert image.false.tolist() == [True] and image.missed.tolist() == [True] and image.count == 2


def test_an_object_is_found_once_by_the_detection_with_the_highest_score():
    image = compare([Annotation(BOX, 0)], [(0, 0.6, BOX), (0, 0.9, (12, 10, 49, 49))])
    np.testing.assert_array_equal(image.detections[1], [0.9, 0.6])
    assert image.correct.tolist() == [True, False] and image.false.tolist() == [False, True]


def test_a_detection_takes_the_second_best_object_where_the_best_is_taken():
    near = (14, 10, 53, 49)
    image = compare([Annotation(BOX, 0), Annotation(near, 0)], [(0, 0.9, BOX), (0, 0.8, BOX)])
    assert image.found.tolist() == [True, True] and image.count == 0


@pytest.mark.parametrize("mark", ["difficult", "ignored", "crowd"])
def test_what_does_not_count_is_neither_missed_nor_makes_detections_false(mark):
    annotation = Annotation(BOX, 0, **{mark: True})
    assert compare([annotation], []).count == 0
    image = compare([annotation], [(0, 0.9, BOX), (0, 0.8, BOX)])
    assert image.count == 0 and not image.correct.any()
    assert compare([annotation], [(1, 0.9, BOX)]).count == 1
    assert compare([annotation], [(0, 0.9, (20, 20, 29, 29))]).count == (0 if mark == "crowd" else 1)


def test_detections_in_regions_of_which_nothing_is_known_do_not_count():
    assert compare([], [(0, 0.9, (20, 20, 29, 29)), (1, 0.9, BOX)], regions=[BOX]).count == 0
    assert compare([], [(0, 0.9, APART)], regions=[BOX]).count == 1


def test_an_object_goes_before_what_does_not_count():
    image = compare([Annotation(BOX, 0), Annotation(BOX, 0, difficult=True)], [(0, 0.9, BOX)])
    assert image.correct.tolist() == [True] and image.count == 0


def test_the_threshold_and_the_least_iou():
    rows = [(0, 0.4, (10, 10, 49, 29))]
    assert compare([Annotation(BOX, 0)], rows).count == 1
    assert compare([Annotation(BOX, 0)], rows, threshold=0.4).count == 0
    assert compare([Annotation(BOX, 0)], rows, threshold=0.4, least_iou=0.6).count == 2


def test_the_worst_image_is_first_and_missed_objects_weigh_more():
    none = np.zeros(0, int), np.zeros(0), np.zeros((0, 4))
    some = np.zeros(2, int), np.array([0.9, 0.8]), np.array([APART, BOX], float)
    records = [make_record(name, name, 100, 100, annotations) for name, annotations in (
        ("good", []), ("two false", []), ("two missed", [Annotation(BOX, 0), Annotation(APART, 0)]),
        ("three missed", [Annotation(BOX, 0)] * 3))]
    dataset = SimpleNamespace(records=records, classes=("cat",), name="set")
    images = find_mistakes(dataset, [none, some, none, none])
    assert [image.record.image_id for image in images] == ["three missed", "two missed", "two false", "good"]
