"""Checks that the kernels of a device give the same results as those of the CPU, for random and hostile inputs.

The device is a GPU or the emulator of one. Every check draws its sizes, options and inputs from a seed and raises
AssertionError if the results differ. Numbers that both sides compute by the same operations must be equal to the bit;
sums may be taken in another order.
"""
import numpy as np

MAP_SIZES = (1, 3, 9, 20, 44, 69)
ANCHOR_MAPS = ((1, 1, 1), (3, 5, 9), (70, 5, 9), (12, 1, 130), (12, 20, 20), (12, 20, 20), (9, 44, 40))


class Pair:
    """The kernels to compare.

    Args:
        cpu, device: `interface.Kernels` of each.
        exact: exp() is the same function on both sides.
    """

    def __init__(self, cpu, device, exact):
        self.cpu, self.device, self.exact = cpu, device, exact


def draw_map(rng, images, channels, height, width):
    return rng.normal(0, 1, (images, channels, height, width)).astype(draw(rng, np.float32, np.float16))


def draw(rng, *values):
    return values[rng.randint(len(values))]


def draw_rois(rng, count, images, height, width):
    """Draws RoIs of all sizes, many of them partly or wholly outside the image, some of them hostile."""
    centres = rng.uniform(-0.3, 1.3, (count, 2)) * [width, height]
    sizes = np.exp(rng.uniform(-3, 1.2, (count, 2))) * [width, height]
    rois = np.concatenate([rng.randint(0, images, (count, 1)), centres - sizes / 2, centres + sizes / 2], axis=1)
    rois[rng.rand(count) < 0.1, 0] = draw(rng, -1, images, np.nan, 0.5, 1e20)
    rois[rng.rand(count) < 0.1, 1 + rng.randint(4)] = draw(rng, np.nan, np.inf, -np.inf, 1e6, -1e30, 3e38)
    points = rng.rand(count) < 0.1
    rois[points, 3:] = rois[points, 1:3]
    return rois.astype(np.float32)


def draw_boxes(rng, shape, extent):
    """Draws boxes that overlap often, with corners at half pixels so that many IoUs are equal; some are hostile."""
    centres = rng.randint(0, 2 * extent, shape + (2,)) / 2
    sizes = rng.randint(1, extent, shape + (2,))
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=-1).astype(np.float32)
    boxes[rng.rand(*shape) < 0.03, rng.randint(4)] = draw(rng, np.nan, np.inf, -np.inf, 1e30)
    return boxes


def assert_close(found, expected, dtype, size):
    """Asserts equality up to rounding to `dtype` and the rounding of sums of numbers as large as `size`."""
    rounding = 6e-4 if dtype == np.float16 else 0
    np.testing.assert_allclose(found.astype(np.float32), expected, rtol=rounding + 1e-6, atol=4e-6 * size)


def assert_rows_close(found, expected, exact):
    assert found.shape == expected.shape
    if exact:
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)


def check_ps_roi_align(pair, seed):
    rng = np.random.RandomState(seed)
    mode, ratio = draw(rng, "avg", "max"), draw(rng, 0, 1, 2, 2, 3, 20)
    choices = {"sampling_ratio": ratio, "mode": mode, "aligned": rng.randint(2), "border": draw(rng, "clamp", "zero")}
    check_pooling(pair, rng, "ps_roi_align", mode == "max", choices)


def check_ps_roi_pool(pair, seed):
    check_pooling(pair, np.random.RandomState(seed), "ps_roi_pool", True, {})


def check_pooling(pair, rng, name, forward_is_exact, choices):
    images, pooled, channels = draw(rng, 1, 1, 2, 3), rng.randint(1, 4), draw(rng, 1, 3, 4, 10, 13)
    height, width, scale = draw(rng, *MAP_SIZES), draw(rng, *MAP_SIZES), draw(rng, 1.0, 1 / 16)
    if height * width > 1000:
        images, pooled = 1, min(pooled, 2)
    choices = dict(choices, output_dim=channels, pooled_size=pooled, spatial_scale=scale)
    data = draw_map(rng, images, channels * pooled ** 2, height, width)
    rois = draw_rois(rng, draw(rng, 0, 1, 40, 300, 700, 700), images, height / scale, width / scale)
    grad = rng.normal(0, 1, (len(rois), channels, pooled, pooled)).astype(data.dtype)
    compare_pooling(pair, name, forward_is_exact, data, rois, grad, choices)


