"""Operator `proposal_target`: a slow reference, seeds, hand-made cases, several images, padding."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.operators.boxes import IGNORED_REGION
from light_head_rcnn.operators.custom.proposal_target import expand_box_targets, sample_rois


def example(seed=0, rois=40, truths=4):
    """RoIs, half of them around ground truths, and ground truths, of one image."""
    rng = np.random.RandomState(seed)
    corners = rng.uniform(0, 150, (truths, 2))
    gt_boxes = np.hstack([corners, corners + rng.uniform(20, 90, (truths, 2)), rng.randint(1, 6, (truths, 1))])
    near = gt_boxes[rng.randint(truths, size=rois), :4] + rng.normal(0, 7, (rois, 4))
    far = rng.uniform(0, 200, (rois, 2, 2))
    far = np.hstack([far.min(axis=1), far.max(axis=1)])
    boxes = np.where(np.arange(rois)[:, None] % 2, near, far)
    return np.insert(boxes, 0, 0, axis=1).astype(np.float32), gt_boxes.astype(np.float32)


CASES = {
    "all": dict(batch_rois=-1, num_classes=2),
    "all, a box for each class": dict(batch_rois=-1, num_classes=6),
    "a sample": dict(batch_rois=16, num_classes=2),
    "a share of one half": dict(batch_rois=15, num_classes=6, fg_fraction=0.5),
    "more than there are": dict(batch_rois=100, num_classes=2),
    "between the thresholds": dict(batch_rois=30, num_classes=2, fg_thresh=0.6, bg_thresh_hi=0.4, bg_thresh_lo=0.1),
    "all, between the thresholds": dict(batch_rois=-1, num_classes=2, fg_thresh=0.6, bg_thresh_lo=0.2),
    "other numbers": dict(batch_rois=-1, num_classes=6, means=(0.1, -0.2, 0.3, 0.4), stds=(0.2, 0.3, 0.4, 0.5),
                          weights=(1, 2, 3, 4)),
}


def attributes_of(**case):
    names = {"means": "bbox_means", "stds": "bbox_stds", "weights": "bbox_weights"}
    return dict({names.get(name, name): value for name, value in case.items()}, batch_images=1)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("case", CASES)
def test_equals_the_slow_reference_with_its_draws(case, seed, run, reference):
    rois, gt_boxes = example(seed)
    np.random.seed(seed)
    expected = reference.targets(rois, gt_boxes, **CASES[case])
    after = np.random.rand()
    np.random.seed(seed)
    found = run("proposal_target", rois, gt_boxes, **attributes_of(**CASES[case]))
    assert np.random.rand() == after
    for a, b in zip(found, expected):
        np.testing.assert_array_equal(a, b)
    assert (expected[1] > 0).any() and (expected[1] == 0).any()


def test_sample_by_hand():
    overlaps = np.array([0.9, 0.5, 0.49999, 0.1, 0.09, 0.0])
    kept, foreground = sample_rois(overlaps, 10, 5, bg_thresh_lo=0.1)
    assert list(kept[:4]) == [0, 1, 2, 3] and foreground == 2 and len(kept) == 5
    kept, foreground = sample_rois(overlaps, 1, 4)
    assert foreground == 1 and kept[0] in (0, 1) and set(kept[1:]) < {2, 3, 4, 5} and len(set(kept)) == 4


def test_another_random_generator_draws_the_same():
    overlaps = np.random.RandomState(0).uniform(0, 1, 50)
    np.random.seed(5)
    kept, foreground = sample_rois(overlaps, 4, 20)
    other, other_foreground = sample_rois(overlaps, 4, 20, rng=np.random.RandomState(5))
    assert foreground == other_foreground == 4
    np.testing.assert_array_equal(kept, other)


def test_overlaps_are_of_double_precision(run, reference):
    """Each RoI is foreground at a threshold that equals its overlap to the last bit."""
    rois, gt_boxes = example(truths=1)
    for n in range(1, 40, 2):
        value = reference.overlap(*([float(v) for v in box] for box in (rois[n, 1:], gt_boxes[0, :4])))
        labels = run("proposal_target", rois[n:n + 1], gt_boxes, num_classes=2, batch_images=1, batch_rois=-1,
                     fg_thresh=repr(value))[1]
        assert (labels > 0).all(), n


def test_expanded_by_hand():
    targets = np.arange(12).reshape(3, 4)
    found, weights = expand_box_targets(np.array([2, 0, 1]), targets, 3, (1, 2, 3, 4))
    np.testing.assert_array_equal(found, [[0] * 8 + [0, 1, 2, 3], [0] * 12, [0] * 4 + [8, 9, 10, 11] + [0] * 4])
    np.testing.assert_array_equal(weights, [[0] * 8 + [1, 2, 3, 4], [0] * 12, [0] * 4 + [1, 2, 3, 4] + [0] * 4])
    found, weights = expand_box_targets(np.array([2, 0, 1]), targets, 2)
    np.testing.assert_array_equal(found[:, 4:], [[0, 1, 2, 3], [0] * 4, [8, 9, 10, 11]])
    assert not found[:, :4].any() and not weights[:, :4].any() and found.dtype == weights.dtype == np.float32


def batch_of(images):
    parts = [example(seed=n + 10, truths=n + 1) for n in range(images)]
    gt_boxes = np.full((images, images + 1, 5), -1, np.float32)
    for n, (rois, truths) in enumerate(parts):
        rois[:, 0] = n
        gt_boxes[n, :len(truths)] = truths
    return parts, np.concatenate([rois for rois, _ in parts]), gt_boxes.reshape(-1, 5)


def test_images_of_a_batch_one_after_the_other(run):
    """Each image as it is alone, with its random draws in turn; rows of padding become RoIs that are ignored."""
    parts, rois, gt_boxes = batch_of(3)
    for batch_rois in (-1, 48):
        np.random.seed(4)
        found = run("proposal_target", rois, gt_boxes, num_classes=6, batch_images=3, batch_rois=batch_rois)
        rows = 44 if batch_rois == -1 else 16
        assert [array.shape for array in found] == [(3 * rows, 5), (3 * rows,), (3 * rows, 24), (3 * rows, 24)]
        np.random.seed(4)
        for n, (own, truths) in enumerate(parts):
            own = own * [0, 1, 1, 1, 1]
            alone = run("proposal_target", own, truths, num_classes=6, batch_images=1,
                        batch_rois=batch_rois if batch_rois == -1 else 16)
            real = len(alone[1])
            part = [array[rows * n:rows * (n + 1)] for array in found]
            assert (part[0][:, 0] == n).all()
            np.testing.assert_array_equal(part[0][:real, 1:], alone[0][:, 1:])
            for a, b in zip(part[1:], alone[1:]):
                np.testing.assert_array_equal(a[:real], b)
            assert (part[1][real:] == -1).all() and not part[3][real:].any() and real == (
                40 + len(truths) if batch_rois == -1 else 16)


def test_image_without_boxes_is_background(run):
    rois, _ = example()
    _, labels, targets, weights = run("proposal_target", rois, np.full((2, 5), -1), num_classes=2, batch_images=1,
                                      batch_rois=-1)
    assert (labels[:40] == 0).all() and (labels[40:] == -1).all() and not targets.any() and not weights.any()


def test_rows_of_image_minus_one_are_padding(run):
    """A proposal operator that finds too few boxes leaves such rows."""
    rois, gt_boxes = example()
    padded = np.concatenate([rois, [[-1, 0, 0, 0, 0]] * 5])
    found = run("proposal_target", padded, gt_boxes, num_classes=2, batch_images=1, batch_rois=-1)
    for a, b in zip(found, run("proposal_target", rois, gt_boxes, num_classes=2, batch_images=1, batch_rois=-1)):
        np.testing.assert_array_equal(a[:44], b)
    assert (found[1][44:] == -1).all()


REGION = (20, 30, 170, 140)


def upright_example(seed=3, truths=4):
    """An example without RoIs that end before they begin, which lie in no region."""
    rois, gt_boxes = example(seed, truths=truths)
    return rois[(rois[:, 3:] > rois[:, 1:3]).all(axis=1)], gt_boxes


def region_share(roi):
    width, height = (min(roi[k + 2], REGION[k + 1]) - max(roi[k], REGION[k - 1]) + 1 for k in (1, 2))
    return max(width, 0) * max(height, 0) / ((roi[3] - roi[1] + 1) * (roi[4] - roi[2] + 1))


@pytest.mark.parametrize("batch_rois", [-1, 40])
@pytest.mark.parametrize("second", [False, True])
def test_candidates_in_ignored_regions_are_left_out(batch_rois, second, run, reference):
    """As if those of which half lies in the region were no candidates; the rest of the rows is padding."""
    rois, gt_boxes = upright_example()
    shares = np.array([region_share(roi) for roi in rois])
    best = np.array([max(reference.overlap(roi[1:], truth) for truth in gt_boxes) for roi in rois])
    left_out = (shares >= 0.5) & (best < 0.5)
    assert 3 < left_out.sum() < 30 and ((shares >= 0.5) & (best >= 0.5)).any()
    options = dict(num_classes=6, fg_fraction=1.0)
    expected = run("proposal_target", rois[~left_out], gt_boxes, batch_images=1, batch_rois=-1, **options)
    truths, images = np.concatenate([gt_boxes[:1], [[*REGION, IGNORED_REGION]], gt_boxes[1:]]), 1
    if second:
        # An image without regions stands before.
        images, other = 2, upright_example(seed=4, truths=5)
        rois[:, 0] = 1
        padding = [[[-1, 0, 0, 0, 0]] * (40 - len(part)) for part in (other[0], rois)]
        rois = np.concatenate([part for part in (other[0], padding[0], rois, padding[1]) if len(part)])
        truths = np.concatenate([other[1], truths])
    found = run("proposal_target", rois, truths, batch_images=images,
                batch_rois=batch_rois if batch_rois == -1 else batch_rois * images, **options)
    rows, count = len(found[0]) // images, len(expected[1])
    found = [array[-rows:] for array in found]
    np.testing.assert_array_equal(found[0][:count, 1:], expected[0][:, 1:])
    for one, other in zip(found[1:], expected[1:]):
        np.testing.assert_array_equal(one[:count], other)
    assert count < rows and (found[1][count:] == -1).all() and not found[3][count:].any()
    background = found[0][found[1] == 0]
    assert len(background) > 3 and all(region_share(roi) < 0.5 for roi in background)


@pytest.mark.parametrize("batch_rois", [8, 30])
def test_a_sample_leaves_ignored_regions_out(batch_rois, run, reference):
    rois, gt_boxes = upright_example()
    truths = np.concatenate([gt_boxes, [[*REGION, IGNORED_REGION]]])
    labels, boxes = run("proposal_target", rois, truths, num_classes=6, batch_images=1, batch_rois=batch_rois,
                        bg_thresh_hi=0.4)[1::-1]
    assert (labels > 0).sum() == round(batch_rois / 4) and (labels == 0).sum() > 3
    for roi in boxes[labels == 0]:
        assert region_share(roi) < 0.4 and max(reference.overlap(roi[1:], truth) for truth in gt_boxes) < 0.4


def test_an_image_whose_background_is_one_ignored_region_ends_with_padding(run):
    rois, gt_boxes = upright_example()
    truths = np.concatenate([gt_boxes, [[-1000, -1000, 1000, 1000, IGNORED_REGION]]])
    _, labels, targets, weights = run("proposal_target", rois, truths, num_classes=6, batch_images=1, batch_rois=64)
    count = (labels > 0).sum()
    assert count == 16 and (labels[count:] == -1).all() and not weights[count:].any() and not targets[count:].any()
    _, labels, _, weights = run("proposal_target", rois, truths[-1:], num_classes=6, batch_images=1, batch_rois=64)
    assert (labels == -1).all() and not weights.any()


@pytest.mark.parametrize("attributes, message", [
    ({"batch_rois": 7}, "batch_rois must be -1 or divisible by batch_images, got 7 and 2"),
    ({"bbox_stds": (0.1, 0.2)}, "bbox_stds must be 4 numbers"),
    ({"cfg": "ccopy_reg"}, "a pickled configuration (attribute cfg)"),
])
def test_wrong_attributes_are_named(attributes, message, capfd, run):
    _, rois, gt_boxes = batch_of(2)
    with pytest.raises(mx.MXNetError):
        run("proposal_target", rois, gt_boxes, **{**dict(num_classes=2, batch_images=2, batch_rois=-1), **attributes})
    assert message in capfd.readouterr().out


def test_images_out_of_order_are_an_error(capfd, run):
    _, rois, gt_boxes = batch_of(2)
    with pytest.raises(mx.MXNetError):
        run("proposal_target", rois[::-1], gt_boxes, num_classes=2, batch_images=2, batch_rois=-1)
    assert "rois of image 0 must stand together" in capfd.readouterr().out
