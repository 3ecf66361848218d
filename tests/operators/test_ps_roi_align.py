"""PS-RoIAlign's numbers: a slow reference, MXNet's own operator, numeric gradients, threads, hostile input."""
import functools
import importlib.util
import itertools
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from light_head_rcnn.operators import ps_roi_align


def beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference, cases = beside("reference"), beside("roi_cases")
run = functools.partial(cases.forward_backward, functools.partial(ps_roi_align, mx.nd))

FLAVOURS = [dict(mode=mode, aligned=aligned, border=border)
            for mode, aligned, border in itertools.product(["avg", "max"], [False, True], ["clamp", "zero"])]
ALL_FLAVOURS = pytest.mark.parametrize("flavour", FLAVOURS, ids=lambda flavour: "-".join(map(str, flavour.values())))


def check_reference(data, rois, grad, tolerance, **options):
    output, data_grad = run(data, rois, grad, **options)
    np.testing.assert_allclose(output, reference.ps_roi_align(data, rois, **options), atol=tolerance)
    np.testing.assert_allclose(data_grad, reference.ps_roi_align(data, rois, output_grad=grad, **options),
                               atol=10 * tolerance)


@ALL_FLAVOURS
@pytest.mark.parametrize("output_dim, pooled_size, sampling_ratio", [(3, 2, 2), (4, 3, 1), (5, 1, 3), (10, 7, 2),
                                                                     (2, 3, 0), (21, 1, 0)])
def test_equals_reference(flavour, output_dim, pooled_size, sampling_ratio):
    rng = np.random.RandomState(1)
    data = rng.randn(2, output_dim * pooled_size ** 2, 6, 9)
    rois, grad = cases.random_rois(rng, 12, 2, 12, 18), rng.randn(12, output_dim, pooled_size, pooled_size)
    check_reference(data, rois, grad, 1e-12, output_dim=output_dim, pooled_size=pooled_size, spatial_scale=0.5,
                    sampling_ratio=sampling_ratio, **flavour)


@ALL_FLAVOURS
def test_float32(flavour):
    rng = np.random.RandomState(1)
    data, rois = rng.randn(2, 40, 6, 9).astype("float32"), cases.random_rois(rng, 12, 2, 12, 18, "float32")
    grad = rng.randn(12, 10, 2, 2).astype("float32")
    check_reference(data, rois, grad, 1e-5, output_dim=10, pooled_size=2, spatial_scale=0.5, **flavour)


@pytest.mark.parametrize("output_dim", [1, 2, 4, 8, 13, 16, 19, 33])
@pytest.mark.parametrize("height, width", [(1, 1), (1, 5), (3, 2)])
@pytest.mark.parametrize("mode", ["avg", "max"])
def test_any_number_of_channels_and_smallest_maps(output_dim, height, width, mode):
    rng = np.random.RandomState(2)
    data, grad = rng.randn(1, output_dim * 4, height, width), rng.randn(5, output_dim, 2, 2)
    check_reference(data, cases.random_rois(rng, 5, 1, height, width), grad, 1e-12, output_dim=output_dim,
                    pooled_size=2, spatial_scale=1, mode=mode)


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("sampling_ratio, count", [(2, 100), (2, 1500), (3, 100), (0, 100)])
def test_equals_mxnet_roi_align(aligned, sampling_ratio, count):
    rng = np.random.RandomState(2)
    data = rng.randn(2, 490, 20, 31).astype("float32")
    rois = cases.random_rois(rng, count, 2, 320, 496, "float32")
    rois[:, 3:] = np.maximum(rois[:, 3:], rois[:, 1:3])
    grad = rng.randn(count, 10, 7, 7).astype("float32")
    output, data_grad = run(data, rois, grad, output_dim=10, pooled_size=7, spatial_scale=1 / 16, aligned=aligned,
                            sampling_ratio=sampling_ratio)
    expected, expected_grad = cases.forward_backward(
        functools.partial(mx.nd.contrib.ROIAlign, pooled_size=(7, 7), spatial_scale=1 / 16,
                          sample_ratio=sampling_ratio or -1, position_sensitive=True, aligned=aligned),
        data, rois, grad)
    np.testing.assert_allclose(output, expected, atol=2e-5)
    np.testing.assert_allclose(data_grad, expected_grad, atol=2e-4)


