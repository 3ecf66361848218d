"""Resizing, mirroring, means and deviations."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from light_head_rcnn.data.batching import flip_boxes, preprocess, resize_image, resize_scale


@pytest.mark.parametrize("size, edges, scale", [
    ((480, 640), (800, 1200), 800 / 480), ((640, 480), (800, 1200), 800 / 480),  # the shorter edge decides
    ((400, 1000), (800, 1200), 1.2), ((1000, 400), (800, 1200), 1.2),  # the longer one does
    ((800, 1200), (800, 1200), 1.0),
])
def test_resize_scale(size, edges, scale):
    assert resize_scale(*size, *edges) == scale


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 1500), st.integers(0, 1500))
def test_edges_stay_within_bounds(height, width, short, more):
    scale = resize_scale(height, width, short, short + more)
    resized = [max(round(v * scale), 1) for v in (height, width)]
    assert min(resized) <= short and max(resized) <= short + more
    assert min(resized) == short or max(resized) == short + more


def bilinear(image, height, width):
    """Slow reference: pixel centres aligned, edges repeated."""
    out = np.zeros((height, width, 3))
    for i in range(height):
        for j in range(width):
            y = min(max((i + 0.5) * image.shape[0] / height - 0.5, 0), image.shape[0] - 1)
            x = min(max((j + 0.5) * image.shape[1] / width - 0.5, 0), image.shape[1] - 1)
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, image.shape[0] - 1), min(x0 + 1, image.shape[1] - 1)
            v, u = y - y0, x - x0
            out[i, j] = ((1 - v) * ((1 - u) * image[y0, x0] + u * image[y0, x1])
                         + v * ((1 - u) * image[y1, x0] + u * image[y1, x1]))
    return out


@pytest.mark.parametrize("scale", [0.55, 0.75, 1.3, 2.0])
def test_resize_is_bilinear(scale):
    image = np.random.RandomState(0).randint(0, 256, (21, 30, 3)).astype(np.uint8)
    resized = resize_image(image, round(21 * scale), round(30 * scale))
    assert resized.dtype == np.uint8 and resized.shape == (round(21 * scale), round(30 * scale), 3)
    assert np.abs(resized - bilinear(image, *resized.shape[:2])).max() <= 1.01


@pytest.mark.parametrize("scale, part", [(0.5, 2), (0.4, 2), (0.25, 4), (0.22, 4), (0.125, 8), (0.1, 8), (0.05, 8)])
def test_an_image_much_larger_is_averaged_over_blocks_first(scale, part):
    image = np.random.RandomState(0).randint(0, 256, (80, 160, 3)).astype(np.uint8)
    blocks = image.reshape(80 // part, part, 160 // part, part, 3).mean((1, 3))
    resized = resize_image(image, round(80 * scale), round(160 * scale))
    if part * 2 * scale > 1:
        assert np.abs(resized - bilinear(blocks, *resized.shape[:2])).max() <= 1.51
    assert abs(resized.mean() - image.mean()) < 3


def test_thin_image_keeps_a_pixel():
    data, im_info, _ = preprocess(np.zeros((1, 900, 3), np.uint8), 100, 90, (0, 0, 0))
    assert data.shape == (3, 16, 90) and im_info.tolist() == [16, 90, np.float32(0.1)]  # see `pad_strip`


boxes_of_width_50 = st.lists(st.tuples(st.integers(0, 49), st.integers(0, 49), st.integers(0, 39)).map(
    lambda v: (min(v[:2]), v[2], max(v[:2]), v[2] + 3)), max_size=5)


@given(boxes_of_width_50)
def test_flip_twice_is_identity(boxes):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    assert np.array_equal(flip_boxes(flip_boxes(boxes, 50), 50), boxes)


@given(boxes_of_width_50)
def test_flipped_boxes_cover_the_flipped_pixels(boxes):
    for box in np.array(boxes, np.float32).reshape(-1, 4):
        mask = np.zeros((60, 50), bool)
        x1, y1, x2, y2 = box.astype(int)
        mask[y1:y2 + 1, x1:x2 + 1] = True
        fx1, fy1, fx2, fy2 = flip_boxes(box[None], 50)[0].astype(int)
        flipped = np.zeros_like(mask)
        flipped[fy1:fy2 + 1, fx1:fx2 + 1] = True
        assert np.array_equal(flipped, mask[:, ::-1])


def bright_square():
    """Black, with a white square: pixels 20..39 across, 10..24 down, of 80 x 60."""
    image = np.zeros((60, 80, 3), np.uint8)
    image[10:25, 20:40] = 255
    return image, np.array([[20, 10, 39, 24]], np.float32), np.array([3])


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("edges", [(60, 100), (120, 200), (30, 100), (90, 90)])
def test_boxes_stay_on_their_objects(flip, edges):
    image, boxes, classes = bright_square()
    data, im_info, gt_boxes = preprocess(image, *edges, (0, 0, 0), boxes=boxes, classes=classes, flip=flip)
    assert data.dtype == im_info.dtype == gt_boxes.dtype == np.float32
    assert gt_boxes.shape == (1, 5) and gt_boxes[0, 4] == 4
    assert data.shape == (3, im_info[0], im_info[1]) and data.flags["C_CONTIGUOUS"]
    rows, columns = np.flatnonzero(data[0].max(axis=1) > 127), np.flatnonzero(data[0].max(axis=0) > 127)
    seen = np.array([columns[0], rows[0], columns[-1], rows[-1]])
    assert np.abs(gt_boxes[0, :4] - seen).max() <= max(im_info[2], 1)
    if edges == (60, 100):
        assert np.array_equal(gt_boxes[0, :4], [40, 10, 59, 24] if flip else boxes[0]) and im_info[2] == 1


def test_original_frame_comes_back_by_the_scale():
    image, boxes, classes = bright_square()
    _, im_info, gt_boxes = preprocess(image, 90, 100, (0, 0, 0), boxes=boxes, classes=classes)
    np.testing.assert_allclose(gt_boxes[:, :4] / im_info[2], boxes, rtol=1e-6)


def test_means_and_deviations_are_rgb():
    image = np.zeros((16, 20, 3), np.uint8)
    image[:] = (10, 20, 30)
    data, im_info, gt_boxes = preprocess(image, 16, 20, (1, 2, 3), (3, 6, 9))
    assert data.reshape(3, -1).min(axis=1).tolist() == data.reshape(3, -1).max(axis=1).tolist() == [3, 3, 3]
    assert im_info.tolist() == [16, 20, 1] and gt_boxes.shape == (0, 5)
    assert preprocess(image, 16, 20, (1, 2, 3))[0][:, 0, 0].tolist() == [9, 18, 27]  # the deviations are 1 by default


@pytest.mark.parametrize("flip", [False, True])
def test_a_strip_is_padded_below_and_its_boxes_stay(flip):
    image = np.full((5, 200, 3), 50, np.uint8)
    boxes = np.array([[10, 1, 40, 3]], np.float32)
    data, im_info, gt_boxes = preprocess(image, 60, 100, (1, 2, 3), (4, 4, 4), boxes, np.array([0]), flip)
    assert data.shape == (3, 16, 100) and im_info.tolist() == [16, 100, 0.5]
    assert (data[:, :2] == np.float32([49, 48, 47])[:, None, None] / 4).all() and not data[:, 2:].any()
    assert gt_boxes.tolist() == [[79.5, 0.5, 94.5, 1.5, 1] if flip else [5, 0.5, 20, 1.5, 1]]


def test_without_deviations_pixels_stay_and_a_strip_is_padded_by_the_mean():
    image = np.random.RandomState(0).randint(0, 256, (9, 40, 3)).astype(np.uint8)
    data, im_info, _ = preprocess(image, 9, 40, (10.0, 20.0, 30.0), None)
    np.testing.assert_array_equal(data[:, :9], image.transpose(2, 0, 1))
    np.testing.assert_array_equal(data[:, 9:], np.tile(np.float32([10, 20, 30])[:, None, None], (1, 7, 40)))
    np.testing.assert_array_equal(im_info, [16, 40, 1])
    normalised = preprocess(image, 9, 40, (10.0, 20.0, 30.0))[0]
    np.testing.assert_array_equal(normalised, data - np.float32([10, 20, 30])[:, None, None])
