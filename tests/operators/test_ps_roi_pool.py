"""PS-RoI pooling's numbers: MXNet's own operator bit for bit, a slow reference, threads, hostile input."""
import functools
import importlib.util
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from light_head_rcnn.operators import ps_roi_pool


def beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference, cases = beside("reference"), beside("roi_cases")
run = functools.partial(cases.forward_backward, functools.partial(ps_roi_pool, mx.nd))


@pytest.mark.parametrize("output_dim, pooled_size", [(3, 2), (5, 1), (10, 7), (21, 3)])
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 1e-5)])
def test_equals_reference(output_dim, pooled_size, dtype, tolerance):
    rng = np.random.RandomState(1)
    data = rng.randn(2, output_dim * pooled_size ** 2, 6, 9).astype(dtype)
    rois = cases.random_rois(rng, 20, 2, 12, 18, dtype)
    grad = rng.randn(20, output_dim, pooled_size, pooled_size).astype(dtype)
    options = dict(output_dim=output_dim, pooled_size=pooled_size, spatial_scale=0.5)
    output, data_grad = run(data, rois, grad, **options)
    np.testing.assert_allclose(output, reference.ps_roi_pool(data, rois, **options), atol=tolerance)
    np.testing.assert_allclose(data_grad, reference.ps_roi_pool(data, rois, output_grad=grad, **options),
                               atol=10 * tolerance)


@pytest.mark.parametrize("height, width", [(20, 30), (9, 31), (1, 1)])
@pytest.mark.parametrize("spatial_scale", [1 / 16, 0.1, 1 / 3, 1])
def test_equals_mxnet_bit_for_bit(height, width, spatial_scale):
    """RoIs with halves, negative coordinates, without area, outside the map and with swapped corners are among them."""
    rng = np.random.RandomState(2)
    rois = cases.random_rois(rng, 240, 2, height / spatial_scale, width / spatial_scale, "float32")
    rois[:80, 1:] = np.round(rois[:80, 1:] * 2) / 2
    rois[80:160, 3:] = rois[80:160, 1:3] + rng.uniform(-3, 30, (80, 2))
    data, grad = (rng.randn(*shape).astype("float32") for shape in [(2, 490, height, width), (240, 10, 7, 7)])
    options = dict(output_dim=10, pooled_size=7, spatial_scale=spatial_scale)
    theirs = cases.forward_backward(functools.partial(mx.nd.contrib.PSROIPooling, group_size=7), data, rois, grad,
                                    **options)
    for found, expected in zip(run(data, rois, grad, **options), theirs):
        np.testing.assert_array_equal(found, expected)


def test_numeric_gradient():
    rng = np.random.RandomState(3)
    data, rois, grad = rng.randn(1, 8, 4, 5), cases.random_rois(rng, 6, 1, 4, 5), rng.randn(6, 2, 2, 2)
    options = dict(output_dim=2, pooled_size=2, spatial_scale=1)
    _, data_grad = run(data, rois, grad, **options)
    for index in np.ndindex(data.shape):
        change = np.zeros_like(data)
        change[index] = 0.5  # the operator is linear in data: any step is exact
        difference = run(data + change, rois, grad, **options)[0] - run(data - change, rois, grad, **options)[0]
        assert np.sum(difference * grad) == pytest.approx(data_grad[index], abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(cases.HOSTILE_ROIS, st.sampled_from([0.25, 1e-30, 1e30]))
def test_hostile_rois(rois, spatial_scale):
    """The outputs of rows that pool nothing are 0, and all others are within the range of the map's values."""
    data = np.random.RandomState(0).uniform(1, 2, (2, 12, 5, 7)).astype("float32")
    output, data_grad = run(data, rois, np.ones((len(rois), 3, 2, 2), "float32"), output_dim=3, pooled_size=2,
                            spatial_scale=spatial_scale)
    assert output.min() >= 0 and output.max() <= 2.0001
    assert data_grad.min() >= 0 and data_grad.sum() <= output.size * 1.0001
    empty = ~(np.isfinite(rois).all(axis=1) & (rois[:, 0] >= 0) & (rois[:, 0] < 2))
    assert (output[empty] == 0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(5))
def test_coordinates_that_are_not_finite_pool_nothing(value, column):
    rois = np.array([[0, 1, 1, 4, 4], [0, 1, 1, 4, 4]], "float32")
    rois[0, column] = value
    output, data_grad = run(np.ones((1, 4, 6, 6), "float32"), rois, np.ones((2, 1, 2, 2), "float32"), output_dim=1,
                            pooled_size=2, spatial_scale=1)
    assert (output[0] == 0).all() and (output[1] == 1).all() and data_grad.sum() == 4


def test_a_million_pixels_wide_is_the_whole_map():
    data = np.random.RandomState(4).randn(1, 2, 5, 7)
    output, _ = run(data, np.array([[0, -1e6, -1e6, 1e6, 1e6]]), np.ones((1, 2, 1, 1)), output_dim=2, pooled_size=1,
                    spatial_scale=1)
    np.testing.assert_allclose(output.ravel(), data.mean(axis=(2, 3)).ravel())


def test_values_outside_the_bins_do_not_matter():
    data = np.full((1, 1, 6, 6), np.nan)
    data[0, 0, 2:4, 1:5] = 5
    output, _ = run(data, np.array([[0, 1.0, 2, 4, 3]]), np.ones((1, 1, 1, 1)), output_dim=1, pooled_size=1,
                    spatial_scale=1)
    assert output.item() == 5


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2 ** 16), st.integers(0, 4), st.integers(0, 4))
def test_moves_with_the_map(seed, down, right):
    """By whole pixels of a map that has half the size of the network input."""
    rng = np.random.RandomState(seed)
    data, rois = np.zeros((1, 12, 22, 22)), cases.random_rois(rng, 8, 1, 8, 8)
    data[:, :, 5:13, 5:13] = rng.randn(1, 12, 8, 8)
    rois[:, 1:] = np.clip(rois[:, 1:] + 14, 2, 32)
    options, grad = dict(output_dim=3, pooled_size=2, spatial_scale=0.5), rng.randn(8, 3, 2, 2)
    output, data_grad = run(data, rois, grad, **options)
    moved, moved_grad = run(np.roll(data, (down, right), (2, 3)), rois + np.multiply([0, right, down, right, down], 2),
                            grad, **options)
    np.testing.assert_allclose(moved, output, atol=1e-12)
    np.testing.assert_allclose(moved_grad, np.roll(data_grad, (down, right), (2, 3)), atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(5)))
