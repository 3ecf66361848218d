"""What an ONNX graph pools from RoIs is what the operators of MXNet pool."""
import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn import operators
from light_head_rcnn.engine.deploy.onnx.operators import (ps_roi_align, ps_roi_pool, roi_align, roi_max_pool,
                                                          roi_pooling)
from light_head_rcnn.errors import ModelError

IMAGES, ROWS, HEIGHT, WIDTH = 3, 40, 10, 13
POOL = {"output_dim": 3, "pooled_size": 7, "spatial_scale": 1 / 16}


def _rois(place, seed=0):
    """RoIs of three images in turn: of all sizes, thin ones at the far corner, or partly or wholly outside the map."""
    rng = np.random.RandomState(seed)
    size = np.array([WIDTH, HEIGHT]) * 16
    if place == "corner":
        near = size - 1 - rng.uniform(0, 20, (IMAGES * ROWS, 2))
        corners = np.concatenate([near, np.broadcast_to(size - 1, near.shape)], axis=1)
    else:
        centres, sides = rng.uniform(0, 1, (IMAGES * ROWS, 2)) * size, np.exp(rng.uniform(0, 5, (IMAGES * ROWS, 2)))
        corners = np.concatenate([centres - sides, centres + sides], axis=1)
        if place == "outside":
            corners = corners * 3 - 100
        else:
            corners = np.round(np.clip(corners, 0, np.tile(size - 1, 2)) * (2 if place == "halves" else 64))
            corners /= 2 if place == "halves" else 64
    images = np.repeat(np.arange(IMAGES), ROWS)[:, None]
    return np.concatenate([images, corners], axis=1).astype("float32")


def _inputs(place, channels, rois=None):
    data = np.random.RandomState(1).randn(IMAGES, channels, HEIGHT, WIDTH) + 2
    return {"data": data.astype("float32"), "rois": _rois(place) if rois is None else rois}


def _check(run_operator, inputs, write, compute, tolerance):
    expected = compute(*map(mx.nd.array, inputs.values())).asnumpy()
    actual, = run_operator(write, inputs, (4,))
    np.testing.assert_allclose(actual, expected, atol=tolerance, rtol=0)
    return actual


PLACES = pytest.mark.parametrize("place", ["inside", "halves", "corner", "outside"])


@PLACES
def test_ps_roi_pool(run_operator, place):
    inputs = _inputs(place, 147)
    inputs["rois"][::7] = [-1, 0, 0, 0, 0]
    pooled = _check(run_operator, inputs, lambda g, *names: ps_roi_pool(g, *names, **POOL),
                    lambda *arrays: operators.ps_roi_pool(mx.nd, *arrays, **POOL), 1e-5)
    assert not pooled[::7].any()


def test_bins_of_ps_roi_pool_end_at_the_same_cells_for_every_size(run_operator):
    """Whether an edge falls into one cell or the next is decided by the last bit of a float32 number."""
    near, far = np.meshgrid(np.arange(0, 150, 3), np.arange(1, 200))
    corners = np.stack([near.ravel(), 0 * near.ravel(), (near + far).ravel(), 0 * near.ravel() + 100], axis=1)
    rois = np.concatenate([np.zeros((len(corners), 1)), corners], axis=1).astype("float32")
    _check(run_operator, _inputs("", 49, rois), lambda g, *names: ps_roi_pool(g, *names, **{**POOL, "output_dim": 1}),
           lambda *arrays: operators.ps_roi_pool(mx.nd, *arrays, **{**POOL, "output_dim": 1}), 1e-5)


@PLACES
@pytest.mark.parametrize("flavour", [
    {}, {"aligned": True}, {"mode": "max", "border": "zero"}, {"mode": "max"}, {"border": "zero"},
    {"sampling_ratio": 3, "mode": "max"}], ids=str)
def test_ps_roi_align(run_operator, place, flavour):
    inputs = _inputs(place, 147)
    inputs["rois"][::7] = [-1, 0, 0, 0, 0]
    _check(run_operator, inputs, lambda g, *names: ps_roi_align(g, *names, **POOL, **flavour),
           lambda *arrays: operators.ps_roi_align(mx.nd, *arrays, **POOL, **flavour), 1e-4)


@PLACES
def test_roi_align(run_operator, place):
    rois = _rois(place)
    rois[:, 3:] += 1  # MXNet's operator needs RoIs with an area
    _check(run_operator, _inputs(place, 5, rois), lambda g, *names: roi_align(g, *names, 7, 1 / 16, 2, True),
           lambda *arrays: mx.nd.contrib.ROIAlign(*arrays, pooled_size=(7, 7), spatial_scale=1 / 16, sample_ratio=2,
                                                  aligned=True), 1e-5)


@PLACES
def test_roi_pooling(run_operator, place):
    _check(run_operator, _inputs(place, 5), lambda g, *names: roi_pooling(g, *names, 7, 7, 1 / 16),
           lambda *arrays: mx.nd.ROIPooling(*arrays, pooled_size=(7, 7), spatial_scale=1 / 16), 0)


@PLACES
@pytest.mark.parametrize("bins", [(7, 7), (1, 1), (3, 5)])
def test_roi_max_pool(run_operator, place, bins):
    inputs = _inputs(place, 5)
    inputs["rois"][::7, 0] = -1
    pooled = _check(run_operator, inputs, lambda g, *names: roi_max_pool(g, *names, *bins, 1 / 16),
                    lambda *arrays: operators.roi_max_pool(mx.nd, *arrays, bins, 1 / 16), 0)
    assert not pooled[::7].any() and pooled.any()


def test_samples_by_size_cannot_be_written():
    with pytest.raises(ModelError, match="sampling_ratio=0 of ps_roi_align cannot be written in ONNX"):
        ps_roi_align(None, "", "", **POOL, sampling_ratio=0)
    with pytest.raises(ModelError, match="aligned=False, sample_ratio=2 cannot be written in ONNX"):
        roi_align(None, "", "", 7, 1 / 16, 2, False)
