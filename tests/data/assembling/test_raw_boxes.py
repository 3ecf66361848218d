"""Boxes of a whole set at once: what is stated, in which format, and what is left of them on their images."""
import math

import numpy as np
import pytest
from light_head_rcnn.data import BOX_FORMATS
from light_head_rcnn.data.assembling.raw_boxes import FittedBoxes, another_format, as_coco_boxes, stated_numbers
from light_head_rcnn.errors import UsageError

SIZE = (60, 40)


def fit(*boxes, size=SIZE):
    """Fits boxes x1, y1, x2, y2 (0-based pixels, inclusive ends) to an image."""
    sizes = np.array([size] * len(boxes), np.float64)
    return FittedBoxes(as_coco_boxes(np.array(boxes, np.float64), "corners", sizes), sizes)


def fault(fitted):
    return [name for name in ("not_numbers", "inverted", "outside", "over_edge") if getattr(fitted, name)[0]]


@pytest.mark.parametrize("box_format, numbers", [
    ("xywh", (10, 5, 20, 30)), ("corners", (10, 5, 29, 34)), ("corners_from_1", (11, 6, 30, 35)),
    ("edges", (10, 5, 30, 35)), ("centre", (20, 20, 20, 30)),
    ("centre_fractions", (20 / 60, 20 / 40, 20 / 60, 30 / 40)),
    ("edge_fractions", (10 / 60, 5 / 40, 30 / 60, 35 / 40))])
def test_every_format_of_one_box(box_format, numbers):
    # Columns 10 to 29 and rows 5 to 34 of an image of 60 x 40 pixels.
    boxes = as_coco_boxes(np.array([numbers], np.float64), box_format, np.array([SIZE], np.float64))
    np.testing.assert_allclose(boxes, [[10, 5, 20, 30]], rtol=1e-12)
    np.testing.assert_allclose(FittedBoxes(boxes, np.array([SIZE], np.float64)).boxes, [[10, 5, 29, 34]], rtol=1e-12)


def test_formats():
    with pytest.raises(UsageError, match="unknown format of boxes 'yxyx'; known: xywh, corners"):
        as_coco_boxes(np.zeros((0, 4)), "yxyx", np.zeros((0, 2)))
    assert all(as_coco_boxes(np.zeros((0, 4)), one, np.zeros((0, 2))).shape == (0, 4) for one in BOX_FORMATS)


@pytest.mark.parametrize("box", [
    (0, 0, 59, 39), (5, 5, 5, 5), (-1, -1, 60, 40), (10, 10, 9.4, 20), (10, 10, 9, 20), (60, 10, 59.5, 20),
    (-0.5, 0.25, 10.125, 39.5), (10, 40, 20, 39.5)])
def test_sound_boxes_are_clipped_as_a_loop_clips_them(box):
    fitted = fit(box)
    x1, y1 = min(max(box[0], 0), 59), min(max(box[1], 0), 39)
    assert fitted.boxes.tolist() == [[x1, y1, min(max(box[2], x1), 59), min(max(box[3], y1), 39)]]
    assert not fault(fitted)


@pytest.mark.parametrize("box, expected, left", [
    ((-1.5, 0, 5, 5), "over_edge", (0, 0, 5, 5)), ((0, -9, 5, 5), "over_edge", (0, 0, 5, 5)),
    ((0, 0, 60.5, 5), "over_edge", (0, 0, 59, 5)), ((50, 30, 500, 400), "over_edge", (50, 30, 59, 39)),
    ((-5, -5, 100, 100), "over_edge", (0, 0, 59, 39)), ((59.5, 0, 70, 5), "over_edge", (59, 0, 59, 5)),
    ((60, 0, 70, 5), "outside", None), ((-9, 0, -2, 5), "outside", None), ((-9, 0, -1, 5), "outside", None),
    ((0, 40, 5, 50), "outside", None), ((0, -9, 5, -1), "outside", None), ((100, 100, 99, 99), "outside", None),
    ((29, 34, 10, 5), "inverted", (10, 5, 29, 34)), ((29, 5, 10, 34), "inverted", (10, 5, 29, 34)),
    ((90, 5, 10, 34), "inverted", (10, 5, 59, 34)), ((90, 5, 70, 34), "inverted", None),
    ((math.nan, 0, 5, 5), "not_numbers", (0, 0, 59, 39))])
