"""PS-RoIAlign's numbers: a slow reference, MXNet's own operator, numeric gradients, threads, hostile input."""
import ctypes
import importlib.util
import itertools
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mxnet import autograd

from light_head_rcnn.operators import ps_roi_align
from light_head_rcnn.operators.native import build

spec = importlib.util.spec_from_file_location("reference", Path(__file__).with_name("reference.py"))
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)

FLAVOURS = list(itertools.product([False, True], ["clamp", "zero"]))


def random_rois(rng, count, images, height, width, dtype="float64"):
    """RoIs of all sizes, many of them partly or wholly outside a map of height x width at scale 1."""
    centres = rng.uniform(-0.3, 1.3, (count, 2)) * [width, height]
    sizes = np.exp(rng.uniform(-3, 1.2, (count, 2))) * [width, height]
    image = rng.randint(0, images, (count, 1))
    return np.concatenate([image, centres - sizes / 2, centres + sizes / 2], axis=1).astype(dtype)


def forward_backward(data, rois, grad, **options):
    """Output and gradient of data, as NumPy arrays."""
    data = mx.nd.array(data, dtype=data.dtype)
    data.attach_grad()
    with autograd.record():
        output = ps_roi_align(mx.nd, data, mx.nd.array(rois, dtype=rois.dtype), **options)
    output.backward(mx.nd.array(grad, dtype=grad.dtype))
    return output.asnumpy(), data.grad.asnumpy()


@pytest.mark.parametrize("aligned, border", FLAVOURS)
@pytest.mark.parametrize("output_dim, pooled_size, sampling_ratio", [(3, 2, 2), (4, 3, 1), (5, 1, 3), (10, 7, 2)])
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 1e-5)])
def test_equals_reference(aligned, border, output_dim, pooled_size, sampling_ratio, dtype, tolerance):
    rng = np.random.RandomState(1)
    data = rng.randn(2, output_dim * pooled_size ** 2, 6, 9).astype(dtype)
    rois = random_rois(rng, 12, 2, 12, 18, dtype)
    grad = rng.randn(12, output_dim, pooled_size, pooled_size).astype(dtype)
    options = dict(output_dim=output_dim, pooled_size=pooled_size, spatial_scale=0.5, sampling_ratio=sampling_ratio,
                   aligned=aligned, border=border)
    output, data_grad = forward_backward(data, rois, grad, **options)
    np.testing.assert_allclose(output, reference.ps_roi_align(data, rois, **options), atol=tolerance)
    np.testing.assert_allclose(data_grad, reference.ps_roi_align(data, rois, output_grad=grad, **options),
                               atol=10 * tolerance)


@pytest.mark.parametrize("aligned", [False, True])
def test_equals_mxnet_roi_align(aligned):
    rng = np.random.RandomState(2)
    data = rng.randn(2, 490, 20, 30).astype("float32")
    rois = random_rois(rng, 100, 2, 320, 480, "float32")
    rois[:, 3:] = np.maximum(rois[:, 3:], rois[:, 1:3])
    grad = rng.randn(100, 10, 7, 7).astype("float32")
    output, data_grad = forward_backward(data, rois, grad, output_dim=10, pooled_size=7, spatial_scale=1 / 16,
                                         aligned=aligned)
    theirs = mx.nd.array(data)
    theirs.attach_grad()
    with autograd.record():
        expected = mx.nd.contrib.ROIAlign(theirs, mx.nd.array(rois), pooled_size=(7, 7), spatial_scale=1 / 16,
                                          sample_ratio=2, position_sensitive=True, aligned=aligned)
    expected.backward(mx.nd.array(grad))
    np.testing.assert_allclose(output, expected.asnumpy(), atol=2e-5)
    np.testing.assert_allclose(data_grad, theirs.grad.asnumpy(), atol=2e-4)


