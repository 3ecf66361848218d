"""At which part of its size an image may be decoded."""
import pytest
from hypothesis import given
from hypothesis import strategies as st
from light_head_rcnn.data.pictures.resizing import decoding_part, resize_scale, resized_size, shrinking_part


@pytest.mark.parametrize("size, sizes, part", [
    ((3024, 4032), [(800, 1333)], 2), ((3024, 4032), [(600, 1000)], 4), ((3024, 4032), [(320, 448)], 8),
    ((3024, 4032), [(320, 448), (600, 1000)], 4), ((3024, 4032), [], 1), ((480, 640), [(800, 1333)], 1),
    ((1600, 2000), [(800, 1333)], 2), ((1598, 2000), [(800, 1333)], 1), ((8000, 1000), [(800, 1200)], 4),
    # An eighth of 1601 pixels would be 201: seven pixels too many.
    ((1601, 1608), [(200, 1333)], 4)])
def test_the_part(size, sizes, part):
    assert decoding_part(*size, sizes) == decoding_part(*size[::-1], sizes) == part


edges = st.integers(1, 5000)


@given(edges, edges, edges, edges)
def test_a_part_keeps_enough_pixels_and_moves_no_point_by_more_than_half_of_one(height, width, short, long):
    new = resized_size(height, width, resize_scale(height, width, short, long))
    part = shrinking_part(height, width, *new)
    for old, edge in zip((height, width), new):
        decoded = -(-old // part)
        assert decoded >= min(edge, old)
        if part > 1:
            assert abs(decoded * part - old) * edge / old <= 0.5
