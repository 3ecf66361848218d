"""Classes of a detector and of a data set are matched by name."""
import numpy as np
import pytest

from light_head_rcnn.engine.evaluation.matching import describe_match, match_classes, with_classes_of_data_set
from light_head_rcnn.errors import DataError


def test_the_same_classes_need_no_match():
    assert match_classes(("a", "b"), ["a", "b"], "set") is None and describe_match(("a", "b"), ("b", "a")) == ""


def test_ids_become_those_of_the_data_set_and_other_classes_are_left_out(detected):
    matched = match_classes(("dog", "cat", "bird"), ("cat", "horse", "dog"), "set")
    boxes = np.arange(20).reshape(5, 4)
    rows = [(class_id, 0.1 * class_id, box) for class_id, box in zip((0, 2, 1, 0, 1), boxes)]
    found, nothing = with_classes_of_data_set([detected(*rows), detected()], matched)
    assert found.ids.tolist() == [2, 0, 2, 0] and found.scores.tolist() == pytest.approx([0, 0.1, 0, 0.1])
    assert found.boxes.tolist() == boxes[[0, 2, 3, 4]].tolist()
    assert len(nothing.ids) == 0 and nothing.boxes.shape == (0, 4)
    assert describe_match(("dog", "cat", "bird"), ("cat", "horse", "dog")) == (
        "the detector does not know horse, whose objects count as missed; the data set does not have bird, and "
        "detections of that are left out")


def test_classes_of_which_none_matches_are_refused():
    names = [f"class{number}" for number in range(80)]
    with pytest.raises(DataError, match="has the classes class0, .*class9 and 70 more, and set has cat: no name"):
        match_classes(names, ("cat",), "set")