def test_permutes_with_the_channels_and_constant_maps_pool_their_value(order):
    rng = np.random.RandomState(5)
    data, rois, grad = rng.randn(1, 5, 4, 8, 8), cases.random_rois(rng, 8, 1, 8, 8), rng.randn(8, 5, 2, 2)
    rois[:, 1:] = np.clip(rois[:, 1:], 0, 7)
    options = dict(output_dim=5, pooled_size=2, spatial_scale=1)
    output, data_grad = run(data.reshape(1, 20, 8, 8), rois, grad, **options)
    permuted, permuted_grad = run(data[:, order].reshape(1, 20, 8, 8), rois, grad[:, order], **options)
    np.testing.assert_array_equal(permuted, output[:, order])
    np.testing.assert_array_equal(permuted_grad, data_grad.reshape(data.shape)[:, order].reshape(1, 20, 8, 8))
    np.testing.assert_allclose(run(np.full((1, 20, 8, 8), 3.0), rois, grad, **options)[0], 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_sum_exactly(dtype):
    """With gradients of whole numbers over 1, 2 or 4 pixels every sum is exact, so nothing may be lost."""
    rng = np.random.RandomState(6)
    corners = rng.randint(0, 20, (50, 2))
    rois = np.concatenate([np.zeros((50, 1)), corners, corners + rng.choice([1, 3], (50, 2))], axis=1).astype(dtype)
    grad = rng.randint(-8, 9, (50, 10, 2, 2)).astype(dtype)
    _, data_grad = run(rng.randn(1, 40, 25, 25).astype(dtype), rois, grad, output_dim=10, pooled_size=2,
                       spatial_scale=1)
    np.testing.assert_array_equal(data_grad.sum(axis=(0, 2, 3)), grad.sum(axis=0).reshape(-1))


def test_order_of_images_and_rois_does_not_matter():
    cases.check_order_does_not_matter(run, 7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_for_any_number_of_threads(dtype):
    rng = np.random.RandomState(8)
    data, rois = rng.randn(2, 490, 15, 20).astype(dtype), cases.random_rois(rng, 100, 2, 240, 320, dtype)
    rois[::10, 0] = -1
    grad = rng.randn(100, 10, 7, 7).astype(dtype)
    grad[1::10] = 0
    options = cases.POOL(2, 15, 20, 100, 10, 7, 1 / 16)
    expected = cases.kernel_results("ps_roi_pool", options, data, rois, grad, 1)
    assert np.isfinite(expected[0]).all() and np.isfinite(expected[1]).all()
    for threads in (0, 2, 3, 16, 1000):
        for found, once in zip(cases.kernel_results("ps_roi_pool", options, data, rois, grad, threads), expected):
            np.testing.assert_array_equal(found, once)


@pytest.mark.parametrize("images, height, width, rois", [(0, 3, 3, 2), (1, 0, 3, 2), (1, 3, 0, 2), (1, 3, 3, 0)])
def test_nothing_to_pool(images, height, width, rois):
    options = cases.POOL(images, height, width, rois, 2, 2, 1)
    output, data_grad = cases.kernel_results("ps_roi_pool", options, np.ones((images, 8, height, width)),
                                             np.ones((rois, 5)) * [0, 1, 1, 2, 2], np.ones((rois, 2, 2, 2)), 2)
    assert (output == 0).all() and (data_grad == 0).all()
