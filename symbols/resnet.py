"""ResNet v1 with Caffe's names; its last stage is dilated (nodes `conv1` to `res5c_relu` of the MXNet original)."""
from typing import Any, Tuple

import mxnet as mx

from ..caffe_names import residual_unit_names
from .layers import conv_bn, relu

# depth: units of stages 2 to 5, and the stages whose units are numbered
DEPTHS = {101: ((3, 4, 23, 3), (3, 4))}


def resnet_v1(data: mx.sym.Symbol, depth: int = 101, frozen: bool = True,
              stride_in_1x1: bool = True) -> Tuple[mx.sym.Symbol, mx.sym.Symbol]:
    """Returns the two maps of the backbone, both of stride 16.

    Args:
        data: (N, 3, H, W), images in RGB less the pixel means.
        depth: a key of `DEPTHS`.
        frozen: whether the moving statistics normalise in training, too, as in the MXNet original.
        stride_in_1x1: whether the first 1x1 convolution of a stage strides, as in the MXNet original, else the first
            3x3.

    Returns:
        (N, 1024, h, w), `res4b22_relu` in ResNet-101, for the RPN; (N, 2048, h, w), `res5c_relu`, for the head.
    """
    units, numbered = DEPTHS[depth]
    out = conv_bn(data, "conv1", "bn_conv1", frozen, "conv1_relu", num_filter=64, kernel=(7, 7), pad=(3, 3),
                  stride=(2, 2))
    out = mx.sym.Pooling(out, pool_type="max", kernel=(3, 3), pad=(0, 0), stride=(2, 2), pooling_convention="full",
                         name="pool1")
    maps = []
    for stage, count in zip((2, 3, 4, 5), units):
        for i, name in enumerate(residual_unit_names(stage, count, stage in numbered)):
            out = _bottleneck(out, name, 64 * 2 ** (stage - 2), frozen, project=i == 0, dilated=stage == 5,
                              stride=2 if i == 0 and stage in (3, 4) else 1, stride_in_1x1=stride_in_1x1)
        maps.append(out)
    return maps[2], maps[3]


def _bottleneck(data: mx.sym.Symbol, name: str, mid_channels: int, frozen: bool, project: bool, dilated: bool,
                stride: int, stride_in_1x1: bool) -> mx.sym.Symbol:
    """Convolutions 1x1, 3x3 and 1x1 beside a shortcut, which is a 1x1 convolution where the unit projects."""
    res, bn = f"res{name}_", f"bn{name}_"
    first, second = (stride, 1) if stride_in_1x1 else (1, stride)

    def conv(data: mx.sym.Symbol, branch: str, filters: int, rectified: bool, kernel: int = 1, pad: int = 0,
             stride: int = 1, **more: Any) -> mx.sym.Symbol:
        return conv_bn(data, res + branch, bn + branch, frozen, f"{res}{branch}_relu" if rectified else None,
                       num_filter=filters, kernel=(kernel,) * 2, pad=(pad,) * 2, stride=(stride,) * 2, **more)

    shortcut = conv(data, "branch1", 4 * mid_channels, False, stride=stride) if project else data
    out = conv(data, "branch2a", mid_channels, True, stride=first)
    # cuDNN's dilated convolutions were slow when the MXNet original was written; the attribute stays in the graph.
    dilation = {"dilate": (2, 2), "cudnn_off": True} if dilated else {}
    out = conv(out, "branch2b", mid_channels, True, kernel=3, pad=2 if dilated else 1, stride=second, **dilation)
    out = conv(out, "branch2c", 4 * mid_channels, False)
    return relu(mx.sym.broadcast_add(shortcut, out, name=f"res{name}"), f"res{name}_relu")