@ALL_FLAVOURS
def test_numeric_gradient(flavour):
    rng = np.random.RandomState(3)
    data, rois = rng.randn(1, 4, 4, 5), cases.random_rois(rng, 6, 1, 4, 5)
    grad = rng.randn(6, 1, 2, 2)
    options = dict(output_dim=1, pooled_size=2, spatial_scale=1, **flavour)
    _, data_grad = run(data, rois, grad, **options)
    step = 1e-6  # a maximum is linear as long as the largest sample remains the largest
    for index in np.ndindex(data.shape):
        change = np.zeros_like(data)
        change[index] = step
        difference = run(data + change, rois, grad, **options)[0] - run(data - change, rois, grad, **options)[0]
        assert np.sum(difference * grad) / (2 * step) == pytest.approx(data_grad[index], abs=1e-7)


def test_rois_have_no_gradient():
    data, rois = mx.nd.ones((1, 4, 5, 5)), mx.nd.array([[0, 1, 1, 3, 3]])
    rois.attach_grad()
    rois.grad[:] = 7
    with mx.autograd.record():
        output = ps_roi_align(mx.nd, data, rois, output_dim=1, pooled_size=2, spatial_scale=1)
    output.backward()
    assert (rois.grad.asnumpy() == 0).all()


# ---- Maxima that several samples share -------------------------------------------------------------------------------

@ALL_FLAVOURS
@pytest.mark.parametrize("sampling_ratio", [2, 3, 0])
def test_first_of_equal_samples_has_the_gradient(flavour, sampling_ratio):
    """With few different values and coordinates many samples are exactly equal.

    On a map of negative values the zeros outside it are the largest samples.
    """
    rng = np.random.RandomState(4)
    for lowest in (-1, -2):
        data = rng.randint(lowest, lowest + 2, (1, 8, 5, 6)).astype("float64")
        rois = np.concatenate([np.zeros((20, 1)), rng.randint(-12, 12, (20, 4)) * 1.5], axis=1)
        grad = rng.randint(-4, 5, (20, 2, 2, 2)).astype("float64")
        check_reference(data, rois, grad, 1e-12, output_dim=2, pooled_size=2, spatial_scale=1,
                        sampling_ratio=sampling_ratio, **flavour)


@ALL_FLAVOURS
def test_large_rois_leave_out_samples_that_do_not_count(flavour):
    """Bins with dozens of samples, most of them outside the map: the result is that of all samples."""
    rng = np.random.RandomState(5)
    data, grad = rng.randint(-2, 1, (1, 4, 3, 4)).astype("float64"), rng.randint(-4, 5, (12, 1, 2, 2)).astype("float64")
    corners = rng.randint(-100, 5, (12, 2))
    rois = np.concatenate([np.zeros((12, 1)), corners, corners + 2 * rng.randint(0, 80, (12, 2))], axis=1)
    check_reference(data, rois, grad, 1e-12, output_dim=1, pooled_size=2, spatial_scale=1,
                    sampling_ratio=0, **flavour)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("border", ["clamp", "zero"])
def test_a_million_pixels_wide(border, dtype):
    """Against all samples of the definition: weights along one axis times those along the other, at exact positions."""
    data = np.random.RandomState(6).randn(1, 9, 4, 6).astype(dtype)
    rois = np.array([[0, -393216, 0, 589824, 3], [0, 1, -983037, 4, 3], [0, -294912, -700416, 688128, 282624]], dtype)

    def weights(begin, end, size):
        length = (end - begin) / 3
        samples = max(1, int(np.ceil(length)))
        positions = begin + np.arange(3)[:, None] * length + (np.arange(samples) + 0.5) * length / samples
        counts = (positions >= -1) & (positions <= size)
        if border == "clamp":
            positions = np.clip(positions, 0, size - 1)
        near = np.maximum(1 - np.abs(positions[..., None] - np.arange(size)), 0)
        return (near * counts[..., None]).mean(axis=1)  # (bin, pixel)

    rows = np.array([weights(float(y1), float(y2), 4) for _, _, y1, _, y2 in rois])
    columns = np.array([weights(float(x1), float(x2), 6) for _, x1, _, x2, _ in rois])
    expected = np.einsum("rih,rjw,ijhw->rij", rows, columns, data[0].reshape(3, 3, 4, 6).astype("float64"))
    output, data_grad = run(data, rois, np.ones((3, 1, 3, 3), dtype), output_dim=1, pooled_size=3, spatial_scale=1,
                            sampling_ratio=0, border=border)
    np.testing.assert_allclose(output[:, 0] * 1e6, expected * 1e6, rtol=1e-5, atol=1e-5)
    assert data_grad.sum() == pytest.approx(np.einsum("rih,rjw->", rows, columns), rel=1e-5)


