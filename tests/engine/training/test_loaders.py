"""Batches for the module: names and layouts, sizes that do not change without need, RoIs with targets by hand."""
import math

import numpy as np
import pytest

from light_head_rcnn.errors import DataError
from light_head_rcnn.data import padded_box_count, training_boxes
from light_head_rcnn.engine.building import build
from light_head_rcnn.engine.training import loaders
from light_head_rcnn.engine.symbolic.graphs import FeatureSize, training_graph
from light_head_rcnn.gluon_models.backbones import Xception

CLASSES = 4


@pytest.fixture(scope="module")
def dataset(configure):
    return build.build_dataset(configure("set"), "train")


def arrays(batch):
    return {desc.name: array.asnumpy() for desc, array in
            zip(batch.provide_data + batch.provide_label, batch.data + batch.label)}


def test_batches_are_those_of_the_data_loader(configure, dataset):
    cfg = configure("run", "TRAIN.NUM_WORKERS", 1)
    graph = training_graph(cfg, CLASSES)
    loader = loaders.AnchorLoader(cfg, graph, dataset, 2)
    plain = build.build_train_loader(cfg, FeatureSize(graph.symbol, 64, 32), dataset, 2)
    most = padded_box_count(max(len(training_boxes(record)[0]) for record in dataset.records))
    assert len(loader) == len(plain) == 3
    for batch, expected in zip(loader.epoch(0), plain.epoch(0)):
        found = arrays(batch)
        assert list(found) == ["data", "im_info", "gt_boxes", "label", "bbox_target", "bbox_weight"]
        for name, array in zip(found, expected):
            if name != "gt_boxes":
                np.testing.assert_array_equal(found[name], array)
        assert found["gt_boxes"].shape == (2, most, 5)
        rows = expected[2].shape[1]
        np.testing.assert_array_equal(found["gt_boxes"][:, :rows], expected[2])
        assert (found["gt_boxes"][:, rows:] == -1).all()
        for desc, bound in zip(batch.provide_data + batch.provide_label, loader.provide_data + loader.provide_label):
            assert desc.name == bound.name and np.prod(desc.shape) <= np.prod(bound.shape)


def test_iterates_as_other_data_iterators_do(configure, dataset):
    cfg = configure("run")
    loader = loaders.AnchorLoader(cfg, training_graph(cfg, CLASSES, "rpn"), dataset, 2)
    assert [desc.name for desc in loader.provide_data] == ["data"] and loader.batch_size == 2
    first = [arrays(batch)["data"] for batch in loader]
    loader.reset()
    second = [arrays(batch)["data"] for batch in loader]
    assert len(first) == len(second) == 3
    for epoch, batches in enumerate((first, second)):
        for start in (0, 2):
            for one, other in zip(batches[start:], loader.epoch(epoch, start)):
                np.testing.assert_array_equal(one, arrays(other)["data"])


@pytest.mark.parametrize("overrides, expected", [
    (("SCALES", "600,1000"), (608, 1024)), (("SCALES", "600,1000", "network.IMAGE_STRIDE", 0), (600, 1000)),
    (("SCALES", "600,1000", "TRAIN.SCALES", "[[300,500],[400,450]]"), (416, 512)),
    (("SCALES", "600,1000", "TRAIN.ASPECT_GROUPING", "false"), (1024, 1024)),
    (("SCALES", "600,1000", "TRAIN.ASPECT_GROUPING", "false", "TRAIN.BATCH_IMAGES", 1), (608, 1024))])
def test_largest_image(configure, overrides, expected):
    assert loaders.largest_image(configure("run", *overrides)) == expected


def test_feature_size_is_that_of_the_same_gluon_backbone(configure):
    cells = FeatureSize(training_graph(configure("run"), CLASSES).symbol, 256, 8)
    gluon = Xception(frozen=True).feature_size
    assert [cells(side) for side in range(16, 257, 8)] == [gluon(side) for side in range(16, 257, 8)]
    with pytest.raises(DataError, match="264 pixels wide or high .* takes 16 to 256"):
        cells(264)


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
    loader = loaders.RoiLoader(cfg, dataset, proposals, CLASSES, 2)
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
            assert (rois[:count, 0] == image).all() and (label[count:] == -1).all()
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


def test_sampled_rois_and_the_number_of_their_image_on_each_device(configure, dataset):
    cfg = configure("run", "TRAIN.ENABLE_OHEM", False, "TRAIN.BATCH_ROIS", 6)
    draws = []
    for _ in range(2):
        loader = loaders.RoiLoader(cfg, dataset, proposals_of(dataset), CLASSES, 4)
        draws.append([arrays(batch) for batch in loader.epoch(0)])
    for batch, again in zip(*draws):
        assert batch["rois"].shape == (4, 6, 5) and batch["label"].shape == (4, 6)
        np.testing.assert_array_equal(batch["rois"][:, :, 0], [[0] * 6, [1] * 6] * 2)
        assert ((batch["label"] > 0).sum(axis=1) <= 2).all() and (batch["label"] >= 0).all()
        for name in batch:
            np.testing.assert_array_equal(batch[name], again[name])