def check_roi_max_pool(pair, seed):
    """The values of the map are often equal, so that it shows which of several largest ones gets the gradient."""
    rng = np.random.RandomState(seed)
    images, channels = draw(rng, 1, 1, 2, 3), draw(rng, 1, 3, 16, 21)
    height, width, scale = draw(rng, *MAP_SIZES), draw(rng, *MAP_SIZES), draw(rng, 1.0, 1 / 16)
    if height * width > 1000:
        images, channels = 1, min(channels, 3)
    choices = {"pooled_height": rng.randint(1, 5), "pooled_width": rng.randint(1, 5), "spatial_scale": scale}
    data = rng.randint(-50, 50, (images, channels, height, width)).astype(draw(rng, np.float32, np.float16)) / 8
    data[rng.rand(*data.shape) < draw(rng, 0, 0, 0.05)] = draw(rng, np.nan, np.inf, -np.inf)
    rois = draw_rois(rng, draw(rng, 0, 1, 40, 200), images, height / scale, width / scale)
    grad = rng.normal(0, 1, (len(rois), channels, choices["pooled_height"], choices["pooled_width"]))
    compare_pooling(pair, "roi_max_pool", True, data, rois, grad.astype(data.dtype), choices)


def compare_pooling(pair, name, forward_is_exact, data, rois, grad, choices):
    wide_data, wide_grad = data.astype(np.float32), grad.astype(np.float32)

    output = getattr(pair.device, name)(data, rois, **choices)
    expected = getattr(pair.cpu, name)(wide_data, rois, **choices)
    if forward_is_exact:
        np.testing.assert_array_equal(output, expected.astype(data.dtype))
    else:
        assert_close(output, expected, data.dtype, 1)

    found = getattr(pair.device, name)(data, rois, grad, **choices)
    expected = getattr(pair.cpu, name)(wide_data, rois, wide_grad, **choices)
    assert_close(found, expected, data.dtype, max(1, np.abs(expected).max()))
    np.testing.assert_array_equal(found, getattr(pair.device, name)(data, rois, grad, **choices))


def draw_anchors(rng, count):
    sizes = 16 * 2 ** rng.uniform(-1, 3, (count, 2))
    return np.concatenate([7.5 - sizes / 2, 7.5 + sizes / 2], axis=1)


def check_rpn_proposal(pair, seed):
    rng = np.random.RandomState(seed)
    images, (anchors, height, width) = rng.randint(1, 4), draw(rng, *ANCHOR_MAPS)
    scores = rng.randint(0, draw(rng, 3, 100, 100000), (images, 2 * anchors, height, width)) / 64
    deltas = rng.normal(0, 0.4, (images, 4 * anchors, height, width))
    for numbers, share in ((scores, 0.01), (deltas, 0.01)):
        numbers[rng.rand(*numbers.shape) < share] = draw(rng, np.nan, np.inf, -np.inf, 1e4, -1e4)
    dtype = draw(rng, np.float32, np.float16)
    im_info = np.stack([rng.uniform(0.5, 1.1, images) * height * 16, rng.uniform(0.5, 1.1, images) * width * 16,
                        np.full(images, 1.5)], axis=1)
    im_info[rng.rand(images) < 0.1, rng.randint(3)] = draw(rng, np.nan, np.inf, 0)
    choices = {"feature_stride": 16, "pre_nms": draw(rng, 0, 1, 60, 1500, 5000, 6000),
               "post_nms": draw(rng, 1, 30, 300, 1500, 1500), "channels": draw(rng, "split", "interleaved"),
               "feature_size": draw(rng, "map", "im_info"), "pad": draw(rng, "empty", "repeat"),
               "nms_threshold": draw(rng, 0.0, 0.3, 0.7, 0.7, 1.0), "min_size": draw(rng, 0.0, 16.0, 1e4)}
    inputs = scores.astype(dtype), deltas.astype(dtype), im_info.astype(np.float32), draw_anchors(rng, anchors)
    found = pair.device.rpn_proposal(*inputs, **choices)
    expected = pair.cpu.rpn_proposal(*(array.astype(np.float32) for array in inputs[:3]), inputs[3], **choices)
    for left, right in zip(found, expected):
        assert_rows_close(left, right, pair.exact)


