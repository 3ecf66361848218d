"""ResNet v1 with Caffe's names; its last stage keeps stride 16, as in the MXNet original (`get_resnet_v1_conv5`)."""
from functools import partial
from types import ModuleType
from typing import Tuple

from mxnet.gluon import HybridBlock, nn

from ...caffe_names import residual_unit_names
from ...errors import ModelError
from ...operators.arrays import Array
from ..layers import ConvBN, relu
from ..registry import register_backbone, register_pyramid_backbone

# depth: units of stages 2 to 5, and the stages whose units are numbered (a, b1, b2) instead of lettered (a, b, c)
DEPTHS = {50: ((3, 4, 6, 3), ()), 101: ((3, 4, 23, 3), (3, 4)), 152: ((3, 8, 36, 3), (3, 4))}


class Bottleneck(HybridBlock):
    """A residual unit: convolutions 1x1, 3x3 and 1x1 beside a shortcut (He et al., arXiv 1512.03385, figure 5).

    Input: float32 (N, in_channels, H, W). Output: (N, 4 * mid_channels, h, w).

    Args:
        in_channels: channels of the input.
        mid_channels: channels of the first two convolutions, a quarter of the output's.
        name: name of the unit, e.g. "4b22"; its parameters are `res4b22_branch2a_weight`, `bn4b22_branch2a_gamma`, ...
        frozen: see `BatchNorm`.
        stride: stride of the unit.
        dilation: dilation of the 3x3 convolution.
        project: whether the shortcut is a 1x1 convolution, as in the first unit of a stage; else it is the input.
        stride_in_1x1: whether the first 1x1 convolution strides (Caffe, the MXNet original, ChainerCV), else the 3x3
            (the TensorFlow original).
    """

    def __init__(self, in_channels: int, mid_channels: int, name: str, frozen: bool, stride: int = 1,
                 dilation: int = 1, project: bool = False, stride_in_1x1: bool = True):
        super().__init__(prefix="")
        out_channels = 4 * mid_channels
        first, second = (stride, 1) if stride_in_1x1 else (1, stride)

        def conv(branch: str, *shape: int, **options: object) -> ConvBN:
            return ConvBN(*shape, f"res{name}_{branch}", f"bn{name}_{branch}", frozen, **options)

        with self.name_scope():
            self.shortcut = None
            if project:
                self.shortcut = conv("branch1", in_channels, out_channels, 1, stride=stride, relu=False)
            self.reduce = conv("branch2a", in_channels, mid_channels, 1, stride=first)
            self.spatial = conv("branch2b", mid_channels, mid_channels, 3, stride=second, padding=dilation,
                                dilation=dilation)
            self.expand = conv("branch2c", mid_channels, out_channels, 1, relu=False, zero_init_gamma=not frozen)

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        shortcut = self.shortcut(x) if self.shortcut is not None else x
        return relu(F, shortcut + self.expand(self.spatial(self.reduce(x))))


class ResNet(HybridBlock):
    """ResNet v1 for detection: its last stage, res5, keeps stride 16 and is dilated by 2.

    Input: float32 (N, 3, H, W), RGB less the pixel means. Outputs: `res4` (N, 1024, h, w) for the RPN and `res5`
    (N, 2048, h, w) for the head, where h and w are `feature_size` of H and W.

    Args:
        depth: 50, 101 or 152.
        frozen: whether batch normalisation uses its moving statistics in training, too, as the MXNet original does.
        stride_in_1x1: see `Bottleneck`.

    Raises:
        ModelError: the depth is not known.
    """

    out_channels = (1024, 2048)
    _last_stride = 1

    def __init__(self, depth: int = 101, frozen: bool = True, stride_in_1x1: bool = True):
        super().__init__(prefix="")
        if depth not in DEPTHS:
            raise ModelError(f"depth is {depth!r}; known: {', '.join(map(str, sorted(DEPTHS)))}")
        units, numbered = DEPTHS[depth]
        with self.name_scope():
            self.conv1 = ConvBN(3, 64, 7, "conv1", "bn_conv1", frozen, stride=2, padding=3)
            self.pool1 = nn.MaxPool2D(3, 2, 0, ceil_mode=True)
            channels = 64
            for stage, count in zip((2, 3, 4, 5), units):
                blocks = nn.HybridSequential(prefix="")
                stride = {2: 1, 5: self._last_stride}.get(stage, 2)
                dilation = 2 if stage == 5 and self._last_stride == 1 else 1
                for i, name in enumerate(residual_unit_names(stage, count, stage in numbered)):
                    blocks.add(Bottleneck(channels, 64 * 2 ** (stage - 2), name, frozen, project=i == 0,
                                          stride=stride if i == 0 else 1, dilation=dilation,
                                          stride_in_1x1=stride_in_1x1))
                    channels = 256 * 2 ** (stage - 2)
                setattr(self, f"res{stage}", blocks)

    @staticmethod
    def feature_size(size: int) -> int:
        """Returns the side of both outputs in cells for a side of the input in pixels."""
        size = (size + 1) // 2  # conv1
        size = size // 2  # pool1, pooling convention 'full' without padding
        return ((size + 1) // 2 + 1) // 2  # res3, res4

    def hybrid_forward(self, F: ModuleType, x: Array) -> Tuple[Array, Array]:
        res4 = self.res4(self.res3(self.res2(self.pool1(self.conv1(x)))))
        return res4, self.res5(res4)


class PyramidResNet(ResNet):
    """ResNet v1 for a feature pyramid: its last stage, res5, has stride 32 and no dilation, as classifiers have it.

    The parameters are those of `ResNet`.

    Input: float32 (N, 3, H, W), RGB less the pixel means. Outputs: `res2` (N, 256, ...), `res3` (N, 512, ...), `res4`
    (N, 1024, ...) and `res5` (N, 2048, ...), of strides 4, 8, 16 and 32.

    Args: see `ResNet`.
    """

    out_channels = (256, 512, 1024, 2048)
    _last_stride = 2

    @staticmethod
    def feature_size(size: int) -> Tuple[int, ...]:
        """Returns the sides of the four outputs in cells for a side of the input in pixels."""
        sizes = [(size + 1) // 2 // 2]  # conv1, and pool1 without padding
        for _ in range(3):
            sizes.append((sizes[-1] + 1) // 2)
        return tuple(sizes)

    def hybrid_forward(self, F: ModuleType, x: Array) -> Tuple[Array, ...]:
        res2 = self.res2(self.pool1(self.conv1(x)))
        res3 = self.res3(res2)
        res4 = self.res4(res3)
        return res2, res3, res4, self.res5(res4)


for _depth in (50, 101):
    register_backbone(f"resnet{_depth}_v1", partial(ResNet, _depth), options=("stride_in_1x1",))
    register_pyramid_backbone(f"resnet{_depth}_v1", partial(PyramidResNet, _depth), options=("stride_in_1x1",))
