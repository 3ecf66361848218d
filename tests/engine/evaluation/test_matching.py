"""Classes of a detector and of a data set are matched by name."""
from types import SimpleNamespace

import numpy as np
import pytest

from light_head_rcnn.engine.evaluation.matching import describe_match, match_classes, with_classes_of_data_set
from light_head_rcnn.errors import DataError


@pytest.fixture
def of_classes(dataset_of):
    """Function from names of classes to a data set with a box of the first, and boxes of other classes by name."""
    def of_classes(*classes, boxes=1, unread=()):
        one = dataset_of(("i", [([0, 0, 9, 9], 0)] * boxes), classes=classes)
        return SimpleNamespace(**vars(one), unread=dict(unread))

    return of_classes


def test_the_same_classes_need_no_match(of_classes):
    assert match_classes(("a", "b"), of_classes("a", "b")) is None
    assert describe_match(("a", "b"), ("b", "a")) == ""


def test_ids_become_those_of_the_data_set_and_other_classes_are_left_out(of_classes, detected):
    matched = match_classes(("dog", "cat", "bird"), of_classes("cat", "horse", "dog"))
    boxes = np.arange(20).reshape(5, 4)
    rows = [(class_id, 0.1 * class_id, box) for class_id, box in zip((0, 2, 1, 0, 1), boxes)]
    found, nothing = with_classes_of_data_set([detected(*rows), detected()], matched)
    assert found.ids.tolist() == [2, 0, 2, 0] and found.scores.tolist() == pytest.approx([0, 0.1, 0, 0.1])
    assert found.boxes.tolist() == boxes[[0, 2, 3, 4]].tolist()
    assert len(nothing.ids) == 0 and nothing.boxes.shape == (0, 4)
    assert describe_match(("dog", "cat", "bird"), ("cat", "horse", "dog")) == (
        "the detector does not know horse, whose objects count as missed; the data set does not have bird, and "
        "detections of that are left out")


def test_classes_of_which_none_matches_are_refused(of_classes):
    names = [f"class{number}" for number in range(80)]
    with pytest.raises(DataError, match="has the classes class0, .*class9 and 70 more, and fake has cat: no name"):
        match_classes(names, of_classes("cat"))
    # A data set that was asked for the classes of the detector and has none of them.
    with pytest.raises(DataError, match="fake has no box of the classes cat, only of dog, horse: there is nothing"):
        match_classes(("cat",), of_classes("cat", boxes=0, unread={"dog": 3, "horse": 4}))
    assert match_classes(("cat",), of_classes("cat", unread={"dog": 3})) is None
    assert match_classes(("cat",), of_classes("cat", boxes=0)) is None
