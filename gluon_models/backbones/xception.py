"""The Xception-like backbone of setting S (paper, table 7): 145M multiply-adds at 224x224."""
from types import ModuleType
from typing import Tuple

from mxnet.gluon import HybridBlock, nn

from ...caffe_names import residual_unit_names
from ...operators.arrays import Array
from ..layers import ConvBN, relu
from ..registry import register_backbone, register_pyramid_backbone

STEM_CHANNELS = 24
STAGES = ((2, 144, 4), (3, 288, 8), (4, 576, 4))  # stage, channels, units


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
            self.expand = conv("c", mid, branch, 1, relu=False, zero_init_gamma=not frozen and not self._widens)
            self.shortcut = nn.AvgPool2D(3, stride, 1) if self._widens else None

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        branch = self.expand(self.depthwise(self.reduce(x)))
        if self._widens:
            return relu(F, F.concat(self.shortcut(x), branch, dim=1))
        return relu(F, x + branch)


@register_backbone("xception", setting="S")
class Xception(HybridBlock):
    """The backbone of setting S.

    Input: float32 (N, 3, H, W), RGB less the pixel means. Outputs: stage 3 (N, 288, h, w) for the RPN and stage 4
    (N, 576, h, w) for the head, where h and w are `feature_size` of H and W with the default `last_stride`.

    Args:
        frozen: whether batch normalisation uses its moving statistics in training, too.
        last_stride: stride of stage 4. Of 1, for detectors, stage 4 stays at stride 16 and is dilated by 2; of 2, for
            the classifier of table 7, it is not dilated.
    """

    out_channels = (288, 576)

    def __init__(self, frozen: bool = True, last_stride: int = 1):
        super().__init__(prefix="")
        dilation = 2 if last_stride == 1 else 1
        with self.name_scope():
            self.conv1 = ConvBN(3, STEM_CHANNELS, 3, "conv1", "bn_conv1", frozen, stride=2, padding=1)
            self.pool1 = nn.MaxPool2D(3, 2, 1)
            channels = STEM_CHANNELS
            for stage, out_channels, count in STAGES:
                first_stride, rate = (last_stride, dilation) if stage == 4 else (2, 1)
                units = nn.HybridSequential(prefix="")
                for i, name in enumerate(residual_unit_names(stage, count, numbered=True)):
                    units.add(XceptionUnit(channels, out_channels, name, frozen,
                                           stride=first_stride if i == 0 else 1, dilation=rate))
                    channels = out_channels
                setattr(self, f"res{stage}", units)

    @staticmethod
    def feature_size(size: int) -> int:
        """Returns the side of both outputs in cells for a side of the input in pixels."""
        for _ in range(4):  # conv1, pool1, stages 2 and 3, each halving and padded
            size = (size + 1) // 2
        return size

    def hybrid_forward(self, F: ModuleType, x: Array) -> Tuple[Array, Array]:
        res3 = self.res3(self.res2(self.pool1(self.conv1(x))))
        return res3, self.res4(res3)


@register_pyramid_backbone("xception", setting="S")
class PyramidXception(Xception):
    """The backbone of setting S for a feature pyramid: stage 4 has stride 32 and no dilation.

    The parameters are those of `Xception`.

    Input: float32 (N, 3, H, W), RGB less the pixel means. Outputs: the stem (N, 24, ...) and stages 2 (N, 144, ...),
    3 (N, 288, ...) and 4 (N, 576, ...), of strides 4, 8, 16 and 32.

    Args:
        frozen: see `Xception`.
    """

    out_channels = (STEM_CHANNELS,) + tuple(channels for _, channels, _ in STAGES)

    def __init__(self, frozen: bool = True):
        super().__init__(frozen=frozen, last_stride=2)

    @staticmethod
    def feature_size(size: int) -> Tuple[int, ...]:
        """Returns the sides of the four outputs in cells for a side of the input in pixels."""
        sizes = [(size + 3) // 4]  # conv1 and pool1, each halving and padded
        for _ in STAGES:
            sizes.append((sizes[-1] + 1) // 2)
        return tuple(sizes)

    def hybrid_forward(self, F: ModuleType, x: Array) -> Tuple[Array, ...]:
        stem = self.pool1(self.conv1(x))
        res2 = self.res2(stem)
        res3 = self.res3(res2)
        return stem, res2, res3, self.res4(res3)


class XceptionClassifier(HybridBlock):
    """The backbone with global average pooling and one fully connected layer, to pretrain on ImageNet (table 7).

    Input: float32 (N, 3, H, W). Output: logits (N, classes).

    Args:
        classes: number of classes.
        frozen: see `Xception`.
    """

    def __init__(self, classes: int = 1000, frozen: bool = False):
        super().__init__(prefix="")
        with self.name_scope():
            self.features = Xception(frozen=frozen, last_stride=2)
            self.pool = nn.GlobalAvgPool2D()
            self.output = nn.Dense(classes, in_units=Xception.out_channels[-1], prefix="fc1000_")

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        return self.output(self.pool(self.features(x)[1]))
