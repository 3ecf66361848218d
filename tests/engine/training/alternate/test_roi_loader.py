"""RoIs from outside with their targets, by hand."""
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from light_head_rcnn.data import training_boxes
from light_head_rcnn.engine.building.datasets import build_dataset
from light_head_rcnn.engine.training.alternate.roi_loader import build_roi_loader

CLASSES = 4


@pytest.fixture(scope="module")
def dataset(configure):
    return build_dataset(configure("set"), "train")


def arrays(batch):
    """Arrays by name of a batch, its RoIs without the number of their image, which the device fills in."""
    return dict(zip(("data", "im_info", "gt_boxes", "rois", "label", "bbox_target", "bbox_weight"), batch))


def iou(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (areas[0] + areas[1] - width * height)


def proposals_of(dataset, count=7):
    rng = np.random.RandomState(0)
    found = {}
    for record in dataset.records:
        corner = rng.rand(count, 2) * [record.width / 2, record.height / 2]
        found[record.path] = np.concatenate([corner, corner + 8 + 20 * rng.rand(count, 2)], 1).astype(np.float32)
        # One that is a ground truth but for a pixel.
        found[record.path][0] = record.boxes[0] + [1, 0, 0, 0]
    return found


@pytest.mark.parametrize("agnostic", [True, False])
def test_rois_and_their_targets(configure, dataset, agnostic):
    cfg = configure("run", "CLASS_AGNOSTIC", agnostic, "TRAIN.SHUFFLE", False)
    proposals = proposals_of(dataset)
    loader = build_roi_loader(cfg, dataset, proposals, CLASSES, 2)
    records = sorted(dataset.records, key=lambda record: record.height > record.width)
    most = max(7 + len(record.boxes) for record in records)
    groups = 2 if agnostic else CLASSES
    position, flips = 0, set()
    for batch in loader.epoch(0):
        found = arrays(batch)
        assert found["rois"].shape == (2, most, 5) and found["bbox_target"].shape == (2, most, 4 * groups)
        for image in range(2):
            record = records[position]
            position += 1
            scale = 64 / max(record.width, record.height)
            truths, classes = training_boxes(record)
            candidates = np.concatenate([truths, proposals[record.path]])
            rois, label = found["rois"][image], found["label"][image]
            count = len(candidates)
            assert not rois[:, 0].any() and (label[count:] == -1).all()
            assert not found["bbox_weight"][image, count:].any()
            mirrored = candidates.copy()
            mirrored[:, [0, 2]] = record.width - 1 - candidates[:, [2, 0]]
            matches = [np.allclose(np.sort(rois[:count, 1:], axis=0), np.sort(boxes * scale, axis=0), atol=1e-3)
                       for boxes in (candidates, mirrored)]
            assert sum(matches) == 1
            flips.add(matches[1])
            truths = (mirrored if matches[1] else candidates)[:len(truths)] * scale
            for row in range(count):
                overlaps = [iou(rois[row, 1:], truth) for truth in truths]
                best = int(np.argmax(overlaps))
                positive = overlaps[best] >= 0.5
                assert label[row] == (classes[best] + 1 if positive else 0)
                columns = slice(*((4, 8) if agnostic else (4 * (classes[best] + 1), 4 * (classes[best] + 2))))
                weight = np.zeros(4 * groups)
                weight[columns] = positive
                np.testing.assert_array_equal(found["bbox_weight"][image, row], weight)
                if positive:
                    x1, y1, x2, y2 = rois[row, 1:]
                    t1, u1, t2, u2 = truths[best]
                    expected = [((t1 + t2) - (x1 + x2)) / 2 / (x2 - x1 + 1) / 0.1,
                                ((u1 + u2) - (y1 + y2)) / 2 / (y2 - y1 + 1) / 0.1,
                                math.log((t2 - t1 + 1) / (x2 - x1 + 1)) / 0.2,
                                math.log((u2 - u1 + 1) / (y2 - y1 + 1)) / 0.2]
                    np.testing.assert_allclose(found["bbox_target"][image, row, columns], expected, atol=1e-3)
    assert flips == {False, True}


def test_sampled_rois(configure, dataset):
    cfg = configure("run", "TRAIN.ENABLE_OHEM", False, "TRAIN.BATCH_ROIS", 6)
    draws = []
    for _ in range(2):
        loader = build_roi_loader(cfg, dataset, proposals_of(dataset), CLASSES, 4)
        draws.append([arrays(batch) for batch in loader.epoch(0)])
    for batch, again in zip(*draws):
        assert batch["rois"].shape == (4, 6, 5) and batch["label"].shape == (4, 6)
        assert ((batch["label"] > 0).sum(axis=1) <= 2).all() and (batch["label"] >= 0).all()
        for name in batch:
            np.testing.assert_array_equal(batch[name], again[name])


@pytest.mark.parametrize("ignore", [True, False])
def test_proposals_in_the_boxes_of_crowds(configure, dataset, ignore):
    """They are left out, or background; a region that lacks its annotation, here of ten pixels, is never background."""
    cfg = configure("run", "TRAIN.IGNORE_CROWD_AND_DIFFICULT", ignore, "TRAIN.BATCH_IMAGES", 1)
    record = dataset.records[0]
    crowd = np.arange(len(record.boxes)) == 0
    marked = replace(record, crowd=crowd, regions=np.array([[0, 0, 9, 9]], np.float32))
    marked = SimpleNamespace(records=[marked], log=dataset.log)
    truths, _ = training_boxes(marked.records[0])
    # Half of the crowd's box, a box in the region, and one that overlaps neither much.
    x1, y1, x2, y2 = record.boxes[0]
    left, top = (0 if x1 > 10 else x2 + 1), (0 if y1 > 10 else y2 + 1)
    free = [max(left, 10), max(top, 10), max(left, 10) + 6, max(top, 10) + 6]
    assert x1 > free[2] or x2 < free[0] or y1 > free[3] or y2 < free[1]
    boxes = np.array([[x1, y1, (x1 + x2) / 2 - 2, y2], [0, 0, 8, 8], free], np.float32)
    assert all(iou(box, truth) < 0.5 for box in boxes for truth in truths)
    batch = arrays(next(build_roi_loader(cfg, marked, {record.path: boxes}, CLASSES, 1).epoch(0)))
    count = len(truths)
    labels = batch["label"][0]
    assert len(labels) == count + 3 and (labels[:count] > 0).all()
    assert labels[count:].tolist() == ([0, -1, -1] if ignore else [0, 0, -1])
    widths = batch["rois"][0, count:, 3] - batch["rois"][0, count:, 1]
    expected = np.array([6, 0, 0] if ignore else [(x2 - x1) / 2 - 2, 6, 0]) * 64 / max(record.width, record.height)
    np.testing.assert_allclose(widths, expected, rtol=1e-4)
