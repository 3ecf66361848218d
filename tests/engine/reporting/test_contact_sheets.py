"""Contact sheets hold all pictures, whole and apart, with their captions."""
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.engine.reporting.contact_sheets import PER_SHEET, THUMBNAIL, add_caption, make_sheets

RED = (250, 10, 10)


def pictures(*sizes):
    return [(f"picture {number}", Image.new("RGB", size, RED)) for number, size in enumerate(sizes)]


@pytest.mark.parametrize("count, sheets", [(0, 0), (1, 1), (PER_SHEET, 1), (PER_SHEET + 1, 2)])
def test_the_number_of_sheets(count, sheets):
    assert len(list(make_sheets(pictures(*[(30, 20)] * count)))) == sheets


def test_every_picture_is_there_whole():
    sizes = [(THUMBNAIL, 200), (150, THUMBNAIL), (40, 30), (1, 1), (THUMBNAIL, THUMBNAIL)]
    sheet, = make_sheets(pictures(*sizes))
    red = (np.array(sheet) == RED).all(axis=2)
    assert red.sum() == sum(width * height for width, height in sizes)
    assert not red[0].any() and not red[-1].any() and not red[:, [0, -1]].any()


def test_captions_are_written_and_long_ones_cut():
    (_, picture), = pictures((100, 100))
    blank, = make_sheets([("", picture)])
    short, = make_sheets([("a.jpg", picture)])
    long, = make_sheets([("a/very/long/path/to/" * 10 + "a.jpg", picture)])
    assert blank.size == short.size == long.size
    assert (np.array(blank) != 255).sum() < (np.array(short) != 255).sum() < (np.array(long) != 255).sum()


def test_a_caption_stands_above_its_picture_and_wraps():
    (_, picture), = pictures((300, 100))
    one, two = add_caption(picture, "a word"), add_caption(picture, "many words " * 20)
    for result in (one, two):
        assert result.width == 300 and (np.array(result)[-100:] == RED).all()
        assert (np.array(result)[:-100] < 100).any()
    assert two.height > one.height + 20