# ---- Hostile inputs --------------------------------------------------------------------------------------------------

@settings(max_examples=80, deadline=None)
@given(cases.HOSTILE_ROIS, st.sampled_from(FLAVOURS), st.sampled_from([0, 1, 2]), st.sampled_from([0.25, 1e-30, 1e30]))
def test_hostile_rois(rois, flavour, sampling_ratio, spatial_scale):
    """The outputs of rows that pool nothing are 0, and all others are within the range of the map's values."""
    data = np.random.RandomState(0).uniform(1, 2, (2, 12, 5, 7)).astype("float32")
    output, data_grad = run(data, rois, np.ones((len(rois), 3, 2, 2), "float32"), output_dim=3, pooled_size=2,
                            spatial_scale=spatial_scale, sampling_ratio=sampling_ratio, **flavour)
    assert output.min() >= 0 and output.max() <= 2.0001
    assert data_grad.min() >= 0 and data_grad.sum() <= output.size * 1.0001
    empty = ~(np.isfinite(rois).all(axis=1) & (rois[:, 0] >= 0) & (rois[:, 0] < 2))
    assert (output[empty] == 0).all()


@ALL_FLAVOURS
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(5))
def test_coordinates_that_are_not_finite_pool_nothing(flavour, value, column):
    rois = np.array([[0, 1, 1, 4, 4], [0, 1, 1, 4, 4]], "float32")
    rois[0, column] = value
    output, data_grad = run(np.ones((1, 4, 6, 6), "float32"), rois, np.ones((2, 1, 2, 2), "float32"), output_dim=1,
                            pooled_size=2, spatial_scale=1, **flavour)
    assert (output[0] == 0).all() and (output[1] == 1).all() and data_grad.sum() == 4


@pytest.mark.parametrize("image, there",
                         [(-1, False), (-0.5, False), (0.5, True), (1.99, True), (2, False), (1e9, False)])
def test_image_of_a_roi(image, there):
    data = np.stack([np.full((4, 6, 6), value, "float32") for value in (3, 5)])
    output, _ = run(data, np.array([[image, 1, 1, 4, 4]], "float32"), np.ones((1, 1, 2, 2), "float32"), output_dim=1,
                    pooled_size=2, spatial_scale=1)
    assert (output == ((3, 5)[int(image)] if there else 0)).all()


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("sampling_ratio", [1, 2])
def test_values_outside_the_samples_do_not_matter(mode, sampling_ratio):
    """NaN in pixels that no sample reads, or that have weight 0, does not reach the result."""
    data = np.full((1, 2, 6, 6), np.nan)
    data[0, :, 2, 2:4] = 5
    roi = {1: [0, 1.5, 1.5, 2.5, 2.5], 2: [0, 1.5, 2, 3.5, 2]}[sampling_ratio]  # samples on whole pixels, or in one row
    for aligned in (False, True):
        rois = np.array([roi]) + aligned * np.array([0, 0.5, 0.5, 0.5, 0.5])
        output, _ = run(data, rois, np.ones((1, 2, 1, 1)), output_dim=2, pooled_size=1, spatial_scale=1, mode=mode,
                        border="zero" if sampling_ratio == 2 else "clamp", sampling_ratio=sampling_ratio,
                        aligned=aligned)
        assert (output == 5).all()


def test_maximum_that_is_not_a_number():
    """NaN counts as the largest value: it is the result wherever it stands among the samples."""
    for pixel in ((1, 1), (1, 3), (3, 1), (3, 3)):
        data = np.ones((1, 1, 5, 5))
        data[(0, 0) + pixel] = np.nan
        output, data_grad = run(data, np.array([[0, 0.0, 0, 4, 4]]), np.ones((1, 1, 1, 1)), output_dim=1, pooled_size=1,
                                spatial_scale=1, mode="max")
        assert np.isnan(output).all() and data_grad[(0, 0) + pixel] == 1 and data_grad.sum() == 1