def test_faults_and_what_is_left(box, expected, left):
    fitted = fit(box)
    assert fault(fitted) == [expected] and bool(fitted.nothing_left[0]) == (left is None)
    if left is not None:
        assert fitted.boxes.tolist() == [list(left)]


def test_each_box_has_the_size_of_its_own_image():
    sizes = np.array([(10, 10), (100, 100)], np.float64)
    fitted = FittedBoxes(np.array([(5, 5, 50, 50), (5, 5, 50, 50)], np.float64), sizes)
    assert fitted.over_edge.tolist() == [True, False]
    assert fitted.boxes.tolist() == [[5, 5, 9, 9], [5, 5, 54, 54]]


def test_stated_numbers():
    whole = stated_numbers([[1, 2, 3, 4], (0.1, 2, 3, 1e-3)])
    assert whole.dtype == np.float64 and whole.tolist() == [[1, 2, 3, 4], [0.1, 2, 3, 1e-3]]
    assert stated_numbers([]).shape == (0, 4)
    mixed = stated_numbers([[1, 2, 3, 4], ["1", " 2.5 ", 3, 4], (5, 6, 7, 8)])
    assert mixed.tolist() == [[1, 2, 3, 4], [1, 2.5, 3, 4], [5, 6, 7, 8]]


@pytest.mark.parametrize("box", [
    None, 5, "1 2 3 4", [], [1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 3, None], [1, 2, 3, "x"], [1, 2, 3, math.nan],
    [1, 2, math.inf, 4], [1, 2, 3, 10 ** 400], [1, 2, 3, True], [[1, 2], [3, 4], 5, 6], {"x": 1}, {1: 1, 2: 2, 3: 3,
                                                                                                  4: 4}])
def test_a_box_that_is_not_four_numbers_spoils_no_other(box):
    numbers = stated_numbers([[1, 2, 3, 4], box, [5, 6, 7, 8]])
    assert np.isnan(numbers).all(axis=1).tolist() == [False, True, False]
    assert numbers[[0, 2]].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


IMAGES = np.array([[100, 80]] * 8, np.float64)
CORNERS = np.array([[10 * n, 5 * n, 10 * n + 29, 5 * n + 40] for n in range(8)], np.float64)
SIDES = np.array([[10 * n, 5 * n, 30, 41] for n in range(8)], np.float64)


@pytest.mark.parametrize("numbers, box_format, answer", [
    (SIDES, "xywh", None), (CORNERS, "corners", None), (CORNERS + 1, "corners_from_1", None),
    (CORNERS, "xywh", "read like corners x1, y1, x2, y2: as such all 8 lie in their images, but as x, y, width, "),
    (CORNERS[:7], "xywh", None), (SIDES / 100, "xywh", "all 8 boxes lie between 0 and 1"),
    (CORNERS / 100, "edges", "all 8 boxes lie between 0 and 1"), (SIDES / 100, "centre_fractions", None),
    (CORNERS / 100, "edge_fractions", None),
    (np.array([[0, 0, 1, 1]] * 8, np.float64), "xywh", None),  # whole pixels
    (np.array([[0, 0, 100, 80]] * 8, np.float64), "xywh", None),  # the whole image
    (np.full((8, 4), np.nan), "xywh", None), (np.zeros((0, 4)), "xywh", None)])
def test_boxes_of_another_format(numbers, box_format, answer):
    found = another_format(numbers, box_format, IMAGES[:len(numbers)])
    assert found is None if answer is None else answer in found
