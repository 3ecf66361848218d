"""Pairing the detections of two detectors."""
import numpy as np

from light_head_rcnn.engine.deploy.engines.comparison import paired_differences
from light_head_rcnn.engine.inference.detections import Detections


def detections(*rows):
    return Detections(np.array([row[0] for row in rows], int), np.array([row[1] for row in rows], np.float32),
                      np.array([row[2:] for row in rows], np.float32).reshape(-1, 4))


def test_the_order_of_equal_scores_does_not_matter():
    one = detections((0, 0.5, 1, 2, 3, 4), (1, 0.5, 5, 6, 7, 8), (0, 0.25, 9, 9, 9, 9))
    other = detections((1, 0.50005, 5, 6, 7, 8.04), (0, 0.5, 1, 2, 3, 4), (0, 0.25, 9, 9, 9, 9))
    np.testing.assert_allclose(paired_differences(one, other), [[0, 0], [5e-5, 0.04], [0, 0]], atol=2e-6)


def test_what_is_no_pair():
    one = detections((0, 0.5, 1, 2, 3, 4))
    for row in ((1, 0.5, 1, 2, 3, 4), (0, 0.501, 1, 2, 3, 4), (0, 0.5, 1, 2, 3.1, 4), (0, np.nan, 1, 2, 3, 4)):
        assert len(paired_differences(one, detections(row))) == 0
    twice = detections((0, 0.5, 1, 2, 3, 4), (0, 0.5, 1, 2, 3, 4))
    assert len(paired_differences(twice, one)) == 1 and len(paired_differences(one, detections())) == 0
