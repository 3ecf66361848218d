"""RoIs from outside with their targets, by hand."""
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from light_head_rcnn.data import training_boxes
from light_head_rcnn.engine.building.datasets import build_dataset
from light_head_rcnn.engine.building.roi_loader import CandidateRecords, RoiTargets, build_roi_loader

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


def given(proposals):
    return lambda record: proposals[record.path]


@pytest.mark.parametrize("agnostic", [True, False])
def test_rois_and_their_targets(configure, dataset, agnostic):
    cfg = configure("run", "CLASS_AGNOSTIC", agnostic, "TRAIN.SHUFFLE", False)
    proposals = proposals_of(dataset)
    loader = build_roi_loader(cfg, dataset, given(proposals), CLASSES, 2)
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
        loader = build_roi_loader(cfg, dataset, given(proposals_of(dataset)), CLASSES, 4)
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
    batch = arrays(next(build_roi_loader(cfg, marked, lambda record: boxes, CLASSES, 1).epoch(0)))
    count = len(truths)
    labels = batch["label"][0]
    assert len(labels) == count + 3 and (labels[:count] > 0).all()
    assert labels[count:].tolist() == ([0, -1, -1] if ignore else [0, 0, -1])
    widths = batch["rois"][0, count:, 3] - batch["rois"][0, count:, 1]
    expected = np.array([6, 0, 0] if ignore else [(x2 - x1) / 2 - 2, 6, 0]) * 64 / max(record.width, record.height)
    np.testing.assert_allclose(widths, expected, rtol=1e-4)


def fast_rcnn_targets(cfg, stride=16):
    return RoiTargets(cfg, CLASSES, 0, distinct_stride=stride, fill=False)


def jittered_rows(rng, count):
    """Ground truths, and proposals with all kinds of IoU; rows (x1, y1, x2, y2, class)."""
    truths = np.array([[100, 80, 299, 259, 1], [400, 200, 519, 399, 3]], np.float32)
    jitter = rng.uniform(-0.6, 0.6, (count, 4)) * np.array([200, 180, 200, 180])
    boxes = truths[rng.randint(2, size=count), :4] + jitter
    boxes = np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:]) + 1], 1)
    return np.concatenate([truths, np.insert(boxes, 4, 0, axis=1)]).astype(np.float32)


def test_statistics_of_the_samples_of_fast_rcnn(fast_rcnn_cfg):
    """64 RoIs, a quarter with an IoU of at least 0.5, the others in [0.1, 0.5), each candidate drawn equally often."""
    rng = np.random.RandomState(1)
    rows = jittered_rows(rng, 400)
    best = np.array([max(iou(row, truth) for truth in rows[:2]) for row in rows[:, :4]])
    foreground, background = np.flatnonzero(best >= 0.5), np.flatnonzero((best >= 0.1) & (best < 0.5))
    assert len(foreground) > 25 and len(background) > 100 and (best < 0.1).sum() > 20
    targets, drawn, rounds = fast_rcnn_targets(fast_rcnn_cfg, stride=0), np.zeros(len(rows)), 400
    for seed in range(rounds):
        rois, label, _, weight = targets(None, rows, 0, 0, np.random.RandomState(seed))
        assert rois.shape == (64, 5) and (label[:16] > 0).all() and (label[16:] == 0).all()
        places = [int(np.flatnonzero((rows[:, :4] == roi).all(axis=1))[0]) for roi in rois[:, 1:]]
        assert len(set(places)) == 64 and not weight[16:].any()
        drawn[places] += 1
    assert not drawn[best < 0.1].any()
    for candidates, wanted in ((foreground, 16), (background, 48)):
        share = wanted / len(candidates)
        assert drawn[candidates].sum() == rounds * wanted
        # Six standard deviations of a binomial distribution.
        np.testing.assert_allclose(drawn[candidates] / rounds, share, atol=6 * math.sqrt(share * (1 - share) / rounds))


def test_too_few_candidates_are_padded_and_never_filled_with_others(fast_rcnn_cfg):
    rows = np.array([[10, 10, 109, 109, 2], [10, 10, 109, 99, 0], [60, 10, 159, 109, 0], [300, 300, 350, 350, 0]],
                    np.float32)
    rois, label, _, weight = fast_rcnn_targets(fast_rcnn_cfg)(None, rows, 0, 0, np.random.RandomState(0))
    assert label.tolist() == [2, 2, 0] + [-1] * 61 and not rois[3:].any() and not weight[2:].any()
    none = fast_rcnn_targets(fast_rcnn_cfg)(None, rows[:0], 0, 0, np.random.RandomState(0))
    assert (none[1] == -1).all() and not none[3].any()


def test_proposals_that_pool_the_same_cells_are_one_candidate_and_ground_truths_all_are(fast_rcnn_cfg):
    truths = np.array([[16, 16, 64, 64, 1], [17, 16, 64, 65, 2]], np.float32)
    same = np.array([[100, 100, 160, 160, 0], [101, 99, 161, 158, 0], [16, 17, 63, 64, 0]], np.float32)
    rows = np.concatenate([truths, same, [[14, 14, 64, 99, 0]]]).astype(np.float32)
    for stride, expected in ((16, 3), (0, 4)):
        rois, label = fast_rcnn_targets(fast_rcnn_cfg, stride)(None, rows, 0, 0, np.random.RandomState(0))[:2]
        assert (label >= 0).sum() == expected and (label > 0).sum() == expected


def test_proposals_join_records_only_when_asked_for(dataset):
    asked = []

    def proposals_of(record):
        asked.append(record.path)
        return np.array([[1, 2, 30, 40]], np.float32)

    records = CandidateRecords(dataset.records, proposals_of, True)
    assert len(records) == len(dataset.records) and not asked
    record = records[1]
    assert asked == [dataset.records[1].path]
    assert record.boxes[-1].tolist() == [1, 2, 30, 40] and record.classes[-1] == -1
    np.testing.assert_array_equal(record.boxes[:-1], training_boxes(dataset.records[1])[0])


def test_crops_carry_proposals_along(configure, dataset, fast_rcnn_values):
    """Each RoI of a cropped image is a ground truth or a proposal of it, moved to the crop and clipped."""
    cfg = configure("run", *fast_rcnn_values, "symbol", "", "TRAIN.RANDOM_CROP", 1.0, "TRAIN.FLIP", False)
    proposals = proposals_of(dataset, 40)
    loader = build_roi_loader(cfg, dataset, given(proposals), CLASSES, 2, fill=False)
    inside = 0
    for batch in loader.epoch(0):
        found = arrays(batch)
        for rois, label, (height, width, _) in zip(found["rois"], found["label"], found["im_info"]):
            boxes = rois[label >= 0, 1:]
            inside += len(boxes)
            assert (boxes >= 0).all() and (boxes[:, [0, 2]] <= width).all() and (boxes[:, [1, 3]] <= height).all()
            assert (boxes[:, 2:] >= boxes[:, :2]).all()
    assert inside > 20
