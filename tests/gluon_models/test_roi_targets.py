"""Targets of the RoIs against a slow loop over RoIs."""
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from light_head_rcnn.gluon_models.roi_targets import assign_roi_targets
from light_head_rcnn.operators import boxes as box_ops

MEANS, STDS = (0.01, -0.02, 0.03, 0.04), (0.1, 0.1, 0.2, 0.2)


def example(rois_per_image=40):
    """Two images: three boxes, one box and two rows of padding; RoIs scattered around them, the last ones far away."""
    rng = np.random.RandomState(0)
    gt = np.array([[[10, 10, 50, 60, 2], [60, 20, 99, 59, 1], [30, 70, 90, 95, 3]],
                   [[20, 20, 80, 80, 4], [-1] * 5, [-1] * 5]], np.float32)
    rois = []
    for n, boxes in enumerate((gt[0, :, :4], gt[1, :1, :4])):
        near = boxes[rng.randint(len(boxes), size=rois_per_image)] + rng.normal(0, 8, (rois_per_image, 4))
        near[-3:] += 500
        near = near.reshape(-1, 2, 2)
        near = np.concatenate([near.min(axis=1), near.max(axis=1)], axis=1)
        rois.append(np.concatenate([np.full((rois_per_image, 1), n), near], axis=1))
    return np.concatenate(rois).astype(np.float32), gt


def run(rois, gt, **options):
    rois_per_image = len(rois) // len(gt)
    outputs = assign_roi_targets(mx.nd, mx.nd.array(rois), mx.nd.array(gt), rois_per_image, MEANS, STDS, **options)
    return [output.asnumpy() for output in outputs]


@pytest.mark.parametrize("fg, high, low", [(0.5, 0.5, 0.0), (0.6, 0.4, 0.1)])
def test_every_roi_by_hand(fg, high, low):
    rois, gt = example()
    out_rois, labels, targets = run(rois, gt, fg_iou=fg, bg_iou_high=high, bg_iou_low=low)
    assert out_rois.shape == (2, 43, 5) and labels.shape == (2, 43) and targets.shape == (2, 43, 4)
    np.testing.assert_array_equal(out_rois[:, :40], rois.reshape(2, 40, 5))
    np.testing.assert_array_equal(out_rois[:, 40:, 1:], gt[:, :, :4])
    seen = set()
    for n in range(2):
        real = gt[n][gt[n, :, 4] > 0]
        for k in range(43):
            assert out_rois[n, k, 0] == n
            box = out_rois[n, k, 1:]
            overlaps = box_ops.iou(box[None, None], real[None, :, :4])[0, 0]
            best = overlaps.argmax()
            if k >= 40 + len(real):
                expected = -1  # padding
            elif overlaps[best] >= fg:
                expected = real[best, 4]
                target = (box_ops.encode(box, real[best, :4]) - MEANS) / STDS
                np.testing.assert_allclose(targets[n, k], target, rtol=1e-3, atol=1e-4)
            else:
                expected = 0 if low <= overlaps[best] < high else -1
            assert labels[n, k] == expected
            seen.add(expected)
    assert seen >= {0, 1, 2, 3, 4} and np.isfinite(targets).all()


def test_thresholds_themselves():
    """A RoI of IoU 0.5 exactly is foreground from 0.5 on, and background up to but not at 0.5, and from 0.5 on."""
    gt = np.array([[[0, 0, 9, 19, 3]]], np.float32)
    rois = np.array([[0, 0, 0, 9, 9], [0, 100, 100, 109, 109]], np.float32)
    for (fg, high, low), expected in (((0.5, 0.5, 0.1), [3, -1]), ((0.6, 0.5, 0.1), [-1, -1]),
                                      ((0.6, 0.6, 0.5), [0, -1]), ((0.6, 0.6, 0.0), [0, 0])):
        labels = run(rois, gt, fg_iou=fg, bg_iou_high=high, bg_iou_low=low)[1]
        assert labels[0].tolist() == expected + [3]


def test_rows_whose_class_is_not_positive_are_padding_whatever_their_box():
    rois, gt = example()
    before = run(rois, gt)
    gt[1, 1] = (20, 20, 80, 80, -1)
    gt[1, 2] = (10, 10, 90, 90, 0)
    for now, expected in zip(run(rois, gt)[1:], before[1:]):
        np.testing.assert_array_equal(now, expected)


def test_no_gradient_flows_through_targets():
    rois, gt = map(mx.nd.array, example())
    rois.attach_grad()
    gt.attach_grad()
    with autograd.record():
        outputs = assign_roi_targets(mx.nd, rois, gt, 40, MEANS, STDS)
        total = sum((output * output).sum() for output in outputs)
    total.backward()
    assert not rois.grad.asnumpy().any() and not gt.grad.asnumpy().any()


def test_image_without_boxes_is_background():
    rois, gt = example()
    gt[1] = -1
    _, labels, targets = run(rois, gt)
    assert (labels[1, :40] == 0).all() and (labels[1, 40:] == -1).all() and np.isfinite(targets).all()


def test_rois_without_area_are_background():
    """A proposal whose width is less than the last bit of its corners has none."""
    rois, gt = example()
    rois[[3, 50], 3] = rois[[3, 50], 1] - 1
    _, labels, targets = run(rois, gt)
    assert labels[0, 3] == labels[1, 10] == 0 and np.isfinite(targets).all()


