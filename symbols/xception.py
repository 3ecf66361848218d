"""The Xception-like backbone of setting S (paper, table 7), with names as the MXNet original would give them."""
from typing import Tuple

import mxnet as mx

from ..caffe_names import residual_unit_names
from .layers import conv_bn, relu

STEM_CHANNELS = 24
STAGES = ((2, 144, 4), (3, 288, 8), (4, 576, 4))  # stage, channels, units


def xception(data: mx.sym.Symbol, frozen: bool = True) -> Tuple[mx.sym.Symbol, mx.sym.Symbol]:
    """Returns the two maps of the backbone, both of stride 16: stage 4 does not stride, and is dilated by 2.

    Args:
        data: (N, 3, H, W), images in RGB less the pixel means.
        frozen: whether the moving statistics normalise in training, too.

    Returns:
        (N, 288, h, w), `res3b7_relu`, for the RPN; (N, 576, h, w), `res4b3_relu`, for the head.
    """
    out = conv_bn(data, "conv1", "bn_conv1", frozen, "conv1_relu", num_filter=STEM_CHANNELS, kernel=(3, 3),
                  pad=(1, 1), stride=(2, 2))
    out = mx.sym.Pooling(out, pool_type="max", kernel=(3, 3), pad=(1, 1), stride=(2, 2), name="pool1")
    maps, in_channels = [], STEM_CHANNELS
    for stage, channels, count in STAGES:
        for i, name in enumerate(residual_unit_names(stage, count, numbered=True)):
            out = _unit(out, name, in_channels, channels, frozen, stride=2 if i == 0 and stage < 4 else 1,
                        dilation=2 if stage == 4 else 1)
            in_channels = channels
        maps.append(out)
    return maps[1], maps[2]


def _unit(data: mx.sym.Symbol, name: str, in_channels: int, channels: int, frozen: bool, stride: int,
          dilation: int) -> mx.sym.Symbol:
    """A bottleneck with a depthwise 3x3. A unit that widens concatenates its input, average-pooled, to its branch."""
    res, bn = f"res{name}_branch", f"bn{name}_branch"
    mid, widens = channels // 4, in_channels != channels
    out = conv_bn(data, f"{res}2a", f"{bn}2a", frozen, f"{res}2a_relu", num_filter=mid, kernel=(1, 1))
    out = conv_bn(out, f"{res}2b", f"{bn}2b", frozen, f"{res}2b_relu", num_filter=mid, num_group=mid, kernel=(3, 3),
                  pad=(dilation,) * 2, dilate=(dilation,) * 2, stride=(stride,) * 2)
    out = conv_bn(out, f"{res}2c", f"{bn}2c", frozen, num_filter=channels - in_channels if widens else channels,
                  kernel=(1, 1))
    if widens:
        shortcut = mx.sym.Pooling(data, pool_type="avg", kernel=(3, 3), pad=(1, 1), stride=(stride,) * 2,
                                  name=f"{res}1")
        out = mx.sym.concat(shortcut, out, dim=1, name=f"res{name}")
    else:
        out = mx.sym.broadcast_add(data, out, name=f"res{name}")
    return relu(out, f"res{name}_relu")
