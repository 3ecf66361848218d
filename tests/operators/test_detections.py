"""Detections from a head's outputs, against slow NumPy versions."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.operators import boxes as box_ops
from light_head_rcnn.operators import detections

STDS, MEANS = (0.1, 0.1, 0.2, 0.2), (0.5, 0, 0.25, 0)


@pytest.fixture(scope="module")
def reference(module_at):
    """The functions of reference_boxes.py."""
    return module_at("operators/reference_boxes.py")


def candidates(rng, classes=4):
    """scores (2, 12, classes) and boxes (2, 12, 4 * classes) that overlap often."""
    corners = rng.uniform(0, 30, (2, 12 * classes, 2, 2))
    boxes = np.concatenate([corners.min(axis=2), corners.max(axis=2) + 20], axis=2)
    return rng.uniform(size=(2, 12, classes)).astype(np.float32), boxes.reshape(2, 12, -1).astype(np.float32)


@pytest.mark.parametrize("agnostic", [True, False])
@pytest.mark.parametrize("folded", [True, False])
def test_boxes_of_classes(agnostic, folded):
    rng = np.random.RandomState(0)
    corners = rng.uniform(0, 60, (10, 2, 2))
    rois = np.concatenate([np.zeros((10, 1)), corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    deltas = rng.normal(0, 1, (10, 8 if agnostic else 12)).astype(np.float32)
    im_info = np.array([[50, 60, 1], [40, 70, 2]], np.float32)
    targets = {} if folded else {"means": MEANS, "stds": STDS}
    found = detections.class_boxes(mx.nd, *map(mx.nd.array, (rois, deltas, im_info)), rois_per_image=5, num_classes=3,
                                   class_agnostic=agnostic, **targets).asnumpy()
    assert found.shape == (2, 5, 4 if agnostic else 12)
    for n, (height, width, _) in enumerate(im_info):
        for r in range(5):
            for group in range(found.shape[2] // 4):
                first = 4 if agnostic else 4 * group
                delta = deltas[5 * n + r, first:first + 4]
                box = box_ops.decode(rois[5 * n + r, 1:], delta if folded else delta * STDS + MEANS)
                np.testing.assert_allclose(found[n, r, 4 * group:4 * group + 4],
                                           np.clip(box, 0, np.array([width, height] * 2) - 1), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("first", [(50, 60), (60, 50), (45, 45)])
def test_each_image_is_clipped_to_its_own_size(first):
    """The images of a batch differ in the first one only, which may be square."""
    rois, deltas = np.tile(np.float32([[0, 20, 20, 300, 300]]), (6, 1)), np.zeros((6, 8), np.float32)
    im_info = np.float32([[*first, 1], [80, 70, 1], [80, 70, 1]])
    found = detections.class_boxes(mx.nd, *map(mx.nd.array, (rois, deltas, im_info)), rois_per_image=2, num_classes=5,
                                   class_agnostic=True).asnumpy()
    expected = [[20, 20, width - 1, height - 1] for height, width, _ in im_info]
    np.testing.assert_allclose(found, np.repeat(np.array(expected)[:, None], 2, axis=1))


@pytest.mark.parametrize("soft", ["none", "gaussian"])
def test_defaults_of_suppression(reference, soft):
    """Thresholds 0.001 for scores and 0.3 for IoUs, sigma 0.5 and 100 rows, as the MXNet original tests."""
    scores, boxes = candidates(np.random.RandomState(1), classes=8)
    scores[:, ::3] *= 0.01
    defaults = dict(score_threshold=0.001, nms_threshold=0.3, max_per_image=100, soft=soft, sigma=0.5)
    expected, found = reference.multiclass_nms(scores, boxes, **defaults)
    for change in ({"score_threshold": 0.05}, {"sigma": 0.3} if soft == "gaussian" else {"nms_threshold": 0.5}):
        assert (reference.multiclass_nms(scores, boxes, **dict(defaults, **change))[0] != expected).any()
    answers = detections.suppress(mx.nd, mx.nd.array(scores), mx.nd.array(boxes), soft_nms=soft)
    np.testing.assert_allclose(mx.nd.concat(*answers, dim=2).asnumpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("soft", ["none", "linear", "gaussian"])
def test_suppression(reference, soft):
    scores, boxes = candidates(np.random.RandomState(0))
    counts = np.array([12, 4], np.float32)
    expected, found = reference.multiclass_nms(scores, boxes, counts, score_threshold=0.2, nms_threshold=0.4,
                                               max_per_image=9, soft=soft, sigma=0.6)
    assert 2 < found.min()
    answers = detections.suppress(mx.nd, *map(mx.nd.array, (scores, boxes, counts)), score_threshold=0.2, nms=0.4,
                                  max_per_image=9, soft_nms=soft, soft_nms_sigma=0.6)
    assert [array.shape for array in answers] == [(2, 9, 1), (2, 9, 1), (2, 9, 4)]
    np.testing.assert_allclose(mx.nd.concat(*answers, dim=2).asnumpy(), expected, rtol=1e-5)