@pytest.mark.parametrize("aligned, border", FLAVOURS)
def test_numeric_gradient(aligned, border):
    rng = np.random.RandomState(3)
    data, rois = rng.randn(2, 8, 4, 5), random_rois(rng, 6, 2, 4, 5)
    grad = rng.randn(6, 2, 2, 2)
    options = dict(output_dim=2, pooled_size=2, spatial_scale=1, aligned=aligned, border=border)
    _, data_grad = forward_backward(data, rois, grad, **options)
    for index in np.ndindex(data.shape):
        step = np.zeros_like(data)
        step[index] = 0.5  # the operator is linear in data: any step is exact
        change = (forward_backward(data + step, rois, grad, **options)[0]
                  - forward_backward(data - step, rois, grad, **options)[0])
        assert np.sum(change * grad) == pytest.approx(data_grad[index], abs=1e-9)


def test_rois_have_no_gradient():
    data, rois = mx.nd.ones((1, 4, 5, 5)), mx.nd.array([[0, 1, 1, 3, 3]])
    rois.attach_grad()
    rois.grad[:] = 7
    with autograd.record():
        output = ps_roi_align(mx.nd, data, rois, output_dim=1, pooled_size=2, spatial_scale=1)
    output.backward()
    assert (rois.grad.asnumpy() == 0).all()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_hostile_rois(draw):
    """Coordinates of any kind: rows that pool nothing are zero, all others finite and within the map's values."""
    value = st.one_of(st.floats(width=32), st.floats(-20, 40, width=32), st.sampled_from([1e6, -1e6, 3e38, -3e38]))
    image = st.one_of(st.sampled_from([-1.0, 0.0, 1.0, 2.0]), st.floats(width=32))
    rows = st.lists(st.tuples(image, value, value, value, value), min_size=1, max_size=8)
    rois = np.array(draw.draw(rows), "float32")
    aligned, border = draw.draw(st.sampled_from(FLAVOURS))
    data = np.random.RandomState(0).uniform(1, 2, (2, 12, 5, 7)).astype("float32")
    output, data_grad = forward_backward(data, rois, np.ones((len(rois), 3, 2, 2), "float32"), output_dim=3,
                                         pooled_size=2, spatial_scale=0.25, aligned=aligned, border=border)
    assert np.isfinite(output).all() and np.isfinite(data_grad).all()
    assert output.min() >= 0 and output.max() <= 2.0001
    empty = ~(np.isfinite(rois).all(axis=1) & (rois[:, 0] >= 0) & (rois[:, 0] < 2))
    assert (output[empty] == 0).all()


@pytest.mark.parametrize("aligned, border", FLAVOURS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(5))
def test_coordinates_that_are_not_finite_pool_nothing(aligned, border, value, column):
    rois = np.array([[0, 1, 1, 4, 4], [0, 1, 1, 4, 4]], "float32")
    rois[0, column] = value
    output, data_grad = forward_backward(np.ones((1, 4, 6, 6), "float32"), rois, np.ones((2, 1, 2, 2), "float32"),
                                         output_dim=1, pooled_size=2, spatial_scale=1, aligned=aligned, border=border)
    assert (output[0] == 0).all() and (output[1] == 1).all() and data_grad.sum() == 4


def test_values_outside_the_samples_do_not_matter():
    """NaN where no sample looks, or looks with weight 0, stays out of the result."""
    data = np.full((1, 1, 6, 6), np.nan)
    data[0, 0, 2, 2] = 5
    rois = np.array([[0, 1.5, 1.5, 2.5, 2.5]])
    output, _ = forward_backward(data, rois, np.ones((1, 1, 1, 1)), output_dim=1, pooled_size=1, spatial_scale=1,
                                 sampling_ratio=1)
    assert output.item() == 5


