"""The Xception-like backbone of setting S (paper, table 7): 145M multiply-adds at 224x224."""
from types import ModuleType
from typing import Any

from mxnet.gluon import HybridBlock, nn

from ...caffe_names import residual_unit_names
from ...operators.arrays import Array
from ..layers import ConvBN, relu
from ..registry import register_backbone, register_pyramid_backbone
from .base import Backbone
from .stages import STEM, Part, Stage, half_up

PARTS = (Part(STEM, 24, (half_up, half_up)), Part("res2", 144, (half_up,)), Part("res3", 288, (half_up,)),
         Part("res4", 576, (half_up,)))
UNITS = {2: 4, 3: 8, 4: 4}


class XceptionUnit(HybridBlock):
    """A bottleneck whose 3x3 convolution is depthwise. Its inner channels are a quarter of the stage's.

    The first unit of a stage widens: it concatenates a 3x3 average pooling of its input and a branch of
    `channels - in_channels` channels. All other units add their branch to their input.

    Input: float32 (N, in_channels, H, W). Output: (N, channels, h, w).

    Args:
        in_channels: channels of the input.
        channels: channels of the output.
        name: name of the unit, e.g. "3b7".
        frozen: see `BatchNorm`.
        stride: stride of the depthwise convolution and of the average pooling.
        dilation: dilation of the depthwise convolution.
    """

    def __init__(self, in_channels: int, channels: int, name: str, frozen: bool, stride: int = 1, dilation: int = 1):
        super().__init__(prefix="")
        mid = channels // 4
        self._widens = in_channels != channels
        branch = channels - in_channels if self._widens else channels

        def conv(letter: str, *shape: int, **options: object) -> ConvBN:
            return ConvBN(*shape, f"res{name}_branch2{letter}", f"bn{name}_branch2{letter}", frozen, **options)

        with self.name_scope():
            self.reduce = conv("a", in_channels, mid, 1)
            self.depthwise = conv("b", mid, mid, 3, stride=stride, padding=dilation, dilation=dilation, groups=mid)
            # A concatenated branch must not start at zero: it could not learn through the ReLU that follows.
            self.expand = conv("c", mid, branch, 1, activation=None, zero_init_gamma=not frozen and not self._widens)
            self.shortcut = nn.AvgPool2D(3, stride, 1) if self._widens else None

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        branch = self.expand(self.depthwise(self.reduce(x)))
        if self._widens:
            return relu(F, F.concat(self.shortcut(x), branch, dim=1))
        return relu(F, x + branch)


class Xception(Backbone):
    """The backbone of setting S, with Caffe's names: a stem of stride 4 and stages `res2` to `res4`.

    Args:
        frozen: whether batch normalisation uses its moving statistics in training, too.
        form: `outputs`, `output_stride` and `classes` of `Backbone`. For detectors with two maps, `res4` stays at
            stride 16 and is dilated by 2. A pyramid has the stem as its level of stride 4.
    """

    def __init__(self, frozen: bool = True, **form: Any):
        def make_stage(stage: Stage, in_channels: int) -> HybridBlock:
            block = nn.HybridSequential(prefix="")
            if stage.name == STEM:
                block.add(ConvBN(3, stage.channels, 3, "conv1", "bn_conv1", frozen, 2, 1))
                block.add(nn.MaxPool2D(3, 2, 1))
                return block
            number = int(stage.name[-1])
            for i, name in enumerate(residual_unit_names(number, UNITS[number], numbered=True)):
                block.add(XceptionUnit(in_channels, stage.channels, name, frozen, 1 if i else stage.step,
                                       stage.dilation))
                in_channels = stage.channels
            return block

        super().__init__(PARTS, make_stage, "fc1000", caffe_names=True, **form)


class PyramidXception(Xception):
    """The backbone of setting S for a feature pyramid: the stem and `res2` to `res4`, of strides 4 to 32."""

    def __init__(self, frozen: bool = True):
        super().__init__(frozen, outputs="pyramid")


class XceptionClassifier(Xception):
    """The classifier of table 7, to pretrain on ImageNet.

    Args:
        classes: number of classes.
        frozen: see `Xception`.
    """

    def __init__(self, classes: int = 1000, frozen: bool = False):
        super().__init__(frozen, classes=classes)


register_backbone("xception", Xception, setting="S", options=("outputs",))
register_pyramid_backbone("xception", PyramidXception, setting="S")
