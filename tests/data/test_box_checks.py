"""The check of boxes that all readers share."""
import pytest

from light_head_rcnn.data import DataError, check_and_clip_box


@pytest.mark.parametrize("box, expected", [
    ((0, 0, 59, 39), (0, 0, 59, 39)),
    ((5, 5, 5, 5), (5, 5, 5, 5)),  # one pixel
    ((-0.5, -1, 59.5, 40), (0, 0, 59, 39)),  # up to one pixel outside
    ((-1, -0.5, 60, 39.5), (0, 0, 59, 39)),
    ((10, 10, 9.4, 20), (10, 10, 10, 20)),  # narrower than a pixel
    ((10, 10, 20, 9.4), (10, 10, 20, 10)),
    ((10, 10, 9, 20), (10, 10, 10, 20)),  # COCO's width 0
    ((10, 10, 20, 9), (10, 10, 20, 10)),  # COCO's height 0
    ((60, 10, 59.5, 20), (59, 10, 59, 20)),  # a sliver at the edge
    ((10, 40, 20, 39.5), (10, 39, 20, 39)),
])
def test_box_is_clipped(box, expected):
    assert check_and_clip_box(*box, 60, 40) == expected


@pytest.mark.parametrize("box, kind", [
    ((-1.5, 0, 5, 5), "box outside"), ((0, -1.5, 5, 5), "box outside"), ((0, 0, 60.5, 5), "box outside"),
    ((0, 0, 5, 40.5), "box outside"), ((100, 100, 110, 110), "box outside"),
    ((10, 0, 8.5, 5), "box inverted"), ((0, 10, 5, 8.5), "box inverted"),
    ((float("nan"), 0, 5, 5), "box not finite"), ((0, float("nan"), 5, 5), "box not finite"),
    ((0, 0, float("inf"), 5), "box not finite"), ((0, 0, 5, float("nan")), "box not finite"),
])
def test_broken_box(box, kind):
    with pytest.raises(DataError, match=r"box \(") as caught:
        check_and_clip_box(*box, 60, 40)
    assert caught.value.kind == kind
