"""Suggested anchors: few, and as good as can be."""
import numpy as np
import pytest

from light_head_rcnn.engine.building.anchor_coverage import AnchorCoverage, BoxSample
from light_head_rcnn.engine.building.anchor_suggestion import Anchors, suggest_anchors

PRESENT = Anchors((0.5, 1, 2), (4, 8, 16, 32))


def coverage_of(widths, heights, stride=16, positive_iou=0.6, count=400):
    """Boxes of these widths and heights, with a little noise, anywhere in images of 320 x 448 pixels."""
    rng = np.random.RandomState(0)
    kinds = rng.randint(len(widths), size=count)
    sizes = np.stack([np.take(widths, kinds), np.take(heights, kinds)], axis=1) * rng.uniform(0.95, 1.05, (count, 2))
    corners = rng.rand(count, 2) * ([448, 320] - sizes)
    boxes = np.concatenate([corners, corners + sizes - 1], axis=1)
    image = np.tile([320, 448], (count, 1))

    def cells(size):
        return tuple(-(-size // one) for one in stride) if isinstance(stride, tuple) else -(-size // stride)

    return AnchorCoverage(BoxSample(boxes, image, image, count), cells, stride, positive_iou)


def test_one_kind_of_box_needs_one_anchor():
    coverage = coverage_of([60], [120])
    ratios, scales = suggest_anchors(coverage, PRESENT)
    assert len(ratios) == len(scales) == 1 and 1.5 < ratios[0] < 2.7 and 4.5 < scales[0] < 6.5
    assert coverage(ratios, scales).share > 0.97 > coverage(*PRESENT).share


def test_two_sizes_need_two_scales_and_two_shapes_two_ratios():
    ratios, scales = suggest_anchors(coverage_of([40, 150], [40, 150]), PRESENT)
    assert (len(ratios), len(scales)) == (1, 2)
    ratios, scales = suggest_anchors(coverage_of([60, 150], [150, 60]), PRESENT)
    assert (len(ratios), len(scales)) == (2, 1)


def test_a_pyramid_has_few_scales_for_all_levels():
    coverage = coverage_of([20, 40, 80, 160], [20, 40, 80, 160], (4, 8, 16, 32))
    found = suggest_anchors(coverage, PRESENT)
    assert len(found.ratios) * len(found.scales) <= 2 and coverage(*found).share > 0.97


def test_what_is_there_stays_where_nothing_is_better():
    """Boxes of eight pixels cannot be covered at a stride of sixteen; four anchors are as good as twelve."""
    coverage = coverage_of([8], [8], positive_iou=0.7)
    present = Anchors((1,), (0.5,))
    found = suggest_anchors(coverage, present)
    assert len(found.ratios) * len(found.scales) == 1
    assert coverage(*found).share >= coverage(*present).share - 0.02


@pytest.mark.slow
@pytest.mark.parametrize("present", [PRESENT, Anchors((1,), (30,))])
def test_the_search_is_repeatable_and_rounds(present):
    coverage = coverage_of([30, 70, 200], [50, 60, 120])
    found = suggest_anchors(coverage, present)
    assert found == suggest_anchors(coverage_of([30, 70, 200], [50, 60, 120]), present)
    assert all(round(value, 2) == value for values in found for value in values)
    assert found.scales == tuple(sorted(found.scales)) and found.ratios == tuple(sorted(found.ratios))
