"""Ignored regions from records to labels: mirrored, of several images, on single maps and on pyramids."""
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from light_head_rcnn import data
from light_head_rcnn.engine.building.datasets import build_dataset
from light_head_rcnn.engine.building.loaders import build_train_loader
from light_head_rcnn.operators import boxes as box_ops
from light_head_rcnn.operators.anchors import anchor_grid, base_anchors

ANCHORS = {"network.ANCHOR_RATIOS": [1], "network.ANCHOR_SCALES": [1, 2]}
KEYS = [word for key, value in ANCHORS.items() for word in (key, str(value))]
STRIDES = (8, 16)


def test_one_number_marks_regions():
    """Data sets and operators know nothing of each other, so that each says the number."""
    assert data.IGNORED_REGION == box_ops.IGNORED_REGION == -2


def cells(size):
    return -(-size // 16)


def level_cells(size):
    return tuple(-(-size // stride) for stride in STRIDES)


def boxes_of_anchors(height, width, strides):
    """The anchors of a batch of this size, in the order of the labels."""
    base = [base_anchors((1,), (1, 2), stride) for stride in strides]
    grids = [anchor_grid(-(-height // stride), -(-width // stride), stride, anchors)
             for stride, anchors in zip(strides, base)]
    return np.concatenate(grids).reshape(-1, 2, 4).transpose(1, 0, 2).reshape(-1, 4)


def share(box, region):
    sides = [min(box[k + 2], region[k + 2]) - max(box[k], region[k]) + 1 for k in (0, 1)]
    return max(sides[0], 0) * max(sides[1], 0) / ((box[2] - box[0] + 1) * (box[3] - box[1] + 1))


@pytest.mark.parametrize("strides, feature_size", [((16,), cells), (STRIDES, level_cells)])
def test_labels_of_batches_leave_regions_out(configure_model, shapes, strides, feature_size):
    cfg = configure_model(
        "light_head_rcnn_xception_coco", "dataset.dataset", "shapes", "dataset.dataset_path", shapes, *KEYS, "SCALES",
        "[96, 128]", "TRAIN.RPN_BATCH_SIZE", "100000", "TRAIN.RPN_FG_FRACTION", "1", "TRAIN.NUM_WORKERS", "0",
        "TRAIN.SHUFFLE", "false", "TRAIN.ASPECT_GROUPING", "false")
    dataset = build_dataset(cfg, "train")
    plain = list(dataset.records)
    marked = [replace(record, regions=np.array([[0, 0, record.width * 0.4, record.height * 0.5]], np.float32),
                      crowd=np.arange(len(record.boxes)) == 1) for record in plain]
    # The same boxes to learn, and nothing marked as unknown.
    bare = [replace(record, boxes=record.boxes[~one.crowd], classes=record.classes[~one.crowd],
                    **{name: getattr(record, name)[~one.crowd] for name in ("crowd", "difficult", "ignored")})
            for record, one in zip(plain, marked)]
    stride = strides if len(strides) > 1 else strides[0]
    sets = [SimpleNamespace(records=records, log=dataset.log) for records in (bare, marked)]
    batches = [list(build_train_loader(cfg, feature_size, one, 2, stride).epoch(0)) for one in sets]
    changed = levels = 0
    for (images, _, _, before, _, weight), (_, _, gt_boxes, after, _, new_weight) in zip(*batches):
        np.testing.assert_array_equal(weight, new_weight)
        anchors = boxes_of_anchors(*images.shape[2:], strides)
        for old, new, rows in zip(before, after, gt_boxes):
            regions = rows[rows[:, 4] == data.IGNORED_REGION]
            assert len(regions) == 2
            inside = np.array([max(share(box, region) for region in regions) >= 0.3 for box in anchors])
            np.testing.assert_array_equal(new, np.where((old == 0) & inside, -1, old))
            changed += (new != old).sum()
            levels += (new[inside] == 1).any()
    assert changed > 50 and levels
