"""Cases of PS-RoIAlign, PS-RoI pooling and RoI max pooling, beside MXNet's own operators, at the sizes of Light-Head
R-CNN and, for the last one, of Fast R-CNN on VGG-16."""
import functools
from typing import Any, Callable, List, NamedTuple, Sequence, Tuple

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

from ...operators import ps_roi_align, ps_roi_pool, roi_max_pool
from .case import Case, Job, Work

OUTPUT_DIM, POOLED_SIZE, STRIDE = 10, 7, 16
CHANNELS_OF_VGG = 512
# (height, width) of the feature map, and RoIs an image.
MAPS, ROI_COUNTS = ((44, 69), (50, 75)), (300, 1000, 2000)
# From F (mx.nd or mx.sym), the feature map (1, C, H, W) and the RoIs (R, 5) to the pooled RoIs.
Operator = Callable[[Any, Any, Any], Any]


def random_proposals(rng: np.random.RandomState, count: int, height: int, width: int) -> np.ndarray:
    """Makes RoIs like those of a region proposal network.

    Args:
        rng: source of randomness.
        count: how many.
        height, width: of the image, in pixels.

    Returns:
        float32 (count, 5): the number of the image, 0, and x1, y1, x2, y2 in pixels of the image. Sizes from 16 to 700
        pixels and aspect ratios from 1/2 to 2 are spread evenly on a logarithmic scale, places evenly over the image,
        at whose edges the boxes are clipped.
    """
    size = np.exp(rng.uniform(np.log(16), np.log(700), count))
    aspect = np.exp(rng.uniform(-np.log(2), np.log(2), count) / 2)
    half = np.stack([size * aspect, size / aspect], axis=1) / 2
    centre = rng.uniform(0, [width, height], (count, 2))
    corners = np.clip(np.concatenate([centre - half, centre + half], axis=1), 0, np.array([width, height] * 2) - 1)
    return np.concatenate([np.zeros((count, 1)), corners], axis=1).astype(np.float32)


def native_align(F: Any, data: Any, rois: Any) -> Any:
    """Position-sensitive RoIAlign by the native operator; an `Operator`."""
    return ps_roi_align(F, data, rois, OUTPUT_DIM, POOLED_SIZE, 1 / STRIDE)


def mxnet_align(F: Any, data: Any, rois: Any) -> Any:
    """Position-sensitive RoIAlign by MXNet's operator; an `Operator`."""
    return F.contrib.ROIAlign(data, rois, pooled_size=(POOLED_SIZE, POOLED_SIZE), spatial_scale=1 / STRIDE,
                              sample_ratio=2, position_sensitive=True)


def native_pool(F: Any, data: Any, rois: Any) -> Any:
    """Position-sensitive RoI pooling by the native operator; an `Operator`."""
    return ps_roi_pool(F, data, rois, OUTPUT_DIM, POOLED_SIZE, 1 / STRIDE)


def mxnet_pool(F: Any, data: Any, rois: Any) -> Any:
    """Position-sensitive RoI pooling by MXNet's operator; an `Operator`."""
    return F.contrib.PSROIPooling(data, rois, output_dim=OUTPUT_DIM, pooled_size=POOLED_SIZE, group_size=POOLED_SIZE,
                                  spatial_scale=1 / STRIDE)


def native_max_pool(F: Any, data: Any, rois: Any) -> Any:
    """RoI max pooling by the native operator; an `Operator`."""
    return roi_max_pool(F, data, rois, POOLED_SIZE, 1 / STRIDE)


def mxnet_max_pool(F: Any, data: Any, rois: Any) -> Any:
    """RoI max pooling by MXNet's operator; an `Operator`."""
    return F.ROIPooling(data, rois, pooled_size=(POOLED_SIZE, POOLED_SIZE), spatial_scale=1 / STRIDE)


class Kind(NamedTuple):
    """A kind of pooling.

    Attributes:
        op: its name in the table.
        peer: name of MXNet's operator.
        ours, theirs: the native operator and MXNet's.
        channels: of the map.
        pooled_channels: of a pooled RoI.
    """

    op: str
    peer: str
    ours: Operator
    theirs: Operator
    channels: int = OUTPUT_DIM * POOLED_SIZE ** 2
    pooled_channels: int = OUTPUT_DIM


KINDS = (Kind("align", "contrib.ROIAlign", native_align, mxnet_align),
         Kind("pool", "contrib.PSROIPooling", native_pool, mxnet_pool),
         Kind("max_pool", "ROIPooling", native_max_pool, mxnet_max_pool, CHANNELS_OF_VGG, CHANNELS_OF_VGG))


class PooledProduct(gluon.HybridBlock):
    """An operator that pools from a map which another operator has just computed, as it does in a network.

    Args:
        operator: the operator.
    """

    def __init__(self, operator: Operator):
        super().__init__()
        self._operator = operator

    def hybrid_forward(self, F: Any, data: Any, rois: Any) -> Any:
        """Returns the RoIs pooled from twice the map."""
        return self._operator(F, data * 2, rois)


def make_job(kind: Kind, train: bool, height: int, width: int, rois: int, seed: int = 0) -> Job:
    """Makes the job of pooling random RoIs from a random map.

    Args:
        kind: of pooling.
        train: time the backward pass in place of the forward pass.
        height, width: of the map.
        rois: how many RoIs.
        seed: of the random inputs.
    """
    rng = np.random.RandomState(seed)
    data = mx.nd.array(rng.standard_normal((1, kind.channels, height, width)))
    boxes = mx.nd.array(random_proposals(rng, rois, height * STRIDE, width * STRIDE))
    gradient = mx.nd.array(rng.standard_normal((rois, kind.pooled_channels, POOLED_SIZE, POOLED_SIZE)))
    data.attach_grad()

    def prepare(function: Callable[[Any, Any], Any]) -> Work:
        """Returns the forward pass, or the backward pass whose forward pass is done here."""
        if not train:
            return lambda: [function(data, boxes)]
        with autograd.record():
            output = function(data, boxes)

        def backward() -> List[mx.nd.NDArray]:
            output.backward(gradient)
            return [data.grad]
        return backward

    def make_step(operator: Operator) -> Work:
        block = PooledProduct(operator)
        block.hybridize(static_alloc=True)
        return lambda: prepare(block)()

    def check() -> None:
        found, expected = (prepare(functools.partial(operator, mx.nd))()[0].asnumpy()
                           for operator in (kind.ours, kind.theirs))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())

    sides = [functools.partial(prepare, functools.partial(operator, mx.nd)) for operator in (kind.ours, kind.theirs)]
    return Job(*sides, check, make_step(kind.ours), make_step(kind.theirs))


def cases(maps: Sequence[Tuple[int, int]] = MAPS, counts: Sequence[int] = ROI_COUNTS) -> List[Case]:
    """Returns the cases of this file: all operators, forward and backward, on each map with each number of RoIs."""
    return [Case(kind.op, f"{kind.op} {'backward' if train else 'forward'}, {kind.channels}x{height}x{width}, "
                          f"{count} RoIs", kind.peer, functools.partial(make_job, kind, train, height, width, count))
            for kind in KINDS for train in (False, True) for height, width in maps for count in counts]
