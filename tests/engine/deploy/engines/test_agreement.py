"""How near two detectors are that round differently."""
import numpy as np
import pytest

from light_head_rcnn.engine.deploy.engines.agreement import agreement
from light_head_rcnn.engine.inference.detections import Detections
from light_head_rcnn.errors import DataError


def detector(*rows):
    """A detector that finds rows (id, score, x1, y1, x2, y2) in every image but the broken one."""
    def answer(image, proposals=None):
        if image == "broken":
            raise DataError("broken")
        return Detections(np.array([row[0] for row in rows], int), np.array([row[1] for row in rows], np.float32),
                          np.array([row[2:] for row in rows], np.float32).reshape(-1, 4))
    answer.rois = None  # it finds its proposals itself
    return answer


def test_objects_are_looked_for_in_both_directions():
    one = detector((0, 0.9, 0, 0, 99, 99), (1, 0.8, 200, 0, 299, 99), (0, 0.2, 0, 300, 99, 399))
    other = detector((0, 0.29, 2, 0, 102, 99), (0, 0.7, 200, 0, 299, 99))
    report = agreement(one, other, ["photo", "broken"])
    # The first object of `one` is found with a low score; the others are of another class, and not asked for.
    assert (report.objects, report.found_by_both) == (3, 1)
    assert report.scores == pytest.approx(0.61) and report.boxes == 3


def test_boxes_that_hardly_overlap_are_other_objects():
    for x, found in ((30, 2), (35, 0)):  # 70 of 130 columns, 65 of 135
        report = agreement(detector((0, 0.5, 0, 0, 99, 99)), detector((0, 0.5, x, 0, x + 99, 99)), ["photo"])
        assert (report.objects, report.found_by_both) == (2, found)


def test_detectors_that_find_nothing():
    assert agreement(detector(), detector(), ["photo"]) == (0, 0, 0.0, 0.0)