@ALL_FLAVOURS
def test_gradients_that_are_zero_or_not_numbers(flavour):
    """RoIs whose gradient is 0 are skipped, and NaN is not taken for 0."""
    rng = np.random.RandomState(7)
    data, rois, grad = rng.randn(1, 8, 6, 6), cases.random_rois(rng, 9, 1, 6, 6), rng.randn(9, 2, 2, 2)
    rois[0, 1:] = [1, 1, 4, 4]
    grad[1::2] = 0
    options = dict(output_dim=2, pooled_size=2, spatial_scale=1, **flavour)
    check_reference(data, rois, grad, 1e-12, **options)
    grad[0] = np.nan
    assert np.isnan(run(data, rois, grad, **options)[1][0, :, 1:3, 1:3]).any()


# ---- Properties ------------------------------------------------------------------------------------------------------

@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2 ** 16), st.sampled_from(FLAVOURS), st.sampled_from([0, 1, 2, 3]))
def test_constant_map_pools_its_value(seed, flavour, sampling_ratio):
    rng = np.random.RandomState(seed)
    corners = rng.uniform(1, 8, (10, 2))
    rois = np.concatenate([np.zeros((10, 1)), corners, corners + rng.uniform(0, 7, (10, 2))], axis=1)
    output, data_grad = run(np.full((1, 36, 17, 17), 3.0), rois, np.ones((10, 4, 3, 3)), output_dim=4, pooled_size=3,
                            spatial_scale=1, sampling_ratio=sampling_ratio, **flavour)
    np.testing.assert_allclose(output, 3)
    assert data_grad.sum() == pytest.approx(10 * 36)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2 ** 16), st.sampled_from(FLAVOURS), st.sampled_from([0, 2]), st.integers(0, 4),
       st.integers(0, 4))
def test_moves_with_the_map(seed, flavour, sampling_ratio, down, right):
    """Away from the borders of the map."""
    rng = np.random.RandomState(seed)
    data, rois = np.zeros((1, 12, 22, 22)), cases.random_rois(rng, 8, 1, 4, 4)
    data[:, :, 5:13, 5:13] = rng.randn(1, 12, 8, 8)
    rois[:, 1:] = np.clip(rois[:, 1:] + 7, 1, 16)
    options = dict(output_dim=3, pooled_size=2, spatial_scale=1, sampling_ratio=sampling_ratio, **flavour)
    grad = rng.randn(8, 3, 2, 2)
    output, data_grad = run(data, rois, grad, **options)
    moved, moved_grad = run(np.roll(data, (down, right), (2, 3)), rois + [0, right, down, right, down], grad, **options)
    np.testing.assert_allclose(moved, output, atol=1e-12)
    np.testing.assert_allclose(moved_grad, np.roll(data_grad, (down, right), (2, 3)), atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(5)), st.sampled_from(FLAVOURS))
def test_permutes_with_the_channels(order, flavour):
    rng = np.random.RandomState(8)
    data, rois, grad = rng.randn(1, 5, 4, 8, 8), cases.random_rois(rng, 8, 1, 8, 8), rng.randn(8, 5, 2, 2)
    options = dict(output_dim=5, pooled_size=2, spatial_scale=1, **flavour)
    output, data_grad = run(data.reshape(1, 20, 8, 8), rois, grad, **options)
    permuted, permuted_grad = run(data[:, order].reshape(1, 20, 8, 8), rois, grad[:, order], **options)
    np.testing.assert_array_equal(permuted, output[:, order])
    np.testing.assert_array_equal(permuted_grad, data_grad.reshape(data.shape)[:, order].reshape(1, 20, 8, 8))


@ALL_FLAVOURS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_sum_exactly(flavour, dtype):
    """With gradients of whole numbers and samples at multiples of 1/8 every sum is exact, so nothing may be lost."""
    rng = np.random.RandomState(9)
    corners = rng.randint(2, 40, (50, 2)) * 0.25
    rois = np.concatenate([np.zeros((50, 1)), corners, corners + rng.randint(4, 24, (50, 2)) * 0.5], axis=1)
    grad = rng.randint(-8, 9, (50, 10, 2, 2)).astype(dtype)
    _, data_grad = run(rng.randn(1, 40, 25, 25).astype(dtype), rois.astype(dtype), grad, output_dim=10, pooled_size=2,
                       spatial_scale=1, **flavour)
    np.testing.assert_array_equal(data_grad.sum(axis=(0, 2, 3)), grad.sum(axis=0).reshape(-1))


# ---- Order and threads -----------------------------------------------------------------------------------------------

