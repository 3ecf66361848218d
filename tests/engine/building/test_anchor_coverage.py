"""Best anchors of boxes, found axis by axis, against all anchors of the grid and against the labels of training."""
import numpy as np
import pytest

from light_head_rcnn import data
from light_head_rcnn.data import preprocess
from light_head_rcnn.engine.building.anchor_coverage import AnchorCoverage, Coverage, sample_boxes
from light_head_rcnn.operators import boxes as box_ops
from light_head_rcnn.operators.anchor_targets import AnchorTargets
from light_head_rcnn.operators.anchors import anchor_grid, base_anchors

RATIOS, SCALES, POSITIVE = (0.5, 1, 1.7), (0.75, 1.1, 3.4), 0.6
SIZES = [(90, 160), (200, 130), (64, 64), (30, 400), (7, 300)]  # height, width of images


def single(size):
    return -(-size // 16)


def levels(size):
    return tuple(-(-size // stride) for stride in (4, 8, 16, 32))


def records(count=12, seed=0):
    rng = np.random.RandomState(seed)
    found = []
    for number, (height, width) in enumerate(SIZES):
        corners = rng.rand(count, 2, 2) * [width - 1, height - 1]
        boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
        objects = [data.Annotation(tuple(box), 0, crowd=k == 0) for k, box in enumerate(boxes)]
        found.append(data.make_record(number, f"{number}.png", height, width, [])
                     if number == 2 else data.make_record(number, f"{number}.png", width, height, objects))
    return found


def grid_of(input_size, stride):
    strides = stride if isinstance(stride, tuple) else (stride,)
    return np.concatenate([
        anchor_grid(-(-input_size[0] // one), -(-input_size[1] // one), one,
                    base_anchors(RATIOS, SCALES, one).astype(float)) for one in strides])


@pytest.mark.parametrize("stride, feature_size", [(16, single), ((4, 8, 16, 32), levels)])
@pytest.mark.parametrize("image_stride", [32, 1])
def test_the_best_anchor_of_each_box_is_that_of_the_whole_grid(stride, feature_size, image_stride):
    sample = sample_boxes(records(), [(100, 200)], image_stride)
    found = AnchorCoverage(sample, feature_size, stride, POSITIVE)(RATIOS, SCALES)
    assert len(found.best) == len(sample.boxes) == 4 * 11 and not sample.inputs.__mod__(image_stride).any()
    for best, box, image, inputs in zip(found.best, *sample[:3]):
        anchors = grid_of(inputs, stride)
        inside = (anchors[:, :2] >= 0).all(axis=1) & (anchors[:, 2] < image[1]) & (anchors[:, 3] < image[0])
        assert best == box_ops.iou(anchors[None, inside], box[None, None])[0].max(initial=0)
    assert 0 < found.share < 1 and found.share_of(0.3) > found.share
    np.testing.assert_allclose(found.mean, found.best.mean())


@pytest.mark.parametrize("stride, feature_size", [(16, single), ((4, 8, 16, 32), levels)])
def test_a_box_is_covered_where_training_labels_an_anchor_positive_for_it(stride, feature_size):
    """The rule by which the best anchor of a box is positive is switched off by another one."""
    targets = AnchorTargets(feature_size, stride, RATIOS, SCALES, 10 ** 6, 1.0, POSITIVE, POSITIVE,
                            clobber_positives=True)
    covered = 0
    for record in records():
        boxes, classes = data.training_boxes(record)
        sample = sample_boxes([record], [(100, 200)], 32)
        found = AnchorCoverage(sample, feature_size, stride, POSITIVE)
        if not len(boxes):
            assert np.isnan(found(RATIOS, SCALES).share) and found(RATIOS, SCALES).by_side() == []
            continue
        pixels = np.zeros((record.height, record.width, 3), np.uint8)
        _, info, rows = preprocess(pixels, 100, 200, (0, 0, 0), boxes=boxes, classes=classes)
        for row, best in zip(rows, found(RATIOS, SCALES).best):
            label = targets(info, row[None], *sample.inputs[0], np.random.RandomState(0))[0]
            assert (label == 1).any() == (best >= POSITIVE)
            covered += best >= POSITIVE
    assert covered > 2


def test_boxes_are_sampled_with_a_seed_at_all_scales():
    many = records(200)
    sample = sample_boxes(many, [(64, 200), (100, 200)], 32, most=300, seed=3)
    assert sample.count == 4 * 199 and len(sample.boxes) == 300
    again = sample_boxes(many, [(64, 200), (100, 200)], 32, most=300, seed=3)
    other = sample_boxes(many, [(64, 200), (100, 200)], 32, most=300, seed=4)
    np.testing.assert_array_equal(sample.boxes, again.boxes)
    assert not np.array_equal(sample.boxes, other.boxes)
    shorter = set(sample.images[sample.images.max(axis=1) < 200].min(axis=1))
    assert shorter == {64, 100}
    assert len(sample.part(10).boxes) == 10 and sample.part(10).count == sample.count
    # The box of a crowd is not trained on, and each image has one.
    assert len(sample_boxes(many, [(64, 200)], 32, most=10 ** 6).boxes) == sample.count


def test_shares_by_side():
    found = Coverage(np.array([0.2, 0.7, 0.5, 0.0]), np.array([9.0, 15.9, 16.0, 100.0]), 0.5)
    ranges = [(begin, end, count, part.share) for begin, end, count, part in found.by_side()]
    assert ranges == [(8, 16, 2, 0.5), (16, 32, 1, 1.0), (64, 128, 1, 0.0)]
    assert (found.share, found.share_of(0.1), found.share_without) == (0.5, 0.75, 0.25)
