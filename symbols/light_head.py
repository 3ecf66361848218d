"""The light head: large separable convolution, pooling of the thin map, one hidden layer (paper, section 3.2)."""
import mxnet as mx

from .. import operators
from .layers import relu as rectify

POOLED_SIZE = 7
POOLED_CHANNELS = 10
KERNEL = 15
HIDDEN = 2048


def light_head(head_map, rois, num_classes, num_reg_classes, mid_channels=256, lr_mult=3.0, relu="inside",
               roi_pool="psroi_pool", stride=16):
    """Class logits and box deltas of RoIs, nodes `conv_new_1` to `bbox_pred`.

    Args:
        head_map: (N, C, h, w), the backbone's last map.
        rois: (R, 5), rows (image, x1, y1, x2, y2) in pixels of the network input.
        num_classes: with background.
        num_reg_classes: classes with boxes of their own, with background: 2 where all share one.
        mid_channels: C_mid, 256 in setting L and 64 in S.
        lr_mult: of the four convolutions' learning rate.
        relu: "inside", after each of the four convolutions (the original), or "after_sum".
        roi_pool: "psroi_pool" (the original) or "psroi_align".
        stride: pixels of the input a cell of the map.

    Returns:
        (R, num_classes) and (R, 4 * num_reg_classes).
    """
    tall, wide = dict(kernel=(KERNEL, 1), pad=(KERNEL // 2, 0)), dict(kernel=(1, KERNEL), pad=(0, KERNEL // 2))

    def conv(number, data, filters, shape):
        out = mx.sym.Convolution(data, num_filter=filters, lr_mult=lr_mult, name="conv_new_%d" % number, **shape)
        return rectify(out, "relu%d" % number) if relu == "inside" else out

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
