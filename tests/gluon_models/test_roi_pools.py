"""The ways to pool RoIs: each against a slow version, RoIs that are padding or without area, gradients."""
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd

from light_head_rcnn.gluon_models.roi_pools import ROI_POOLS, align_rois, pool_rois, pooled_channels

# Small ones, whole cells, halves of cells, over the border.
ROIS = np.array([[0, 3, 5, 20, 9], [1, 16, 32, 127, 95], [0, 8, 8, 104, 88], [1, -20, 40, 60, 150]], np.float32)
ALIGN = "roi_align"
WAYS = pytest.mark.parametrize("way", (*ROI_POOLS, ALIGN))


def pool(F, way, data, rois):
    return align_rois(F, data, rois, 16) if way == ALIGN else pool_rois(F, way, data, rois, 16)


def thin_map():
    return np.random.RandomState(0).normal(0, 1, (2, 490, 6, 8)).astype(np.float32)


def plain_roi_pool(data, rois, scale):
    """Fast R-CNN's: corners rounded to cells, both part of the RoI; a bin's largest cell in every channel, or 0."""
    output = np.zeros((len(rois), data.shape[1], 7, 7))
    for r, (image, *corners) in enumerate(rois):
        x1, y1, x2, y2 = (int(np.floor(corner * scale + 0.5)) for corner in corners)
        for i, j in np.ndindex(7, 7):
            rows, columns = (slice(*(int(np.clip(start + edge, 0, size)) for edge in (k * length // 7,
                                                                                     -(-(k + 1) * length // 7))))
                             for start, length, k, size in ((y1, max(y2 - y1 + 1, 1), i, data.shape[2]),
                                                            (x1, max(x2 - x1 + 1, 1), j, data.shape[3])))
            cells = data[int(image), :, rows, columns]
            if cells.size:
                output[r, :, i, j] = cells.max(axis=(1, 2))
    return output


def roi_align(data, rois, scale, bilinear):
    """Values stand in the centres of cells, far ends are part of a RoI; 2x2 samples a bin, averaged."""
    output = np.zeros((len(rois), data.shape[1], 7, 7))
    for r, (image, *corners) in enumerate(rois):
        x1, y1, x2, y2 = (np.array(corners, np.float64) + [0, 0, 1, 1]) * scale - 0.5
        for i, j, a, b in np.ndindex(7, 7, 2, 2):
            weights = bilinear(*data.shape[2:], y1 + (i + (a + 0.5) / 2) * (y2 - y1) / 7,
                               x1 + (j + (b + 0.5) / 2) * (x2 - x1) / 7, "clamp")
            for (row, column), weight in (weights or {}).items():
                output[r, :, i, j] += weight * data[int(image), :, row, column] / 4
    return output


@WAYS
def test_against_a_slow_version(way, reference):
    data = thin_map()
    found = pool(mx.nd, way, mx.nd.array(data), mx.nd.array(ROIS)).asnumpy()
    if way == "roi_pool":
        expected = plain_roi_pool(data, ROIS, 1 / 16)
    elif way == ALIGN:
        expected = roi_align(data, ROIS, 1 / 16, reference.bilinear)
    else:
        slow = reference.ps_roi_pool if way == "psroi_pool" else reference.ps_roi_align
        flavour = dict(mode="max", border="clamp" if way == "psroi_align_max_clamp" else "zero") if "max" in way else {}
        rois = ROIS + np.array([0, 0, 0, 1, 1], np.float32) if way == "psroi_align_max_clamp" else ROIS
        expected = slow(data, rois, output_dim=10, pooled_size=7, spatial_scale=1 / 16, **flavour)
    assert found.shape == (len(ROIS), 490 if way == ALIGN else pooled_channels(way), 7, 7)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(expected).max() > 0.5


@WAYS
def test_padding_pools_zeros_and_teaches_nothing(way):
    """MXNet's own operators leave the output of padding as the memory was, or read before the batch."""
    data, padding = mx.nd.array(thin_map()), np.array([[-1, 0, 0, 0, 0], [-1, 16, 16, 90, 90]], np.float32)
    data.attach_grad()
    for rois, is_padding in ((padding, True), (ROIS, False)):
        junk = mx.nd.full((2, 490, 7, 7), 1e9)  # what freed memory holds
        junk.wait_to_read()
        del junk
        with autograd.record():
            pooled = pool(mx.nd, way, data, mx.nd.array(rois))
        pooled.backward()
        assert (pooled.asnumpy() == 0).all() == (data.grad.asnumpy() == 0).all() == is_padding


def test_roi_align_bears_rois_without_area():
    """MXNet's operator ends the process over them."""
    data = mx.nd.array(thin_map())
    thin, pixel = pool(mx.nd, ALIGN, data, mx.nd.array([[0, 40, 30, 39.2, 60], [0, 40, 30, 40, 60]])).asnumpy()
    np.testing.assert_array_equal(thin, pixel)
    assert thin.any()


@WAYS
def test_symbol_equals_imperative(way):
    data, rois = mx.nd.array(thin_map()), mx.nd.array(ROIS)
    symbol = pool(mx.sym, way, mx.sym.var("data"), mx.sym.var("rois"))
    found, = symbol.bind(mx.cpu(), {"data": data, "rois": rois}).forward()
    np.testing.assert_array_equal(found.asnumpy(), pool(mx.nd, way, data, rois).asnumpy())
