"""Keypoints and polygons, told apart where nothing says which of the two the lines of label files have."""
import math

import pytest
from light_head_rcnn.data.readers.yolo_keypoints import state_keypoints


@pytest.fixture
def tell(tmp_path):
    """Returns a function that writes a label file with some lines of numbers, and what that is taken for."""
    def tell_lines(*lines):
        (tmp_path / "a.txt").write_text("".join(" ".join(map(str, (0, *line))) + "\n" for line in lines))
        return state_keypoints([str(tmp_path / "a.txt")])
    return tell_lines


def person(x, y, width, height, known=17, flags=()):
    """A box with 17 keypoints in it, of which some are known, each with a third number if there are flags."""
    points = [(x + width * (number % 5 - 2) / 5, y + height * (number % 7 - 3) / 7) if number < known else (0, 0)
              for number in range(17)]
    keypoints = [(*point, flags[number % len(flags)]) if flags else point for number, point in enumerate(points)]
    return [x, y, width, height, *(value for keypoint in keypoints for value in keypoint)]


def outline(x, y, radius, points, start=0, sharp=1):
    """An outline around a place; every second point lies farther from its middle where it is sharp."""
    angles = [2 * math.pi * (number + start) / points for number in range(points)]
    radii = [radius * (sharp if number % 2 else 1) for number in range(points)]
    return [value for angle, r in zip(angles, radii) for value in (x + r * math.cos(angle), y + r * math.sin(angle))]


@pytest.mark.parametrize("flags", [(), (0, 1), (0, 1, 2)])
def test_keypoints(tell, flags):
    assert tell(person(.5, .5, .1, .2, flags=flags), person(.6, .4, .5, .6, 9, flags=flags))
    assert tell([.5, .5, .2, .2] + 17 * [.45, .45, *flags[:1]])


def test_large_boxes_tell_nothing_but_where_each_keypoint_has_three_numbers(tell):
    assert not tell(person(.5, .5, .6, .8)) and tell(person(.5, .5, .6, .8, flags=(1, 2)))


@pytest.mark.parametrize("points", [3, 4, 5, 8, 40])
@pytest.mark.parametrize("radius", [.01, .1, .3])
@pytest.mark.parametrize("sharp", [1, 3])
def test_polygons_wherever_they_lie(tell, points, radius, sharp):
    for x in (.3, .5, .7):
        for y in (.4, .8):
            assert not tell(*(outline(x, y, radius, points, start, sharp) for start in range(points)))


def test_a_spike_of_four_corners_is_a_polygon(tell):
    assert not tell([.5, .5, .6, .51, .5, .52, .51, .51])


@pytest.mark.parametrize("lines", [
    [], [[.5, .5, .2, .2]], [[.5, .5, .2, .2, .9]], [["x"] * 10],
    [person(.5, .5, .2, .3), [.5, .5, .2, .3]], [person(.5, .5, .2, .3), person(.5, .5, .2, .3)[:-2]],
    [person(.5, .5, .2, .3)[:4] + [.9, .9] * 5]])
def test_lines_of_other_kinds(tell, lines):
    assert not tell(*lines)
