"""Anchor targets against a slow loop over anchors."""
import pickle

import numpy as np
import pytest

from light_head_rcnn.operators import boxes as box_ops
from light_head_rcnn.operators.anchors import anchor_grid, base_anchors
from light_head_rcnn.operators.anchor_targets import AnchorTargets

RATIOS, SCALES = (0.5, 1, 2), (1, 2, 4)
INFO = (90.0, 120.0, 1.0)


def cells(size):
    return size // 16


def targets(**options):
    return AnchorTargets(cells, 16, RATIOS, SCALES, **options)


def overlap(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if w <= 0 or h <= 0:
        return 0.0
    area = [(x[2] - x[0] + 1) * (x[3] - x[1] + 1) for x in (a, b)]
    return w * h / (area[0] + area[1] - w * h)


GT = np.array([[8, 8, 40, 40, 1], [50, 30, 110, 80, 2], [60, 60, 75, 72, 3]], np.float32)


def test_labels_and_targets_of_every_anchor():
    label, target, weight = targets(batch_size=10 ** 6, positive_fraction=1.0)(INFO, GT, 96, 128,
                                                                              np.random.RandomState(0))
    count = len(RATIOS) * len(SCALES)
    label, target, weight = label.reshape(count, 6, 8), target.reshape(count, 4, 6, 8), weight.reshape(count, 4, 6, 8)
    grid = anchor_grid(6, 8, 16, base_anchors(RATIOS, SCALES)).reshape(6, 8, count, 4)
    inside = {(y, x, a): grid[y, x, a] for y in range(6) for x in range(8) for a in range(count)
              if grid[y, x, a][0] >= 0 and grid[y, x, a][1] >= 0 and grid[y, x, a][2] < 120 and grid[y, x, a][3] < 90}
    ious = {key: [overlap(box, gt) for gt in GT] for key, box in inside.items()}
    best = [max(row[m] for row in ious.values()) for m in range(len(GT))]
    for y in range(6):
        for x in range(8):
            for a in range(count):
                row = ious.get((y, x, a))
                if row is None:
                    expected = -1
                elif max(row) >= 0.7 or any(np.isclose(row[m], best[m]) for m in range(len(GT))):
                    expected = 1
                else:
                    expected = 0 if max(row) < 0.3 else -1
                assert label[a, y, x] == expected
                assert (weight[a, :, y, x] == (expected == 1)).all()
                if expected == 1:
                    box, gt = grid[y, x, a], GT[int(np.argmax(row))]
                    w, h = box[2] - box[0] + 1, box[3] - box[1] + 1
                    gw, gh = gt[2] - gt[0] + 1, gt[3] - gt[1] + 1
                    np.testing.assert_allclose(target[a, :, y, x], [
                        ((gt[0] + gt[2]) - (box[0] + box[2])) / 2 / w, ((gt[1] + gt[3]) - (box[1] + box[3])) / 2 / h,
                        np.log(gw / w), np.log(gh / h)], rtol=1e-4, atol=1e-5)
    assert (label == 1).sum() >= len(GT)


@pytest.mark.parametrize("fraction", [0.5, 0.25])
def test_sample_has_its_size_and_share(fraction):
    many = np.concatenate([GT] * 1 + [GT + [d, d, d, d, 0] for d in (2, 4, 6)]).astype(np.float32)
    full = targets(batch_size=10 ** 6, positive_fraction=1.0)(INFO, many, 96, 128, np.random.RandomState(0))[0]
    label = targets(batch_size=16, positive_fraction=fraction)(INFO, many, 96, 128, np.random.RandomState(3))[0]
    assert (label >= 0).sum() == 16
    assert (label == 1).sum() == min(int(fraction * 16), (full == 1).sum())
    assert (full[label >= 0] == label[label >= 0]).all()


def test_image_without_boxes_is_all_negative():
    label, target, weight = targets(batch_size=32)(INFO, np.zeros((0, 5), np.float32), 96, 128,
                                                   np.random.RandomState(0))
    assert (label == 0).sum() == 32 and not (label == 1).any()
    assert not target.any() and not weight.any()


REGIONS = np.array([[70, 0, 119, 55], [0, 20, 40, 89]], np.float32)


def with_regions(truths, regions=REGIONS):
    rows = np.insert(regions, 4, box_ops.IGNORED_REGION, axis=1)
    return np.concatenate([truths[:1], rows[:1], np.full((2, 5), -1), truths[1:], rows[1:]]).astype(np.float32)


def share(box, region):
    w = min(box[2], region[2]) - max(box[0], region[0]) + 1
    h = min(box[3], region[3]) - max(box[1], region[1]) + 1
    return max(w, 0) * max(h, 0) / ((box[2] - box[0] + 1) * (box[3] - box[1] + 1))


@pytest.mark.parametrize("negative_iou", [0.3, 0.5])
def test_anchors_in_ignored_regions_are_not_negative(negative_iou):
    """Those of which the share `negative_iou` lies in one region; positive anchors and box targets stay."""
    every = targets(batch_size=10 ** 6, positive_fraction=1.0, negative_iou=negative_iou)
    before, boxes, weights = every(INFO, GT, 96, 128, np.random.RandomState(0))
    label, *others = every(INFO, with_regions(GT), 96, 128, np.random.RandomState(0))
    grid = anchor_grid(6, 8, 16, base_anchors(RATIOS, SCALES)).reshape(6, 8, 9, 4).transpose(2, 0, 1, 3).reshape(-1, 4)
    shares = np.array([max(share(box, region) for region in REGIONS) for box in grid])
    np.testing.assert_array_equal(label, np.where((before == 0) & (shares >= negative_iou), -1, before))
    assert (label != before).sum() > 10 and (label == 0).sum() > 10
    assert ((before == 1) & (shares >= negative_iou)).any()
    for found, expected in zip(others, (boxes, weights)):
        np.testing.assert_array_equal(found, expected)


def test_ignored_regions_stay_out_before_the_sample_is_drawn():
    every = targets(batch_size=10 ** 6)(INFO, with_regions(GT), 96, 128, np.random)[0]
    label = targets(batch_size=24)(INFO, with_regions(GT), 96, 128, np.random.RandomState(3))[0]
    assert (label >= 0).sum() == 24 and (every[label >= 0] == label[label >= 0]).all()


def test_an_image_that_is_one_ignored_region_has_no_labels():
    all_of_it = np.array([[0, 0, 119, 89, box_ops.IGNORED_REGION]], np.float32)
    label, target, weight = targets()(INFO, all_of_it, 96, 128, np.random.RandomState(0))
    assert (label == -1).all() and not target.any() and not weight.any()


def test_no_anchor_inside_the_image():
    tiny = AnchorTargets(cells, 16, (1,), (8,))  # every anchor crosses the edge of the image
    label, _, _ = tiny(INFO, GT, 96, 128, np.random.RandomState(0))
    assert (label == -1).all()


@pytest.mark.parametrize("clobber", [False, True])
def test_draws_are_those_of_the_mxnet_original(clobber):
    """First the positive anchors to leave out are drawn, then the negative ones, in the order of the grid."""
    every = targets(batch_size=10 ** 6, positive_fraction=1.0, positive_iou=0.5, clobber_positives=clobber)
    in_order = every(INFO, GT, 96, 128, np.random)[0].reshape(9, 6, 8).transpose(1, 2, 0).ravel()
    np.random.seed(11)
    few = targets(batch_size=12, positive_iou=0.5, positive_fraction=0.25, clobber_positives=clobber)
    label = few(INFO, GT, 96, 128, np.random)[0].reshape(9, 6, 8).transpose(1, 2, 0).ravel()
    after = np.random.rand()
    np.random.seed(11)
    positive, negative = np.flatnonzero(in_order == 1), np.flatnonzero(in_order == 0)
    assert len(positive) > 3
    in_order[np.random.choice(positive, len(positive) - 3, replace=False)] = -1
    in_order[np.random.choice(negative, len(negative) - 9, replace=False)] = -1
    np.testing.assert_array_equal(label, in_order)
    assert np.random.rand() == after


@pytest.mark.parametrize("scales", [SCALES, (0.7, 1.3, 2.9)])
def test_thresholds_are_compared_in_double_precision(scales):
    """At a threshold that equals an anchor's overlap to the last bit the anchor is positive and not negative.

    At the next larger number it is not positive any more. Anchors are rounded to float32 before.
    """
    gt = GT[:1] + np.array([[0.3, 0.7, 0.1, 0.9, 0]], np.float32)
    grid = anchor_grid(6, 8, 16, base_anchors(RATIOS, scales).astype(float)).reshape(6, 8, 9, 4)

    def label_at(place, **thresholds):
        every = AnchorTargets(cells, 16, RATIOS, scales, batch_size=10 ** 6, positive_fraction=1.0, **thresholds)
        return every(INFO, gt, 96, 128, np.random)[0].reshape(9, 6, 8)[place]

    values = {}
    for y, x, a in np.ndindex(6, 8, 9):
        value = overlap(grid[y, x, a], gt[0].astype(float))
        if value > 0.05 and (grid[y, x, a][:2] >= 0).all() and grid[y, x, a][2] < 120 and grid[y, x, a][3] < 90:
            values[a, y, x] = value
    assert len(values) > 10
    for place, value in values.items():
        assert label_at(place, positive_iou=value, negative_iou=0.0) == 1
        if value < max(values.values()):
            assert label_at(place, positive_iou=np.nextafter(value, 1), negative_iou=value) == -1
            assert label_at(place, positive_iou=1.0, negative_iou=np.nextafter(value, 1)) == 0


@pytest.mark.parametrize("height, width, inside", [(16, 16, True), (15, 16, False), (16, 15, False)])
def test_an_anchor_may_reach_the_last_pixel(height, width, inside):
    """The anchor (0, 0, 15, 15) lies inside an image of 16 x 16 pixels."""
    one = AnchorTargets(cells, 16, (1,), (1,))
    label, _, _ = one((height, width, 1.0), np.zeros((0, 5), np.float32), 16, 16, np.random.RandomState(0))
    np.testing.assert_array_equal(label, [0 if inside else -1])


def test_default_sample():
    """256 anchors of which at most half are positive, with the thresholds 0.7 and 0.3."""
    rng = np.random.RandomState(0)
    corners = rng.uniform(0, 400, (40, 2))
    many = np.concatenate([corners, corners + rng.uniform(30, 90, (40, 2)), np.ones((40, 1))], axis=1)
    image = ((480.0, 640.0, 1.0), many.astype(np.float32), 480, 640)
    label = AnchorTargets(cells, positive_iou=0.3)(*image, np.random.RandomState(1))[0]
    assert (label == 1).sum() == 128 and (label == 0).sum() == 128
    found = AnchorTargets(cells)(*image, np.random.RandomState(1))
    wanted = AnchorTargets(cells, 16, (0.5, 1, 2), (4, 8, 16, 32), 256, 0.5, 0.7, 0.3, False, False)(
        *image, np.random.RandomState(1))
    for one, other in zip(found, wanted):
        np.testing.assert_array_equal(one, other)


def test_every_anchor_inside_the_image_has_box_targets():
    label, target, _ = targets(batch_size=4)(INFO, GT, 96, 128, np.random.RandomState(0))
    inside = targets(batch_size=10 ** 6, positive_iou=0.0)(INFO, GT, 96, 128, np.random.RandomState(0))[0] == 1
    assert (label == -1).sum() > (~inside).sum() > 0
    np.testing.assert_array_equal(target.reshape(9, 4, 6, 8).any(axis=1).ravel(), inside)


def test_a_ground_truth_that_no_anchor_overlaps_under_the_rules_of_the_mxnet_original():
    """There all anchors are equally good for it, with an IoU of 0, and become positive; otherwise it has no anchors."""
    far = np.array([[8, 8, 40, 40, 1], [118, 88, 119, 89, 2]], np.float32)
    options = dict(batch_size=10 ** 6, positive_fraction=1.0)
    plain = AnchorTargets(cells, 16, (1,), (1,), **options)(INFO, far, 96, 128, np.random.RandomState(0))[0]
    original = AnchorTargets(cells, 16, (1,), (1,), mxnet_original_rules=True, **options)(
        INFO, far, 96, 128, np.random.RandomState(0))[0]
    inside = plain >= 0
    assert 0 < (plain == 1).sum() < inside.sum() and (original[inside] == 1).all()


def test_same_seed_same_targets_also_after_pickling():
    first = targets(batch_size=8)
    again = pickle.loads(pickle.dumps(first))
    for a, b in zip(first(INFO, GT, 96, 128, np.random.RandomState(5)),
                    again(INFO, GT, 96, 128, np.random.RandomState(5))):
        np.testing.assert_array_equal(a, b)


STRIDES = (8, 16, 32)


def level_cells(size):
    return tuple(-(-size // stride) for stride in STRIDES)


def pyramid_targets(**options):
    return AnchorTargets(level_cells, STRIDES, RATIOS, (2,), **options)


def pyramid_places():
    """(level, row, column, anchor) and the box of every anchor of a 96x128 input, in the order of drawing."""
    return [((level, y, x, a), base + np.tile([x * stride, y * stride], 2))
            for level, (stride, height, width) in enumerate(zip(STRIDES, level_cells(96), level_cells(128)))
            for y in range(height) for x in range(width)
            for a, base in enumerate(base_anchors(RATIOS, (2,), stride).astype(float))]


def by_place(label, target, weight):
    """The outputs as a dictionary from (level, row, column, anchor) to (label, target, weight)."""
    cells = [h * w for h, w in zip(level_cells(96), level_cells(128))]
    assert label.shape == (3 * sum(cells),) and target.shape == weight.shape == (12, sum(cells))
    label, found, begin = label.reshape(3, -1), {}, 0
    for level, (count, width) in enumerate(zip(cells, level_cells(128))):
        for cell in range(count):
            for a in range(3):
                here = begin + cell
                found[level, cell // width, cell % width, a] = (
                    label[a, here], target[4 * a:4 * a + 4, here], weight[4 * a:4 * a + 4, here])
        begin += count
    return found


def test_levels_of_a_pyramid_are_labelled_together():
    found = by_place(*pyramid_targets(batch_size=10 ** 6, positive_fraction=1.0)(INFO, GT, 96, 128, np.random))
    places = pyramid_places()
    assert len(places) == len(found)
    inside = {place: box for place, box in places if (box[:2] >= 0).all() and box[2] < 120 and box[3] < 90}
    ious = {place: [overlap(box, gt) for gt in GT] for place, box in inside.items()}
    best = [max(row[m] for row in ious.values()) for m in range(len(GT))]
    positive_levels = set()
    for place, (label, target, weight) in found.items():
        row = ious.get(place)
        expected = -1
        if row is not None and (max(row) >= 0.7 or any(np.isclose(row[m], best[m]) for m in range(len(GT)))):
            expected = 1
            positive_levels.add(place[0])
        elif row is not None and max(row) < 0.3:
            expected = 0
        assert label == expected and (weight == (expected == 1)).all()
        wanted = box_ops.encode(inside[place], GT[int(np.argmax(row)), :4]) if row is not None else np.zeros(4)
        np.testing.assert_allclose(target, wanted, rtol=1e-4, atol=1e-5)
    assert positive_levels == {0, 1, 2}


def test_sample_is_drawn_from_all_levels_of_an_image_together():
    every = by_place(*pyramid_targets(batch_size=10 ** 6, positive_fraction=1.0, positive_iou=0.4)(
        INFO, GT, 96, 128, np.random))
    found = by_place(*pyramid_targets(batch_size=12, positive_fraction=0.25, positive_iou=0.4)(
        INFO, GT, 96, 128, np.random.RandomState(11)))
    places = [place for place, _ in pyramid_places()]
    expected, rng = np.array([every[place][0] for place in places]), np.random.RandomState(11)
    positive, negative = np.flatnonzero(expected == 1), np.flatnonzero(expected == 0)
    expected[rng.choice(positive, len(positive) - 3, replace=False)] = -1
    expected[rng.choice(negative, len(negative) - 9, replace=False)] = -1
    np.testing.assert_array_equal([found[place][0] for place in places], expected)


def test_ignored_regions_on_all_levels():
    every = pyramid_targets(batch_size=10 ** 6, positive_fraction=1.0)
    # Without the second ground truth there are negative anchors on the last level, too.
    before = by_place(*every(INFO, GT[::2], 96, 128, np.random))
    after = by_place(*every(INFO, with_regions(GT[::2]), 96, 128, np.random))
    changed = set()
    for place, box in pyramid_places():
        old, new = before[place][0], after[place][0]
        ignored = old == 0 and max(share(box, region) for region in REGIONS) >= 0.3
        assert new == (-1 if ignored else old)
        if ignored:
            changed.add(place[0])
    assert changed == {0, 1, 2}