def check_multiclass_nms(pair, seed):
    rng = np.random.RandomState(seed)
    images, rows, classes = rng.randint(1, 4), draw(rng, 1, 10, 70, 300, 1100, 1100), rng.randint(1, 6)
    if rows == 1100:
        images, classes = 1, 2
    box_classes = draw(rng, 1, classes)
    scores = (rng.randint(-20, draw(rng, 5, 200, 100000), (images, rows, classes)) / 128)
    scores[rng.rand(*scores.shape) < 0.01] = draw(rng, np.nan, np.inf, -np.inf, -0.0)
    scores = scores.astype(draw(rng, np.float32, np.float16))
    boxes = draw_boxes(rng, (images, rows, box_classes), draw(rng, 20, 300))
    valid = None
    if rng.rand() < 0.5:
        valid = draw(rng, rng.randint(0, rows + 2, images), rng.uniform(-1, rows, images), np.full(images, np.nan))
    choices = {"background": rng.randint(-1, classes), "pre_nms": draw(rng, 0, 1, 5, 100),
               "max_per_image": draw(rng, 1, 10, 100, 2000), "soft": draw(rng, "none", "linear", "gaussian"),
               "inclusive": rng.randint(2), "score_threshold": draw(rng, -10.0, 0.0, 0.05, 0.5, 1e9),
               "nms_threshold": draw(rng, 0.0, 0.3, 0.5), "sigma": draw(rng, 0.5, 0.1)}
    found = pair.device.multiclass_nms(scores, boxes, valid, **choices)
    expected = pair.cpu.multiclass_nms(scores.astype(np.float32), boxes, valid, **choices)
    for left, right in zip(found, expected):
        assert_rows_close(left, right, pair.exact or choices["soft"] != "gaussian")


def check_empty_inputs(pair):
    """Checks calls without images, pixels, RoIs, boxes or classes: no error, and the results of the CPU."""
    for images, height, width, rois in ((0, 3, 3, 2), (2, 0, 3, 2), (2, 3, 0, 2), (2, 3, 3, 0), (0, 0, 0, 0)):
        data, boxes = np.ones((images, 8, height, width), np.float32), np.ones((rois, 5), np.float32) * [0, 1, 1, 2, 2]
        grad = np.ones((rois, 2, 2, 2), np.float32)
        of_eight = np.ones((rois, 8, 2, 2), np.float32)
        position_sensitive = {"output_dim": 2, "pooled_size": 2, "spatial_scale": 1.0}
        for name, choices, output_grad in (
                ("ps_roi_align", position_sensitive, grad), ("ps_roi_pool", position_sensitive, grad),
                ("roi_max_pool", {"pooled_height": 2, "pooled_width": 2, "spatial_scale": 1.0}, of_eight)):
            for gradient in (None, output_grad):
                found, expected = (getattr(kernels, name)(data, boxes, gradient, **choices)
                                   for kernels in (pair.device, pair.cpu))
                np.testing.assert_array_equal(found, expected)
                assert not expected.any()
    for images, height, width in ((0, 3, 3), (2, 0, 3), (2, 3, 0)):
        inputs = (np.ones((images, 2, height, width), np.float32), np.zeros((images, 4, height, width), np.float32),
                  np.full((images, 3), 48, np.float32), np.float64([[0, 0, 15, 15]]))
        for pre_nms in (0, 5):
            choices = {"feature_stride": 16, "pre_nms": pre_nms, "post_nms": 3, "pad": "repeat"}
            for found, expected in zip(pair.device.rpn_proposal(*inputs, **choices),
                                       pair.cpu.rpn_proposal(*inputs, **choices)):
                np.testing.assert_array_equal(found, expected)
    for images, rows, classes in ((0, 4, 3), (2, 0, 3), (2, 4, 0)):
        scores, boxes = np.ones((images, rows, classes), np.float32), np.ones((images, rows, 1, 4), np.float32)
        for soft in ("none", "gaussian"):
            choices = {"background": -1, "max_per_image": 5, "soft": soft, "nms_threshold": 0.5, "sigma": 0.5}
            for found, expected in zip(pair.device.multiclass_nms(scores, boxes, **choices),
                                       pair.cpu.multiclass_nms(scores, boxes, **choices)):
                np.testing.assert_array_equal(found, expected)


CHECKS = [check_ps_roi_align, check_ps_roi_pool, check_roi_max_pool, check_rpn_proposal, check_multiclass_nms]
