"""Boxes around shapes against the outermost of many points on them."""
import math

import pytest
from light_head_rcnn.data.readers.outlines import (
    box_around,
    box_of_ellipse,
    box_of_turned_rectangle,
    circle_through,
    is_closed,
)


def test_box_around_points():
    assert box_around([(3, 1), (0, 5), (2, 2)]) == (0, 1, 3, 5)
    with pytest.raises(ValueError):
        box_around([])


@pytest.mark.parametrize("angle", [0, 0.3, math.pi / 2, 2.5])
def test_box_of_an_ellipse(angle):
    steps = [2 * math.pi * i / 20000 for i in range(20000)]
    points = [(20 + 9 * math.cos(t) * math.cos(angle) - 4 * math.sin(t) * math.sin(angle),
               30 + 9 * math.cos(t) * math.sin(angle) + 4 * math.sin(t) * math.cos(angle)) for t in steps]
    assert box_of_ellipse(20, 30, 9, 4, angle) == pytest.approx(box_around(points), abs=1e-5)


@pytest.mark.parametrize("angle, pivot, box", [
    (0, (0, 0), (10, 20, 30, 28)), (math.pi / 2, (20, 24), (16, 14, 24, 34)),  # a quarter about its centre
    (math.pi / 2, (10, 20), (2, 20, 10, 40)),  # clockwise about its upper left corner: it hangs down to the left
])
def test_box_of_a_turned_rectangle(angle, pivot, box):
    assert box_of_turned_rectangle((10, 20, 30, 28), angle, pivot) == pytest.approx(box)


def test_circle_through_points():
    points = [(3 + 5 * math.cos(t), 7 + 5 * math.sin(t)) for t in (0.1, 2, 4)]
    assert circle_through(points) == pytest.approx((3, 7, 5))
    with pytest.raises(ValueError, match="line"):
        circle_through([(0, 0), (1, 1), (2, 2)])
    with pytest.raises(ValueError):
        circle_through(points[:2])


@pytest.mark.parametrize("points, answer", [
    ([(0, 0), (100, 0), (50, 80), (3, 4)], True), ([(0, 0), (100, 0), (50, 80), (0, 20)], False),
    ([(0, 0), (9, 0), (0, 0)], False), ([(0, 0), (9, 0), (9, 9), (0, 0)], True)])
def test_is_closed(points, answer):
    assert is_closed(points) is answer
