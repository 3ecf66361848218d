"""Searches for few ratios and scales of anchors that cover the boxes of a data set."""
import itertools
from typing import Iterable, List, NamedTuple, Sequence, Tuple

import numpy as np

from .anchor_coverage import AnchorCoverage, Coverage

MOST_RATIOS, MOST_SCALES, MOST_SCALES_OF_LEVELS = 3, 6, 3
# Fewer anchors are worth this share of the boxes: they cost less time in every step.
_ENOUGH = 0.02
# Boxes on which anchors are compared; the search ends once so large a share is covered.
_BOXES, _WANTED = 1000, 0.98
_FACTORS = (0.75, 0.85, 0.92, 0.97, 1.03, 1.08, 1.18, 1.33)
_ROUNDS = 8
# A box's level on a pyramid is that on which its side is so many strides, as with the anchors of Lin et al.
_STRIDES_OF_A_SIDE = 8


class Anchors(NamedTuple):
    """Ratios and scales of anchors, see `operators.anchors.base_anchors`."""

    ratios: Tuple[float, ...]
    scales: Tuple[float, ...]


def suggest_anchors(coverage: AnchorCoverage, present: Anchors) -> Anchors:
    """Searches for the smallest number of anchors that covers nearly as many boxes as can be covered.

    The search begins with the clusters of the logarithms of the boxes' sizes and shapes (k-means), and changes one
    number at a time while that covers more boxes.

    Args:
        coverage: of a sample with at least one box.
        present: the anchors that a configuration has; they are the answer where none are found that are better.

    Returns:
        Ratios and scales, rounded to two digits behind the point.
    """
    few = coverage.of_part(_BOXES)
    most_scales = MOST_SCALES_OF_LEVELS if isinstance(coverage.stride, tuple) else MOST_SCALES
    counts = sorted(itertools.product(range(1, MOST_RATIOS + 1), range(1, most_scales + 1)),
                    key=lambda pair: (pair[0] * pair[1], pair[0]))
    found: List[Tuple[float, Anchors]] = [(few(*present).share, present)]
    for ratios, scales in counts:
        best = _climb(_start(few, ratios, scales), few)
        found.append((few(*best).share, best))
        if found[-1][0] >= _WANTED:
            break
    largest = max(share for share, _ in found)
    enough = [anchors for share, anchors in found if share >= largest - _ENOUGH]
    return min(enough, key=lambda anchors: len(anchors.ratios) * len(anchors.scales))


def _start(coverage: AnchorCoverage, ratios: int, scales: int) -> Anchors:
    boxes = coverage.sample.boxes
    widths, heights = (boxes[:, k + 2] - boxes[:, k] + 1 for k in (0, 1))
    sides = np.log(np.sqrt(widths * heights))
    strides = np.log(np.array(coverage.stride, ndmin=1))
    level = np.abs(sides[:, None] - np.log(_STRIDES_OF_A_SIDE) - strides).argmin(axis=1)
    return _rounded(np.exp(_means(np.log(heights / widths), ratios)), np.exp(_means(sides - strides[level], scales)))


def _means(values: np.ndarray, count: int) -> np.ndarray:
    """The centres of `count` clusters of numbers (k-means)."""
    centres = np.quantile(values, (np.arange(count) + 0.5) / count)
    for _ in range(20):
        nearest = np.abs(values[:, None] - centres).argmin(axis=1)
        centres = np.array([values[nearest == k].mean() if (nearest == k).any() else centre
                            for k, centre in enumerate(centres)])
    return centres


def _climb(anchors: Anchors, coverage: AnchorCoverage) -> Anchors:
    """Changes one ratio or scale at a time, as long as that is better."""
    best, goodness = anchors, _goodness(coverage(*anchors))
    for _ in range(_ROUNDS):
        before = goodness
        for candidate in _neighbours(best):
            value = _goodness(coverage(*candidate))
            if value > goodness:
                best, goodness = candidate, value
        if goodness - before < 1e-3:
            break
    return best


def _goodness(found: Coverage) -> float:
    """The share of boxes that are covered, and for the others how near they are to it."""
    return found.share + float(np.minimum(found.best / found.positive_iou, 1).mean())


def _neighbours(anchors: Anchors) -> Iterable[Anchors]:
    """Anchors of which one ratio or one scale is changed by a factor."""
    for field, values in enumerate(anchors):
        for place, factor in itertools.product(range(len(values)), _FACTORS):
            changed = [value * (factor if k == place else 1) for k, value in enumerate(values)]
            yield _rounded(*(changed if k == field else other for k, other in enumerate(anchors)))


def _rounded(ratios: Sequence[float], scales: Sequence[float]) -> Anchors:
    return Anchors(*(tuple(sorted(max(round(float(value), 2), 0.05) for value in values))
                     for values in (ratios, scales)))
