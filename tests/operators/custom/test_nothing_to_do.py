"""Custom operators without images, RoIs, ground truths or candidates, and without need of random numbers."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.operators.custom.proposal_target import sample_roi_targets, sample_rois

PADDING_ROW = [-1, 0, 0, 0, 0]


@pytest.fixture
def no_draws(monkeypatch):
    """Makes drawing from NumPy's global generator an error, in place of a loop without end."""
    def choice(*arguments, **options):
        raise AssertionError("numpy.random.choice was called")
    monkeypatch.setattr(np.random, "choice", choice)


def test_no_candidates_are_not_drawn_from(no_draws):
    kept, foreground = sample_rois(np.zeros(0), 4, 8)
    assert len(kept) == 0 and foreground == 0


@pytest.mark.parametrize("classes", [2, 6])
def test_targets_without_candidates_are_padding(no_draws, classes):
    boxes, labels, targets, weights = sample_roi_targets(
        np.zeros((0, 4), np.float32), np.zeros((0, 5), np.float32), 2, 8, classes, (0, 0, 0, 0), (1, 1, 1, 1),
        (1, 1, 1, 1))
    assert boxes.shape == (8, 4) and targets.shape == weights.shape == (8, 4 * classes)
    assert all(array.dtype == np.float32 for array in (boxes, labels, targets, weights))
    np.testing.assert_array_equal(labels, -np.ones(8))
    assert not boxes.any() and not targets.any() and not weights.any()


@pytest.mark.parametrize("batch_rois", [8, -1])
def test_proposal_target_without_candidates(no_draws, run, batch_rois):
    """Neither proposals nor ground truths: every row is padding, and the operator returns."""
    rois, labels, targets, weights = run("proposal_target", [PADDING_ROW] * 5, np.full((3, 5), -1.0), num_classes=3,
                                         batch_images=1, batch_rois=batch_rois)
    assert len(rois) == len(labels) == 8
    assert not rois.any() and (labels == -1).all() and not targets.any() and not weights.any()


def test_an_image_without_candidates_beside_one_that_has_some(run):
    boxes = [[1, 5, 5, 30, 40], [1, 50, 60, 90, 99]]
    rois, labels, targets, weights = run(
        "proposal_target", [PADDING_ROW] * 2 + boxes, [[-1] * 5, [5, 5, 30, 40, 2]], num_classes=3, batch_images=2,
        batch_rois=8, fg_fraction=0.5)
    np.testing.assert_array_equal(rois[:, 0], [0] * 4 + [1] * 4)
    assert (labels[:4] == -1).all() and not rois[:4].any() and not weights[:4].any()
    assert (labels[4:] >= 0).all() and (labels[4:6] == 2).all() and rois[4:, 1:].any(axis=1).all()
    assert weights[4:6, 8:].all() and not targets[:4].any()


def test_ground_truths_alone_are_candidates(run):
    rois, labels, _, _ = run("proposal_target", [PADDING_ROW], [[5, 5, 30, 40, 2]], num_classes=3, batch_images=1,
                             batch_rois=4, fg_fraction=0.25)
    np.testing.assert_array_equal(rois, [[0, 5, 5, 30, 40]] * 4)
    np.testing.assert_array_equal(labels, [2, 0, 0, 0])  # one is foreground, the others are drawn again


@pytest.mark.parametrize("operator, shapes, attributes, outputs", [
    ("proposal", [(0, 24, 4, 4), (0, 48, 4, 4), (0, 3)],
     dict(scales=(4, 8, 16, 32), rpn_post_nms_top_n=7, output_score=True), [(0, 5), (0, 1)]),
    ("proposal_target", [(0, 5), (0, 5)], dict(num_classes=3, batch_images=1, batch_rois=-1),
     [(0, 5), (0,), (0, 12), (0, 12)]),
    ("proposal_target", [(0, 5), (0, 5)], dict(num_classes=3, batch_images=2, batch_rois=8),
     [(8, 5), (8,), (8, 12), (8, 12)]),
    ("BoxAnnotatorOHEM", [(0, 3), (0, 8), (0,), (0, 8), (0, 8)],
     dict(num_classes=3, num_reg_classes=2, roi_per_img=4), [(0,), (0, 8)]),
])
def test_arrays_without_rows(operator, shapes, attributes, outputs, run, no_draws):
    with mx.util.np_shape(True):
        found = run(operator, *map(np.zeros, shapes), **attributes)
    assert [array.shape for array in found] == outputs


def test_no_draw_and_no_seed_where_nothing_is_to_be_drawn(run):
    """The operators share NumPy's global generator with the rest of the program: its state must stay as it is."""
    rng = np.random.RandomState(1)
    prob, deltas = rng.uniform(size=(1, 24, 4, 4)), rng.normal(0, 0.1, (1, 48, 4, 4))
    before = np.random.get_state()[1:3]
    run("proposal", prob, deltas, [[64, 64, 1]], scales=(4, 8, 16, 32), rpn_post_nms_top_n=1, rpn_min_size=0)
    run("proposal_target", [[0, 5, 5, 30, 40]], [[5, 5, 30, 40, 2]], num_classes=3, batch_images=1, batch_rois=-1)
    run("BoxAnnotatorOHEM", np.zeros((4, 3)), np.zeros((4, 8)), np.zeros(4), np.zeros((4, 8)), np.zeros((4, 8)),
        num_classes=3, num_reg_classes=2, roi_per_img=2)
    after = np.random.get_state()[1:3]
    np.testing.assert_array_equal(after[0], before[0])
    assert after[1] == before[1]


def test_draws_go_on_where_they_were(run):
    """Two calls in a row draw differently: an operator that seeds the generator would draw the same twice."""
    rois = np.concatenate([np.zeros((40, 1)), np.arange(160).reshape(40, 4)], axis=1)
    first, second = (run("proposal_target", rois, np.full((1, 5), -1.0), num_classes=3, batch_images=1, batch_rois=8)[0]
                     for _ in range(2))
    assert (first != second).any()


@pytest.mark.parametrize("operator, inputs, attributes, message", [
    ("proposal_target", 2, dict(num_classes=3, batch_images=0, batch_rois=8),
     "batch_images must be an integer of at least 1, got 0"),
    ("proposal_target", 2, dict(num_classes=1, batch_images=1, batch_rois=8),
     "num_classes must be an integer of at least 2, got 1"),
    ("BoxAnnotatorOHEM", 5, dict(num_classes=3, num_reg_classes=2, roi_per_img=0),
     "roi_per_img must be an integer of at least 1, got 0"),
    ("BoxAnnotatorOHEM", 5, dict(num_classes=3, num_reg_classes=2, roi_per_img=4, batch_images="two"),
     "batch_images must be an integer of at least 1, got two"),
])
def test_numbers_that_make_no_sense_are_named(operator, inputs, attributes, message, capfd):
    symbol = mx.sym.Custom(*(mx.sym.Variable(name) for name in "abcde"[:inputs]), op_type=operator, **attributes)
    with pytest.raises(mx.MXNetError):
        symbol.infer_shape(**{name: (4, 5) for name in "abcde"[:inputs]})
    assert message in capfd.readouterr().out
