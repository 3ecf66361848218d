"""The light head: large separable convolution, pooling of the thin map, one hidden layer (paper, section 3.2)."""
from typing import Any, Tuple

import mxnet as mx

from .. import operators
from ..errors import ModelError
from .layers import relu as rectify

POOLED_SIZE = 7
POOLED_CHANNELS = 10
KERNEL = 15
HIDDEN = 2048
RELU_PLACES = ("inside", "after_sum")
ROI_POOLS = ("psroi_pool", "psroi_align")


def light_head(head_map: mx.sym.Symbol, rois: mx.sym.Symbol, num_classes: int, num_reg_classes: int,
               mid_channels: int = 256, lr_mult: float = 3.0, relu: str = "inside", roi_pool: str = "psroi_pool",
               stride: int = 16) -> Tuple[mx.sym.Symbol, mx.sym.Symbol]:
    """Returns class logits and box deltas of RoIs, nodes `conv_new_1` to `bbox_pred`.

    Args:
        head_map: (N, C, h, w), the backbone's map for the head.
        rois: (R, 5), rows (image in the batch, x1, y1, x2, y2), boxes in pixels of the network input.
        num_classes: number of classes with background.
        num_reg_classes: number of classes that have a box of their own, with background: 2 where all share one.
        mid_channels: C_mid of the paper, 256 in setting L and 64 in setting S.
        lr_mult: factor of the learning rate of the four convolutions.
        relu: "inside", after each of the four convolutions (the MXNet original), or "after_sum" (the TensorFlow
            original).
        roi_pool: "psroi_pool", averages of whole cells (the MXNet original), or "psroi_align", averages of bilinear
            samples.
        stride: pixels of the network input from one cell of the map to the next.

    Returns:
        (R, num_classes), background first, and (R, 4 * num_reg_classes) in units of the targets' standard deviations.

    Raises:
        ModelError: another place of the ReLU or another RoI pooling.
    """
    for what, word, known in (("relu", relu, RELU_PLACES), ("roi_pool", roi_pool, ROI_POOLS)):
        if word not in known:
            raise ModelError(f"{what} is {word!r}; known: {', '.join(known)}")
    tall, wide = dict(kernel=(KERNEL, 1), pad=(KERNEL // 2, 0)), dict(kernel=(1, KERNEL), pad=(0, KERNEL // 2))

    def conv(number: int, data: mx.sym.Symbol, filters: int, shape: Any) -> mx.sym.Symbol:
        out = mx.sym.Convolution(data, num_filter=filters, lr_mult=lr_mult, name=f"conv_new_{number}", **shape)
        return rectify(out, f"relu{number}") if relu == "inside" else out

    thin_channels = POOLED_CHANNELS * POOLED_SIZE ** 2
    left = conv(2, conv(1, head_map, mid_channels, tall), thin_channels, wide)
    right = conv(4, conv(3, head_map, mid_channels, wide), thin_channels, tall)
    thin = mx.sym.broadcast_add(left, right, name="light_head")
    if relu == "after_sum":
        thin = rectify(thin, "light_head_relu")
    shape = dict(output_dim=POOLED_CHANNELS, pooled_size=POOLED_SIZE, spatial_scale=1 / stride, name="roi_pool")
    if roi_pool == "psroi_pool":
        pooled = mx.sym.contrib.PSROIPooling(thin, rois, group_size=POOLED_SIZE, **shape)
    else:
        pooled = operators.ps_roi_align(mx.sym, thin, rois, **shape)
    hidden = rectify(mx.sym.FullyConnected(pooled, num_hidden=HIDDEN, name="fc_new_1"), "fc_new_1_relu")
    return (mx.sym.FullyConnected(hidden, num_hidden=num_classes, name="cls_score"),
            mx.sym.FullyConnected(hidden, num_hidden=4 * num_reg_classes, name="bbox_pred"))
