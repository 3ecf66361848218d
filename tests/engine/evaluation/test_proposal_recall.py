"""Recall of proposals beside plain loops over boxes."""
import numpy as np
import pytest

from light_head_rcnn.data import Annotation, make_record
from light_head_rcnn.data.proposals import ProposalSet
from light_head_rcnn.engine.evaluation import proposal_recall
from light_head_rcnn.engine.evaluation.proposal_recall import IOUS, average_recall, best_overlaps, recall
from light_head_rcnn.errors import DataError


def random_boxes(rng, count):
    corners = rng.randint(0, 30, (count, 2))
    return np.concatenate([corners, corners + rng.randint(0, 25, (count, 2))], axis=1).astype(np.float32)


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    shared = max(width, 0) * max(height, 0)
    areas = sum((box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b))
    return float(shared) / float(areas - shared)


def test_the_thresholds():
    assert IOUS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@pytest.mark.parametrize("block", [3, 4096])
def test_beside_loops(monkeypatch, block):
    monkeypatch.setattr(proposal_recall, "_BLOCK", block)
    rng = np.random.RandomState(0)
    truths = [random_boxes(rng, count) for count in (3, 0, 5, 1)]
    given = [random_boxes(rng, count) for count in (40, 7, 11, 0)]
    counts = (1, 5, 30)
    expected = np.array([[max((overlap(box, other) for other in boxes[:count]), default=0)
                          for truth, boxes in zip(truths, given) for box in truth] for count in counts])
    best = best_overlaps(truths, given, counts)
    np.testing.assert_allclose(best, expected, rtol=1e-12)
    for row in best:
        shares = [sum(value >= iou for value in row) / len(row) for iou in IOUS]
        assert [recall(row, iou) for iou in IOUS] == shares
        assert average_recall(row) == pytest.approx(sum(shares) / 10)


def test_an_overlap_of_exactly_the_threshold_counts():
    for percent in range(50, 100, 5):
        best = best_overlaps([np.float32([[0, 0, 99, 0]])], [np.float32([[0, 0, percent - 1, 0]])], [1])[0]
        assert recall(best, percent / 100) == 1 and recall(best, percent / 100 + 1e-9) == 0


def test_nothing_to_find():
    best = best_overlaps([np.zeros((0, 4))], [np.zeros((5, 4))], [1, 2])
    assert best.shape == (2, 0) and np.isnan(recall(best[0], 0.5)) and np.isnan(average_recall(best[0]))


def test_on_records():
    """Crowds, difficult and ignored boxes are not to be found."""
    box = (0, 0, 9, 9)
    records = [make_record(1, "a.jpg", 50, 50, [Annotation(box, 0), Annotation(box, 0, crowd=True)]),
               make_record(2, "b.jpg", 50, 50, [Annotation((20, 20, 29, 29), 0), Annotation(box, 0, difficult=True),
                                                Annotation(box, 0, ignored=True)])]
    boxes = np.float32([[0, 0, 9, 9], [40, 40, 49, 49], [20, 20, 29, 25]])
    given = ProposalSet(boxes, {"a.jpg": (0, 1), "b.jpg": (1, 2)}, ["x.npz"])
    found = proposal_recall.proposal_recall(records, given, (1, 2))
    assert (found.images, found.boxes, found.proposals) == (2, 2, 1.5)
    report = found.as_json()
    assert report["first"][0]["recall"]["0.50"] == 0.5 and report["first"][1]["recall"] == {
        **{f"{iou:.2f}": 0.5 for iou in IOUS}, "0.50": 1.0, "0.55": 1.0, "0.60": 1.0}
    table = found.table().splitlines()
    assert table[0].startswith("1.5 proposals an image; percent of the 2 boxes in 2 images")
    assert table[3].split() == ["2", "100.0", "100.0", "100.0", *["50.0"] * 7, "65.0"]
    with pytest.raises(DataError, match="x.npz: there is no entry of the image c.jpg"):
        proposal_recall.proposal_recall([make_record(3, "c.jpg", 9, 9, [])], given)
