"""Scaling, and choosing one of the boxes that are equal on the map, beside the hash of the authors' Fast R-CNN."""
import numpy as np

from light_head_rcnn.data.proposals import scaled_proposals, unique_at_stride


def test_scaling_is_multiplication():
    boxes = np.float32([[1, 2, 30, 40]])
    scaled = scaled_proposals(boxes, 1.5)
    np.testing.assert_array_equal(scaled, np.float32([[1.5, 3, 45, 60]]))
    assert scaled.dtype == np.float32 and scaled_proposals(np.zeros((0, 4)), 2).shape == (0, 4)


def test_one_of_the_boxes_that_are_equal_on_the_map():
    boxes = np.float32([[0, 0, 32, 32], [100, 0, 200, 90], [1, 2, 33, 31], [0, 0, 64, 32], [3, 0, 32, 32]])
    np.testing.assert_array_equal(unique_at_stride(boxes, 1, 16), [0, 1, 3])
    np.testing.assert_array_equal(unique_at_stride(boxes, 8, 16), [0, 1, 2, 3, 4])
    assert unique_at_stride(np.zeros((0, 4), np.float32), 1, 16).shape == (0,)


def test_the_hash_of_the_original_chooses_the_same():
    rng = np.random.RandomState(0)
    corners = rng.rand(4000, 4) * 60
    boxes = np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:]], axis=1).astype(np.float32)
    for scale, stride in ((1.0, 16), (1.6, 16), (2.5, 32)):
        cells = np.round(boxes * np.float32(scale) * np.float32(1.0 / stride)).astype(np.float64)
        hashed = cells.dot(np.array([1, 1e3, 1e6, 1e9]))
        first = np.sort(np.unique(hashed, return_index=True)[1])
        found = unique_at_stride(boxes, scale, stride)
        np.testing.assert_array_equal(found, first)
        assert len(found) < len(boxes)