def test_rows_without_a_proposal_are_ignored():
    rois, gt = example()
    full = run(rois, gt)
    empty = np.r_[30:40, 40:80]  # the last proposals of one image, all of the other
    rois[empty] = (-1, 0, 0, 0, 0)
    out_rois, labels, targets = run(rois, gt)
    np.testing.assert_array_equal(labels[0, 30:40], -1)
    np.testing.assert_array_equal(labels[1, :40], -1)
    for now, before in zip((out_rois, labels, targets), full):
        np.testing.assert_array_equal(now[0, :30], before[0, :30])
        np.testing.assert_array_equal(now[:, 40:], before[:, 40:])  # the ground truths


@pytest.mark.parametrize("fraction, share", [(0.25, 4), (0.3, 5)])
def test_sample_has_its_size_and_share(fraction, share):
    rois, gt = example()
    _, everything, _ = run(rois, gt)
    assert ((everything > 0).sum(axis=1) > share).all()
    out_rois, labels, targets = run(rois, gt, batch_size=16, fg_fraction=fraction)
    assert out_rois.shape == (2, 16, 5)
    assert ((labels > 0).sum(axis=1) == share).all()
    background = (everything == 0).sum(axis=1)
    assert ((labels == 0).sum(axis=1) == np.minimum(16 - share, background)).all()
    for n in range(2):
        for box, label, target in zip(out_rois[n], labels[n], targets[n]):
            if label > 0:
                real = gt[n][gt[n, :, 4] == label][0]
                expected = (box_ops.encode(box[1:], real[:4]) - MEANS) / STDS
                np.testing.assert_allclose(target, expected, rtol=1e-3, atol=1e-4)


def test_background_fills_the_place_of_missing_foreground():
    rois, gt = example()
    rois[:40, 1:] = (200, 200, 260, 260)
    _, labels, _ = run(rois, gt, batch_size=16, fg_fraction=0.5)
    assert (labels[0] > 0).sum() == 3 and (labels[0] == 0).sum() == 13


def test_sample_follows_the_seed():
    rois, gt = example()
    draws = []
    for seed in (1, 1, 2):
        mx.random.seed(seed)
        draws.append(run(rois, gt, batch_size=8)[0])
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


REGIONS = np.array([[[0, 0, 55, 40], [45, 30, 99, 99]], [[20, 20, 60, 90], [0, 0, 0, 0]]], np.float32)


def with_regions(gt):
    """The ground truths, then two regions for the first image and one for the second."""
    rows = np.insert(REGIONS, 4, box_ops.IGNORED_REGION, axis=2)
    rows[1, 1] = -1
    return np.concatenate([gt, rows], axis=1).astype(np.float32)


def region_shares(rois, image):
    """The largest share of each RoI's area that lies in one region of its image."""
    shares = []
    for x1, y1, x2, y2 in rois.astype(float):
        area = (x2 - x1 + 1) * (y2 - y1 + 1)
        sizes = [(min(x2, r[2]) - max(x1, r[0]) + 1, min(y2, r[3]) - max(y1, r[1]) + 1)
                 for r in REGIONS[image][:2 - image]]
        shares.append(max(max(w, 0) * max(h, 0) / area for w, h in sizes))
    return np.array(shares)


@pytest.mark.parametrize("high", [0.5, 0.7])
@pytest.mark.parametrize("hybrid", [False, True])
def test_background_in_ignored_regions_is_ignored(high, hybrid):
    """RoIs of which the share `bg_iou_high` lies in one region; foreground and targets stay, regions are no RoIs."""
    rois, gt = example(200)
    _, before, old_targets = run(rois, gt, bg_iou_high=high)
    if hybrid:
        symbols = mx.sym.Group(list(assign_roi_targets(
            mx.sym, mx.sym.Variable("rois"), mx.sym.Variable("gt"), 200, MEANS, STDS, bg_iou_high=high)))
        executor = symbols.bind(mx.cpu(), {"rois": mx.nd.array(rois), "gt": mx.nd.array(with_regions(gt))})
        _, labels, targets = (output.asnumpy() for output in executor.forward())
    else:
        _, labels, targets = run(rois, with_regions(gt), bg_iou_high=high)
    for image in range(2):
        shares = region_shares(rois[200 * image:200 * (image + 1), 1:], image)
        old = before[image, :200]
        np.testing.assert_array_equal(labels[image, :200], np.where((old == 0) & (shares >= high), -1, old))
        assert (labels[image, :200] != old).any() and ((old > 0) & (shares >= high)).any()
        assert (labels[image, :200] == 0).sum() > 2
        np.testing.assert_array_equal(labels[image, 200:203], before[image, 200:])
        assert (labels[image, 203:] == -1).all()
    foreground = before > 0
    np.testing.assert_array_equal(targets[:, :203][foreground], old_targets[foreground])


def test_no_background_is_drawn_from_ignored_regions():
    rois, gt = example(200)
    out_rois, labels, _ = run(rois, with_regions(gt), batch_size=64, fg_fraction=0.25)
    for image in range(2):
        background = out_rois[image, labels[image] == 0, 1:]
        assert len(background) > 3 and (region_shares(background, image) < 0.5).all()
