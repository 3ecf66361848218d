"""The Xception-like backbone of setting S (paper, table 7), with names in the manner of the original graphs."""
import mxnet as mx

from ..caffe_names import residual_unit_names
from .layers import conv_bn, relu

STEM_CHANNELS = 24
STAGES = ((2, 144, 4), (3, 288, 8), (4, 576, 4))  # stage, channels, units


def xception(data, frozen=True):
    """The backbone's two maps, both at stride 16: stage 4 does not stride and is dilated by 2.

    Args:
        data: (N, 3, H, W).
        frozen: batch normalisation by the moving statistics.

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


def _unit(data, name, in_channels, channels, frozen, stride, dilation):
    """Bottleneck with a depthwise 3x3. One that widens concatenates its input, average-pooled, to the branch."""
    res, bn = "res%s_branch" % name, "bn%s_branch" % name
    mid, widens = channels // 4, in_channels != channels
    out = conv_bn(data, res + "2a", bn + "2a", frozen, res + "2a_relu", num_filter=mid, kernel=(1, 1))
    out = conv_bn(out, res + "2b", bn + "2b", frozen, res + "2b_relu", num_filter=mid, num_group=mid, kernel=(3, 3),
                  pad=(dilation,) * 2, dilate=(dilation,) * 2, stride=(stride,) * 2)
    out = conv_bn(out, res + "2c", bn + "2c", frozen, num_filter=channels - in_channels if widens else channels,
                  kernel=(1, 1))
    if widens:
        shortcut = mx.sym.Pooling(data, pool_type="avg", kernel=(3, 3), pad=(1, 1), stride=(stride,) * 2,
                                  name=res + "1")
        out = mx.sym.concat(shortcut, out, dim=1, name="res" + name)
    else:
        out = mx.sym.broadcast_add(data, out, name="res" + name)
    return relu(out, "res%s_relu" % name)
