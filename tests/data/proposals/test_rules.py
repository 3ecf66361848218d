"""Each rule on boxes that break it, blocks of boxes beside a plain loop, and a million boxes."""
import tracemalloc
from collections import Counter

import numpy as np
import pytest

from light_head_rcnn.data.proposals import rules
from light_head_rcnn.data.proposals.rules import RULES, first_of_equal, usable_boxes, usable_boxes_and_scores

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("rule, box, score, expected", [
    ("not finite", (NAN, 0, 5, 5), 1, None), ("not finite", (0, 0, INF, 5), 1, None),
    ("not finite", (0, -INF, 5, 5), 1, None), ("not finite", (0, 0, 5, 5), NAN, None),
    ("not finite", (0, 0, 1e300, 5), 1, None),
    ("no area", (5, 5, 5, 9), 1, None), ("no area", (5, 5, 9, 5), 1, None), ("no area", (9, 5, 5, 9), 1, None),
    ("no area", (5, 9, 9, 5), 1, None),
    ("outside", (100, 0, 120, 9), 1, None), ("outside", (99, 0, 120, 9), 1, None), ("outside", (-9, 0, -1, 9), 1, None),
    ("outside", (0, 80, 9, 1e30), 1, None), ("outside", (0, -9, 9, 0), 1, None),
    ("clipped", (-5, -5, 200, 200), 1, (0, 0, 99, 79)), ("clipped", (98, 0, 99.5, 9), 1, (98, 0, 99, 9)),
    (None, (0, 0, 99, 79), 1, (0, 0, 99, 79)), (None, (-0.0, 0, 5, 5), 1, (0, 0, 5, 5)),
])
def test_a_rule(rule, box, score, expected):
    counts = Counter()
    boxes, scores = usable_boxes_and_scores(np.array([box]), np.array([score]), 100, 80, 10, counts)
    assert boxes.dtype == scores.dtype == np.float32 and boxes.shape == (len(scores), 4)
    np.testing.assert_array_equal(boxes, np.float32([expected] if expected else []).reshape(-1, 4))
    assert +counts == ({rule: 1} if rule else {})
    assert set(counts) <= set(RULES)


def test_the_best_of_equal_boxes_and_of_too_many():
    boxes = np.array([[0, 0, 5, 5], [1, 1, 6, 6], [0, 0, 5, 5], [2, 2, 7, 7], [-3, 0, 5, 5]], np.int64)
    counts = Counter()
    found, scores = usable_boxes_and_scores(boxes, np.array([0.1, 0.4, 0.9, 0.2, 0.3]), 100, 80, 2, counts)
    np.testing.assert_array_equal(found, [[0, 0, 5, 5], [1, 1, 6, 6]])
    np.testing.assert_array_equal(scores, np.float32([0.9, 0.4]))
    assert +counts == {"duplicate": 2, "surplus": 1, "clipped": 1}
    found, scores = usable_boxes_and_scores(boxes, None, 100, 80, 2, Counter())
    np.testing.assert_array_equal(found, [[0, 0, 5, 5], [1, 1, 6, 6]])  # without scores the first
    assert scores is None


@pytest.mark.parametrize("with_scores", [False, True])
def test_blocks_give_what_a_loop_gives(monkeypatch, with_scores):
    monkeypatch.setattr(rules, "_BLOCK", 7)
    rng = np.random.RandomState(3)
    for limit in (1, 5, 40):
        boxes = rng.randint(-3, 13, (60, 4)).astype(float)
        boxes[rng.rand(60) < 0.1, 2] = NAN
        scores = rng.rand(60) if with_scores else None
        kept = {}
        for index in np.argsort(-scores, kind="stable") if with_scores else range(60):
            x1, y1, x2, y2 = boxes[index]
            if not np.isfinite(boxes[index]).all() or x2 <= x1 or y2 <= y1:
                continue
            clipped = max(x1, 0), max(y1, 0), min(x2, 9), min(y2, 7)
            if clipped[2] > clipped[0] and clipped[3] > clipped[1] and len(kept) < limit:
                kept.setdefault(clipped, index)
        counts = Counter()
        found = usable_boxes(boxes, scores, 10, 8, limit, counts)
        np.testing.assert_array_equal(found, np.float32(list(kept)))
        assert len(found) + sum(counts[name] for name in RULES if name != "clipped") == 60


def test_a_million_boxes_take_little_memory_beyond_their_own():
    boxes = np.random.RandomState(0).randint(0, 500, (1_000_000, 4)).astype(np.float32)
    tracemalloc.start()
    counts = Counter()
    found = usable_boxes(boxes, None, 500, 500, 2000, counts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 2000 and counts["surplus"] > 200_000
    assert peak < 20e6


def test_no_boxes():
    assert usable_boxes(np.zeros((0, 4)), None, 5, 5, 3, Counter()).shape == (0, 4)
    assert first_of_equal(np.zeros((0, 4), np.float32)).shape == (0,)