def test_constant_map_pools_its_value():
    rng = np.random.RandomState(4)
    corners = rng.uniform(1, 8, (20, 2))
    rois = np.concatenate([np.zeros((20, 1)), corners, corners + rng.uniform(0, 7, (20, 2))], axis=1)
    output, data_grad = forward_backward(np.full((1, 36, 17, 17), 3.0), rois, np.ones((20, 4, 3, 3)), output_dim=4,
                                         pooled_size=3, spatial_scale=1)
    np.testing.assert_allclose(output, 3)
    assert data_grad.sum() == pytest.approx(20 * 36)


def test_moves_with_the_map_and_permutes_with_its_channels():
    rng = np.random.RandomState(5)
    data, rois = np.zeros((1, 12, 20, 20)), random_rois(rng, 10, 1, 8, 8)
    data[:, :, 5:13, 5:13] = rng.randn(1, 12, 8, 8)
    rois[:, 1:] += 5
    options = dict(output_dim=3, pooled_size=2, spatial_scale=1, border="zero", aligned=True)
    grad = rng.randn(10, 3, 2, 2)
    output, _ = forward_backward(data, rois, grad, **options)
    moved, _ = forward_backward(np.roll(data, (2, 3), (2, 3)), rois + [0, 3, 2, 3, 2], grad, **options)
    np.testing.assert_allclose(moved, output, atol=1e-12)
    order = [2, 0, 1]
    permuted, _ = forward_backward(data.reshape(1, 3, 4, 20, 20)[:, order].reshape(data.shape), rois, grad, **options)
    np.testing.assert_array_equal(permuted, output[:, order])


def test_order_of_images_and_rois_does_not_matter():
    rng = np.random.RandomState(6)
    data, rois = rng.randn(3, 8, 7, 7), random_rois(rng, 30, 3, 7, 7)
    grad = rng.randn(30, 2, 2, 2)
    options = dict(output_dim=2, pooled_size=2, spatial_scale=1)
    output, data_grad = forward_backward(data, rois, grad, **options)
    order = rng.permutation(30)
    shuffled = rois[order]
    shuffled[:, 0] = 2 - shuffled[:, 0]
    output2, data_grad2 = forward_backward(data[::-1].copy(), shuffled, grad[order], **options)
    np.testing.assert_array_equal(output2, output[order])
    np.testing.assert_allclose(data_grad2[::-1], data_grad, atol=1e-12)


class Options(ctypes.Structure):
    """LhrcnnPsRoiAlign of kernels.h."""

    _fields_ = [(name, kind) for kind, names in [
        (ctypes.c_int64, ("images", "height", "width", "rois")),
        (ctypes.c_int32, ("output_dim", "pooled_size", "sampling_ratio", "aligned", "border")),
        (ctypes.c_double, ("spatial_scale",))] for name in names]


@pytest.mark.parametrize("dtype, suffix", [("float32", "f32"), ("float64", "f64")])
def test_same_for_any_number_of_threads(dtype, suffix):
    """The kernels by themselves, without MXNet."""
    rng = np.random.RandomState(7)
    data, rois = rng.randn(2, 98, 15, 20).astype(dtype), random_rois(rng, 200, 2, 240, 320, dtype)
    grad = rng.randn(200, 2, 7, 7).astype(dtype)
    options = Options(2, 15, 20, 200, 2, 7, 2, 0, 0, 1 / 16)
    kernels = ctypes.CDLL(build.LIBRARY)

    def results(threads):
        output, data_grad = np.full(grad.shape, np.nan, dtype), np.full(data.shape, np.nan, dtype)
        for name, arrays in [("forward", (data, rois, output)), ("backward", (grad, rois, data_grad))]:
            kernel = getattr(kernels, "lhrcnn_ps_roi_align_{}_{}".format(name, suffix))
            pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]
            assert kernel(ctypes.byref(options), *pointers, threads) == 0
        return output, data_grad

    expected = results(1)
    assert np.isfinite(expected[0]).all() and np.isfinite(expected[1]).all()
    for threads in (0, 2, 3, 16, 1000):
        for found, once in zip(results(threads), expected):
            np.testing.assert_array_equal(found, once)
