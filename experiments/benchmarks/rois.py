"""PS-RoIAlign and PS-RoI pooling against MXNet's own operators, at the sizes of Light-Head R-CNN."""
import functools

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

from ...operators import ps_roi_align, ps_roi_pool
from .case import Case, Job

OUTPUT_DIM, POOLED_SIZE, STRIDE = 10, 7, 16
MAPS, ROIS = ((44, 69), (50, 75)), (300, 1000, 2000)


def random_proposals(rng, count, height, width):
    """RoIs (count, 5) as a region proposal network makes them in an image of height x width pixels.

    Sizes from 16 to 700 pixels and aspects from 1/2 to 2, evenly on a logarithmic scale, anywhere, clipped.
    """
    size = np.exp(rng.uniform(np.log(16), np.log(700), count))
    aspect = np.exp(rng.uniform(-np.log(2), np.log(2), count) / 2)
    half = np.stack([size * aspect, size / aspect], axis=1) / 2
    centre = rng.uniform(0, [width, height], (count, 2))
    corners = np.clip(np.concatenate([centre - half, centre + half], axis=1), 0, np.array([width, height] * 2) - 1)
    return np.concatenate([np.zeros((count, 1)), corners], axis=1).astype(np.float32)


def align(F, data, rois):
    return ps_roi_align(F, data, rois, OUTPUT_DIM, POOLED_SIZE, 1 / STRIDE)


def roi_align(F, data, rois):
    return F.contrib.ROIAlign(data, rois, pooled_size=(POOLED_SIZE, POOLED_SIZE), spatial_scale=1 / STRIDE,
                              sample_ratio=2, position_sensitive=True)


def pool(F, data, rois):
    return ps_roi_pool(F, data, rois, OUTPUT_DIM, POOLED_SIZE, 1 / STRIDE)


def psroi_pooling(F, data, rois):
    return F.contrib.PSROIPooling(data, rois, output_dim=OUTPUT_DIM, pooled_size=POOLED_SIZE, group_size=POOLED_SIZE,
                                  spatial_scale=1 / STRIDE)


class OnComputedMap(gluon.HybridBlock):
    """An operator on a map that another operator computes, as in a network."""

    def __init__(self, operator):
        super().__init__()
        self._operator = operator

    def hybrid_forward(self, F, data, rois):
        return self._operator(F, data * 2, rois)


def make(ours, peer, train, height, width, rois, seed=0):
    """Job: forward, or with `train` the backward pass that follows."""
    rng = np.random.RandomState(seed)
    shape = (1, OUTPUT_DIM * POOLED_SIZE ** 2, height, width)
    data = mx.nd.array(rng.standard_normal(shape))
    boxes = mx.nd.array(random_proposals(rng, rois, height * STRIDE, width * STRIDE))
    grad = mx.nd.array(rng.standard_normal((rois, OUTPUT_DIM, POOLED_SIZE, POOLED_SIZE)))
    data.attach_grad()

    def run(function):
        if not train:
            return lambda: [function(data, boxes)]
        with autograd.record():
            output = function(data, boxes)

        def backward():
            output.backward(grad)
            return [data.grad]
        return backward

    def step(operator):
        block = OnComputedMap(operator)
        block.hybridize(static_alloc=True)
        return lambda: run(block)()

    def check():
        found, expected = (run(functools.partial(operator, mx.nd))()[0].asnumpy() for operator in (ours, peer))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())

    sides = [functools.partial(run, functools.partial(operator, mx.nd)) for operator in (ours, peer)]
    return Job(*sides, check, step(ours), step(peer))


def cases(maps=MAPS, counts=ROIS):
    """All cases of this file."""
    return [Case(op, "{} {}, {}x{}x{}, {} RoIs".format(op, "backward" if train else "forward",
                                                       OUTPUT_DIM * POOLED_SIZE ** 2, height, width, count),
                 name, functools.partial(make, ours, peer, train, height, width, count))
            for op, name, ours, peer in (("align", "contrib.ROIAlign", align, roi_align),
                                         ("pool", "contrib.PSROIPooling", pool, psroi_pooling))
            for train in (False, True) for height, width in maps for count in counts]
