"""RoI max pooling's numbers: MXNet's own operator bit for bit, a slow reference, ties, threads, hostile input."""
import functools
import importlib.util
import json
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from light_head_rcnn.operators import roi_max_pool


def beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference, cases = beside("reference"), beside("roi_cases")
run = functools.partial(cases.forward_backward, functools.partial(roi_max_pool, mx.nd))


@pytest.mark.parametrize("channels, pooled_size", [(3, (2, 2)), (21, (1, 1)), (16, (7, 7)), (5, (3, 4)), (2, (4, 1))])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_reference(channels, pooled_size, dtype):
    rng = np.random.RandomState(1)
    data = rng.randn(2, channels, 6, 9).astype(dtype)
    rois = cases.random_rois(rng, 20, 2, 12, 18, dtype)
    grad = rng.randn(20, channels, *pooled_size).astype(dtype)
    options = dict(pooled_size=pooled_size, spatial_scale=0.5)
    output, data_grad = run(data, rois, grad, **options)
    np.testing.assert_array_equal(output, reference.roi_max_pool(data, rois, **options))
    np.testing.assert_allclose(data_grad, reference.roi_max_pool(data, rois, output_grad=grad, **options), rtol=1e-6,
                               atol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("height, width", [(20, 30), (9, 31), (1, 1)])
@pytest.mark.parametrize("spatial_scale", [1 / 16, 0.1, 1 / 3, 1])
@pytest.mark.parametrize("pooled_size", [(7, 7), (6, 6), (1, 1), (3, 5)])
def test_equals_mxnet_bit_for_bit(height, width, spatial_scale, pooled_size):
    """RoIs with halves, negative coordinates, without area, outside the map and with swapped corners are among them."""
    rng = np.random.RandomState(2)
    rois = cases.random_rois(rng, 240, 2, height / spatial_scale, width / spatial_scale, "float32")
    rois[:80, 1:] = np.round(rois[:80, 1:] * spatial_scale * 2) / 2 / spatial_scale
    rois[80:160, 3:] = rois[80:160, 1:3] + rng.uniform(-3, 30, (80, 2))
    data, grad = (rng.randn(*shape).astype("float32") for shape in [(2, 37, height, width), (240, 37, *pooled_size)])
    options = dict(pooled_size=pooled_size, spatial_scale=spatial_scale)
    theirs = cases.forward_backward(mx.nd.ROIPooling, data, rois, grad, **options)
    output, data_grad = run(data, rois, grad, **options)
    np.testing.assert_array_equal(output, theirs[0])
    np.testing.assert_allclose(data_grad, theirs[1], rtol=1e-5, atol=1e-5)  # sums of another order


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_what_torchvision_answered(dtype):
    """Values of quarters, often equal; RoIs over the border, without area, with corners at halves of cells."""
    saved = json.loads(Path(__file__).with_name("torchvision_roi_pool.json").read_text())
    data, rois, grad = (np.array(saved[name], dtype) for name in ("data", "rois", "grad"))
    output, data_grad = run(data, rois, grad, pooled_size=tuple(saved["pooled_size"]),
                            spatial_scale=saved["spatial_scale"])
    np.testing.assert_array_equal(output, saved["output"])
    np.testing.assert_array_equal(data_grad, saved["data_grad"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_of_equal_pixels_gets_the_gradient(dtype):
    """Values are drawn from four numbers, so that most bins hold their largest several times."""
    rng = np.random.RandomState(3)
    data, rois = rng.randint(0, 4, (2, 9, 12, 14)).astype(dtype), cases.random_rois(rng, 60, 2, 12, 14, dtype)
    grad, options = rng.randint(-8, 9, (60, 9, 3, 3)).astype(dtype), dict(pooled_size=(3, 3), spatial_scale=1)
    output, data_grad = run(data, rois, grad, **options)
    np.testing.assert_array_equal(output, reference.roi_max_pool(data, rois, **options))
    np.testing.assert_array_equal(data_grad, reference.roi_max_pool(data, rois, output_grad=grad, **options))
    if dtype == "float32":
        theirs = cases.forward_backward(mx.nd.ROIPooling, data, rois, grad, **options)
        np.testing.assert_array_equal(data_grad, theirs[1])


def test_numeric_gradient_of_the_reference():
    """Values are far enough apart that a step changes no order, and so the differences are exact."""
    rng = np.random.RandomState(4)
    data, rois = rng.permutation(40).reshape(1, 2, 4, 5) * 1.0, cases.random_rois(rng, 6, 1, 4, 5)
    grad, options = rng.randn(6, 2, 2, 2), dict(pooled_size=(2, 2), spatial_scale=1)
    data_grad = reference.roi_max_pool(data, rois, output_grad=grad, **options)
    np.testing.assert_allclose(run(data, rois, grad, **options)[1], data_grad, atol=1e-12)
    for index in np.ndindex(data.shape):
        change = np.zeros_like(data)
        change[index] = 0.25
        difference = (reference.roi_max_pool(data + change, rois, **options)
                      - reference.roi_max_pool(data - change, rois, **options))
        assert np.sum(difference * grad) / 0.5 == pytest.approx(data_grad[index], abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(cases.HOSTILE_ROIS, st.sampled_from([0.25, 1e-30, 1e30]))
def test_hostile_rois(rois, spatial_scale):
    """The outputs of rows that pool nothing are 0, and all others are 0 or values of the map."""
    data = np.random.RandomState(0).uniform(1, 2, (2, 3, 5, 7)).astype("float32")
    output, data_grad = run(data, rois, np.ones((len(rois), 3, 2, 2), "float32"), pooled_size=2,
                            spatial_scale=spatial_scale)
    assert np.isin(output, np.append(data, 0)).all() and data_grad.sum() == (output > 0).sum()
    empty = ~(np.isfinite(rois).all(axis=1) & (rois[:, 0] >= 0) & (rois[:, 0] < 2))
    assert (output[empty] == 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(5))
def test_coordinates_that_are_not_finite_pool_nothing(value, column):
    rois = np.array([[0, 1, 1, 4, 4], [0, 1, 1, 4, 4]], "float32")
    rois[0, column] = value
    output, data_grad = run(np.ones((1, 4, 6, 6), "float32"), rois, np.ones((2, 4, 2, 2), "float32"), pooled_size=2,
                            spatial_scale=1)
    assert (output[0] == 0).all() and (output[1] == 1).all() and data_grad.sum() == 16


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_that_are_not_finite(dtype):
    """Infinity is a value like others, and NaN shows; neither harms other bins or channels."""
    data = np.zeros((1, 3, 2, 4), dtype)
    data[0, 0] = [[1, np.nan, 2, 3], [np.nan, 4, -np.inf, -np.inf]]
    data[0, 1] = [[-np.inf, -np.inf, np.inf, 3], [-np.inf, -np.inf, 1, np.inf]]
    grad = np.arange(1, 7, dtype=dtype).reshape(1, 3, 1, 2)
    output, data_grad = run(data, np.array([[0, 0, 0, 3, 1]], dtype), grad, pooled_size=(1, 2), spatial_scale=1)
    np.testing.assert_array_equal(output[0, :, 0], [[np.nan, 3], [-np.inf, np.inf], [0, 0]])
    expected = np.zeros_like(data)
    expected[0, 0, 0, [1, 3]], expected[0, 1, 0, [0, 2]], expected[0, 2, 0, [0, 2]] = [1, 2], [3, 4], [5, 6]
    np.testing.assert_array_equal(data_grad, expected)


def test_a_million_pixels_wide_is_the_whole_map():
    data = np.random.RandomState(4).randn(1, 2, 5, 7)
    output, _ = run(data, np.array([[0, -1e6, -1e6, 1e6, 1e6]]), np.ones((1, 2, 1, 1)), pooled_size=1, spatial_scale=1)
    np.testing.assert_array_equal(output.ravel(), data.max(axis=(2, 3)).ravel())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_sum_exactly(dtype):
    """With gradients of whole numbers every sum is exact, so nothing may be lost."""
    rng = np.random.RandomState(6)
    corners = rng.randint(0, 20, (50, 2))
    rois = np.concatenate([np.zeros((50, 1)), corners, corners + rng.randint(0, 5, (50, 2))], axis=1).astype(dtype)
    grad = rng.randint(-8, 9, (50, 10, 2, 2)).astype(dtype)
    _, data_grad = run(rng.randn(1, 10, 25, 25).astype(dtype), rois, grad, pooled_size=2, spatial_scale=1)
    np.testing.assert_array_equal(data_grad.sum(axis=(0, 2, 3)), grad.sum(axis=(0, 2, 3)))


def test_permutes_with_channels_images_and_rois():
    rng = np.random.RandomState(5)
    data, rois, grad = rng.randn(3, 19, 8, 8), cases.random_rois(rng, 30, 3, 8, 8), rng.randn(30, 19, 2, 3)
    options = dict(pooled_size=(2, 3), spatial_scale=1)
    output, data_grad = run(data, rois, grad, **options)
    order, channels = rng.permutation(30), rng.permutation(19)
    shuffled = rois[order]
    shuffled[:, 0] = 2 - shuffled[:, 0]
    output2, data_grad2 = run(data[::-1][:, channels].copy(), shuffled, grad[order][:, channels].copy(), **options)
    np.testing.assert_array_equal(output2, output[order][:, channels])
    np.testing.assert_allclose(data_grad2[::-1], data_grad[:, channels], atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_for_any_number_of_threads(dtype):
    rng = np.random.RandomState(8)
    data, rois = rng.randn(2, 90, 15, 20).astype(dtype), cases.random_rois(rng, 100, 2, 240, 320, dtype)
    rois[::10, 0] = -1
    grad = rng.randn(100, 90, 7, 7).astype(dtype)
    grad[1::10] = 0
    options = cases.MAX_POOL(2, 15, 20, 100, 90, 7, 7, 1 / 16)
    expected = cases.kernel_results("roi_max_pool", options, data, rois, grad, 1)
    assert np.isfinite(expected[0]).all() and np.isfinite(expected[1]).all()
    for threads in (0, 2, 3, 16, 1000):
        for found, once in zip(cases.kernel_results("roi_max_pool", options, data, rois, grad, threads), expected):
            np.testing.assert_array_equal(found, once)


@pytest.mark.parametrize("images, height, width, rois", [(0, 3, 3, 2), (1, 0, 3, 2), (1, 3, 0, 2), (1, 3, 3, 0)])
def test_nothing_to_pool(images, height, width, rois):
    options = cases.MAX_POOL(images, height, width, rois, 8, 2, 2, 1)
    output, data_grad = cases.kernel_results("roi_max_pool", options, np.ones((images, 8, height, width)),
                                             np.ones((rois, 5)) * [0, 1, 1, 2, 2], np.ones((rois, 8, 2, 2)), 2)
    assert (output == 0).all() and (data_grad == 0).all()


def test_a_plane_of_more_pixels_than_can_be_numbered_is_refused():
    options = cases.MAX_POOL(1, 1 << 16, 1 << 15, 0, 1, 1, 1, 1)
    nothing = np.zeros((0, 1, 1, 1), "float32")
    with pytest.raises(AssertionError):
        cases.kernel_results("roi_max_pool", options, nothing, np.zeros((0, 5), "float32"), nothing, 1)
