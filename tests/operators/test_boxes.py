"""Box geometry against slow, obvious references, in NumPy and with NDArrays."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.operators import boxes as box_ops


def random_boxes(rng, *shape, size=100):
    corners = rng.uniform(0, size, shape + (2, 2))
    return np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1).astype(np.float32)


def pixel_iou(a, b):
    """Counts pixels: boxes of whole numbers, inclusive ends."""
    def mask(box):
        x1, y1, x2, y2 = box.astype(int)
        grid = np.zeros((120, 120), bool)
        grid[y1:y2 + 1, x1:x2 + 1] = True
        return grid
    return (mask(a) & mask(b)).sum() / (mask(a) | mask(b)).sum()


def test_iou_counts_shared_pixels():
    rng = np.random.RandomState(0)
    a, b = np.floor(random_boxes(rng, 2, 5)), np.floor(random_boxes(rng, 2, 3))
    expected = [[[pixel_iou(x, y) for y in b[n]] for x in a[n]] for n in range(2)]
    np.testing.assert_allclose(box_ops.iou(a, b), expected, rtol=1e-5)


def test_iou_of_boxes_that_touch_nothing_is_zero():
    a, b = np.array([[[0, 0, 9, 9]]], np.float32), np.array([[[10, 0, 19, 9], [50, 50, 60, 60]]], np.float32)
    assert (box_ops.iou(a, b) == 0).all()


@pytest.mark.parametrize("as_array", [np.asarray, mx.nd.array])
def test_share_inside_counts_pixels(as_array):
    rng = np.random.RandomState(3)
    a, b = np.floor(random_boxes(rng, 2, 5)), np.floor(random_boxes(rng, 2, 3))
    b[0, 0] = (0, 0, 110, 110)
    found = box_ops.share_inside(as_array(a), as_array(b), box_ops.NUMPY if as_array is np.asarray else mx.nd)
    expected = []
    for n in range(2):
        for x in a[n]:
            pixels = [(i, j) for i in range(int(x[0]), int(x[2]) + 1) for j in range(int(x[1]), int(x[3]) + 1)]
            expected += [[sum(y[0] <= i <= y[2] and y[1] <= j <= y[3] for i, j in pixels) / len(pixels) for y in b[n]]]
    np.testing.assert_allclose(np.float32(found if as_array is np.asarray else found.asnumpy()),
                               np.reshape(expected, (2, 5, 3)), rtol=1e-5)
    assert (np.array(expected)[:5, 0] == 1).all() and 0 < np.mean(np.array(expected) == 0) < 1


def test_a_box_without_area_lies_in_no_other():
    flat, other = np.array([[[5.0, 5, 4, 9]]]), np.array([[[0.0, 0, 9, 9]]])
    assert box_ops.share_inside(flat, other) == 0


def test_decode_inverts_encode():
    rng = np.random.RandomState(1)
    sources, targets = random_boxes(rng, 4, 6), random_boxes(rng, 4, 6)
    np.testing.assert_allclose(box_ops.decode(sources, box_ops.encode(sources, targets)), targets, atol=1e-3)


def test_encode_by_hand():
    # 10 x 20 around (4.5, 9.5) to 20 x 20 around (14.5, 14.5)
    deltas = box_ops.encode(np.array([0, 0, 9, 19.0]), np.array([5, 5, 24, 24.0]))
    np.testing.assert_allclose(deltas, [1.0, 0.25, np.log(2), 0])


def test_encode_equals_the_mxnet_original_to_the_last_bit():
    sources, targets = random_boxes(np.random.RandomState(2), 2, 1000).astype(np.float64)
    expected = []
    for k in (0, 1):
        sides = [box[:, k + 2] - box[:, k] + 1.0 for box in (sources, targets)]
        centres = [box[:, k] + 0.5 * (side - 1.0) for box, side in zip((sources, targets), sides)]
        expected += [(centres[1] - centres[0]) / (sides[0] + 1e-14), np.log(sides[1] / sides[0])]
    np.testing.assert_array_equal(box_ops.encode(sources, targets), np.stack(expected, axis=1)[:, [0, 2, 1, 3]])


def test_clip_keeps_boxes_in_the_image():
    boxes = np.array([[-5, -5, 200, 300], [10, 20, 30, 40], [150, 70, 200, 300], [-9, -9, -3, -2]], np.float32)
    np.testing.assert_array_equal(box_ops.clip(boxes, 50, 100), [[0, 0, 99, 49], [10, 20, 30, 40], [99, 49, 99, 49],
                                                                 [0, 0, 0, 0]])


def test_clip_takes_the_size_of_each_image():
    """Images of unlike sizes, a square one among them: each box is clipped to its own image."""
    boxes = np.tile(np.array([30, 30, 90, 90], np.float32), (3, 2, 1))
    heights, widths = (np.array(sides, np.float32).reshape(3, 1, 1) for sides in ((40, 60, 95), (80, 60, 50)))
    expected = np.array([[30, 30, 79, 39], [30, 30, 59, 59], [30, 30, 49, 90]])
    np.testing.assert_array_equal(box_ops.clip(boxes, heights, widths), np.repeat(expected[:, None], 2, axis=1))


def test_mirror_follows_the_pixels():
    image = np.zeros((6, 9))
    image[2:5, 1:4] = 1
    mirrored = box_ops.mirror(np.array([[1, 2, 3, 4.0]]), 9)
    np.testing.assert_array_equal(mirrored, [[5, 2, 7, 4]])
    assert image[:, ::-1][2:5, 5:8].all()
    np.testing.assert_array_equal(box_ops.mirror(mirrored, 9), [[1, 2, 3, 4]])


@pytest.mark.parametrize("function", ["iou", "encode", "decode", "clip", "mirror"])
def test_ndarrays_equal_numpy(function):
    rng = np.random.RandomState(2)
    a, b = random_boxes(rng, 2, 7), random_boxes(rng, 2, 7)
    second = {"decode": box_ops.encode(a, b)}.get(function, b)
    sizes = [np.full((2, 1, 1), size, np.float32) for size in (60, 70)]
    inputs = [a] + {"clip": sizes, "mirror": sizes[1:]}.get(function, [second])
    expected = getattr(box_ops, function)(*inputs)
    actual = getattr(box_ops, function)(*map(mx.nd.array, inputs), F=mx.nd)
    np.testing.assert_allclose(actual.asnumpy(), expected, rtol=1e-4, atol=1e-4)
