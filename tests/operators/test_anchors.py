"""Anchors against the published Faster R-CNN table and against MXNet's own Proposal operator."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.operators.anchors import anchor_grid, base_anchors


def test_faster_rcnn_table():
    """The nine anchors printed in the Faster R-CNN sources, there for scales 8, 16, 32."""
    expected = [[-84, -40, 99, 55], [-176, -88, 191, 103], [-360, -184, 375, 199],
                [-56, -56, 71, 71], [-120, -120, 135, 135], [-248, -248, 263, 263],
                [-36, -80, 51, 95], [-80, -168, 95, 183], [-168, -344, 183, 359]]
    np.testing.assert_array_equal(base_anchors(scales=(8, 16, 32)), expected)


def test_defaults():
    """Those of the MXNet original's configurations for COCO, at stride 16."""
    found = base_anchors()
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, base_anchors((0.5, 1, 2), (4, 8, 16, 32), 16, np.float32))
    np.testing.assert_array_equal(found[:2], [[-38, -16, 53, 31], [-84, -40, 99, 55]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_grid_has_the_type_of_the_anchors(dtype):
    assert anchor_grid(2, 3, 16, base_anchors(dtype=dtype)).dtype == dtype


def test_grid_order_is_rows_columns_anchors():
    anchors = base_anchors(ratios=(1,), scales=(1, 2))
    grid = anchor_grid(2, 3, 16, anchors).reshape(2, 3, 2, 4)
    np.testing.assert_array_equal(grid[1, 2], anchors + [32, 16, 32, 16])


def test_equal_to_mxnet_proposal():
    """With zero deltas and one score raised at a time, MXNet's operator answers with that anchor."""
    ratios, scales, height, width = (0.5, 1, 2), (1, 2), 4, 5
    grid = anchor_grid(height, width, 16, base_anchors(ratios, scales)).reshape(height, width, 6, 4)
    rng = np.random.RandomState(0)
    for _ in range(10):
        y, x, a = rng.randint(height), rng.randint(width), rng.randint(6)
        prob = np.zeros((1, 12, height, width), np.float32)
        prob[0, 6 + a, y, x] = 1
        roi = mx.nd.contrib.Proposal(
            mx.nd.array(prob), mx.nd.zeros((1, 24, height, width)), mx.nd.array([[64, 80, 1]]), feature_stride=16,
            ratios=ratios, scales=scales, rpn_pre_nms_top_n=100, rpn_post_nms_top_n=1, rpn_min_size=0).asnumpy()[0, 1:]
        np.testing.assert_allclose(roi, np.clip(grid[y, x, a], 0, [79, 63, 79, 63]), atol=1e-4)