@ALL_FLAVOURS
def test_order_of_images_and_rois_does_not_matter(flavour):
    cases.check_order_does_not_matter(run, 10, **flavour)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode, sampling_ratio", [(0, 2), (0, 0), (1, 2)])
def test_same_for_any_number_of_threads(dtype, mode, sampling_ratio):
    rng = np.random.RandomState(11)
    data, rois = rng.randn(2, 490, 15, 20).astype(dtype), cases.random_rois(rng, 100, 2, 240, 320, dtype)
    rois[::10, 0] = -1
    grad = rng.randn(100, 10, 7, 7).astype(dtype)
    options = cases.ALIGN(2, 15, 20, 100, 10, 7, sampling_ratio, mode, 0, 0, 1 / 16)
    expected = cases.kernel_results("ps_roi_align", options, data, rois, grad, 1)
    assert np.isfinite(expected[0]).all() and np.isfinite(expected[1]).all()
    for threads in (0, 2, 3, 16, 1000):
        for found, once in zip(cases.kernel_results("ps_roi_align", options, data, rois, grad, threads), expected):
            np.testing.assert_array_equal(found, once)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode, sampling_ratio", [(0, 2), (0, 0), (1, 2)])
@pytest.mark.parametrize("output_dim", [10, 16, 21, 31])
def test_channels_do_not_depend_on_each_other(output_dim, mode, sampling_ratio, dtype):
    """Equal to the bit, though one channel is computed in narrow vectors and many, on some processors, in wide ones."""
    rng = np.random.RandomState(12)
    data = rng.randn(2, output_dim, 9, 13, 17).astype(dtype)
    data[0, 0, 4, 8:, 8:] = np.nan
    rois, grad = cases.random_rois(rng, 40, 2, 26, 34, dtype), rng.randn(40, output_dim, 3, 3).astype(dtype)
    rois[7] = np.nan

    def pool(first, end):
        options = cases.ALIGN(2, 13, 17, 40, end - first, 3, sampling_ratio, mode, 0, 0, 0.5)
        maps = np.ascontiguousarray(data[:, first:end]).reshape(2, -1, 13, 17)
        output, data_grad = cases.kernel_results("ps_roi_align", options, maps, rois, grad[:, first:end].copy(), 2)
        return output, data_grad.reshape(2, end - first, 9, 13, 17)

    output, data_grad = pool(0, output_dim)
    assert np.isnan(output[:, 0]).any() and np.isfinite(output[:, 1:]).all() and (output[7] == 0).all()
    for channel in range(output_dim):
        alone, alone_grad = pool(channel, channel + 1)
        np.testing.assert_array_equal(output[:, channel], alone[:, 0])
        np.testing.assert_array_equal(data_grad[:, channel], alone_grad[:, 0])


@pytest.mark.parametrize("mode, sampling_ratio", [(0, 2), (0, 0), (1, 2)])
def test_rois_do_not_depend_on_each_other(mode, sampling_ratio):
    """However many they are: the more RoIs there are, the fewer bins are placed in the output at a time."""
    rng = np.random.RandomState(13)
    data, rois = rng.randn(2, 160, 11, 15).astype("float32"), cases.random_rois(rng, 3000, 2, 11, 15, "float32")

    def pool(boxes):
        options = cases.ALIGN(2, 11, 15, len(boxes), 10, 4, sampling_ratio, mode, 0, 0, 1)
        grad = np.zeros((len(boxes), 10, 4, 4), "float32")
        return cases.kernel_results("ps_roi_align", options, data, boxes, grad, 2)[0]

    output = pool(rois)
    for part in (slice(0, 1), slice(1, 60), slice(60, 1000), slice(1000, 3000)):
        np.testing.assert_array_equal(output[part], pool(rois[part].copy()))


@pytest.mark.parametrize("images, height, width, rois", [(0, 3, 3, 2), (1, 0, 3, 2), (1, 3, 0, 2), (1, 3, 3, 0)])
@pytest.mark.parametrize("mode", [0, 1])
def test_nothing_to_pool(images, height, width, rois, mode):
    options = cases.ALIGN(images, height, width, rois, 2, 2, 2, mode, 0, 0, 1)
    output, data_grad = cases.kernel_results("ps_roi_align", options, np.ones((images, 8, height, width)),
                                             np.ones((rois, 5)) * [0, 1, 1, 2, 2], np.ones((rois, 2, 2, 2)), 2)
    assert (output == 0).all() and (data_grad == 0).all()
