"""ResNet v1 as the MXNet original has it (`get_resnet_v1_conv5`), its later forms v1b to v1s, and ResNeXt."""
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple, Tuple

from mxnet.gluon import HybridBlock, nn

from ...caffe_names import residual_unit_names
from ...errors import ModelError
from ...operators.arrays import Array
from ..layers import ConvBN, relu
from ..registry import register_both_forms
from .base import Backbone
from .stages import STEM, Part, Stage, half_down, half_up

# depth: units of stages 2 to 5, and the stages whose units Caffe numbers (a, b1, b2) instead of lettering (a, b, c)
DEPTHS = {50: ((3, 4, 6, 3), ()), 101: ((3, 4, 23, 3), (3, 4)), 152: ((3, 8, 36, 3), (3, 4))}
STEM_CHANNELS = 64


class Variant(NamedTuple):
    """What tells the forms of ResNet apart whose parameters have torchvision's names.

    Attributes:
        groups: groups of channels of the 3x3 convolutions.
        width: channels of a group in stage 1; they double from stage to stage.
        deep_stem: channels of the first two of the three 3x3 convolutions that take the place of the 7x7 of the stem;
            the third has twice as many. 0 for the 7x7.
        average_shortcut: whether the shortcut of a unit that strides averages 2x2 cells, in place of a stride.
        divisor: by which all numbers of channels are divided.
    """

    groups: int = 1
    width: int = 64
    deep_stem: int = 0
    average_shortcut: bool = False
    divisor: int = 1


# v1b is torchvision's ResNet; v1c and v1d are those of GluonCV (He et al., arXiv 1812.01187, section 4.2: C, C with D),
# and so is v1s, whose stem has twice the channels of theirs.
# v1b_narrow, with half of the channels, is this project's own, for trials on a few cores.
VARIANTS = {"v1b": Variant(), "v1b_narrow": Variant(divisor=2), "v1c": Variant(deep_stem=32),
            "v1d": Variant(deep_stem=32, average_shortcut=True), "v1s": Variant(deep_stem=64),
            "32x4d": Variant(groups=32, width=4), "64x4d": Variant(groups=64, width=4),
            "32x8d": Variant(groups=32, width=8)}


class UnitNames(NamedTuple):
    """The names (of the convolution, of the normalisation) of the four layers of a residual unit."""

    shortcut: Tuple[str, str]
    reduce: Tuple[str, str]
    spatial: Tuple[str, str]
    expand: Tuple[str, str]

    @classmethod
    def of_caffe(cls, unit: str) -> "UnitNames":
        """Returns Caffe's names for a unit such as "4b22": res4b22_branch2a, bn4b22_branch2a, and so on."""
        return cls(*((f"res{unit}_branch{branch}", f"bn{unit}_branch{branch}") for branch in ("1", "2a", "2b", "2c")))

    @classmethod
    def of_torchvision(cls, layer: str, index: int, average_shortcut: bool) -> "UnitNames":
        """Returns torchvision's names for a unit: layer1_0_conv1, layer1_0_bn1, and so on."""
        first = 1 if average_shortcut else 0  # the pooling counts in the numbering
        pairs = [(f"downsample_{first}", f"downsample_{first + 1}"), *((f"conv{i}", f"bn{i}") for i in (1, 2, 3))]
        return cls(*((f"{layer}_{index}_{conv}", f"{layer}_{index}_{bn}") for conv, bn in pairs))


class Bottleneck(HybridBlock):
    """A residual unit: convolutions 1x1, 3x3 and 1x1 beside a shortcut (He et al., arXiv 1512.03385, figure 5).

    Input: float32 (N, in_channels, H, W). Output: (N, channels, h, w).

    Args:
        in_channels: channels of the input.
        mid_channels: channels of the first two convolutions.
        channels: channels of the output.
        names: names of the layers.
        frozen: see `BatchNorm`.
        stride: stride of the unit.
        dilation: dilation of the 3x3 convolution.
        groups: groups of channels of the 3x3 convolution.
        project: whether the shortcut is a 1x1 convolution, as in the first unit of a stage; else it is the input.
        stride_in_1x1: whether the first 1x1 convolution strides (Caffe, the MXNet original, ChainerCV), else the 3x3
            (the TensorFlow original, torchvision).
        average_shortcut: see `Variant`.
    """

    def __init__(self, in_channels: int, mid_channels: int, channels: int, names: UnitNames, frozen: bool,
                 stride: int = 1, dilation: int = 1, groups: int = 1, project: bool = False,
                 stride_in_1x1: bool = False, average_shortcut: bool = False):
        super().__init__(prefix="")
        first, second = (stride, 1) if stride_in_1x1 else (1, stride)
        with self.name_scope():
            self.pool, self.shortcut = None, None
            if project:
                if average_shortcut and stride > 1:
                    self.pool = nn.AvgPool2D(stride, stride, ceil_mode=True, count_include_pad=False)
                    stride = 1
                self.shortcut = ConvBN(in_channels, channels, 1, *names.shortcut, frozen, stride, activation=None)
            self.reduce = ConvBN(in_channels, mid_channels, 1, *names.reduce, frozen, first)
            self.spatial = ConvBN(mid_channels, mid_channels, 3, *names.spatial, frozen, second, dilation, dilation,
                                  groups)
            self.expand = ConvBN(mid_channels, channels, 1, *names.expand, frozen, activation=None,
                                 zero_init_gamma=not frozen)

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        shortcut = x if self.pool is None else self.pool(x)
        shortcut = shortcut if self.shortcut is None else self.shortcut(shortcut)
        return relu(F, shortcut + self.expand(self.spatial(self.reduce(x))))


class ResNet(Backbone):
    """ResNet v1 with Caffe's names. Dilated, as for detectors with two maps, all 3x3 of `res5` are: the MXNet original.

    Args:
        depth: 50, 101 or 152.
        frozen: whether batch normalisation uses its moving statistics in training, too, as the MXNet original does.
        stride_in_1x1: see `Bottleneck`.
        padded_pool: whether the pooling of the stem is padded on all sides (ChainerCV, torchvision); otherwise it is
            not padded, and its last windows reach over the edge (Caffe, the MXNet original).
        form: `outputs`, `output_stride` and `classes` of `Backbone`.

    Raises:
        ModelError: the depth is not known, or see `Backbone`.
    """

    def __init__(self, depth: int = 101, frozen: bool = True, stride_in_1x1: bool = True, padded_pool: bool = False,
                 **form: Any):
        units, numbered = _units(depth)

        def make_stage(stage: Stage, in_channels: int) -> HybridBlock:
            block = nn.HybridSequential(prefix="")
            if stage.name == STEM:
                block.add(ConvBN(3, stage.channels, 7, "conv1", "bn_conv1", frozen, 2, 3))
                block.add(nn.MaxPool2D(3, 2, 1) if padded_pool else nn.MaxPool2D(3, 2, 0, ceil_mode=True))
                return block
            number = int(stage.name[-1])
            for i, name in enumerate(residual_unit_names(number, units[number - 2], number in numbered)):
                block.add(Bottleneck(in_channels, stage.channels // 4, stage.channels, UnitNames.of_caffe(name), frozen,
                                     1 if i else stage.step, stage.dilation, project=not i,
                                     stride_in_1x1=stride_in_1x1))
                in_channels = stage.channels
            return block

        stem = half_up, half_up if padded_pool else half_down
        super().__init__(_parts("res", 2, stem), make_stage, "fc1000", caffe_names=True, **form)


class PyramidResNet(ResNet):
    """ResNet v1 for a feature pyramid: `res2` to `res5`, of strides 4 to 32; the arguments are those of `ResNet`."""

    def __init__(self, depth: int = 101, frozen: bool = True, stride_in_1x1: bool = True):
        super().__init__(depth, frozen, stride_in_1x1, outputs="pyramid")


class TorchvisionResNet(Backbone):
    """ResNet v1b, v1c, v1d or v1s, or ResNeXt, with torchvision's names: the stride is in the 3x3 convolutions.

    Where a stage is dilated in place of its stride, the 3x3 of its first unit, which stands where the stride was, has
    the dilation of the stage before (torchvision's `replace_stride_with_dilation`).

    Args:
        depth: 50, 101 or 152.
        variant: a key of `VARIANTS`.
        frozen: see `ResNet`.
        form: `outputs`, `output_stride` and `classes` of `Backbone`.

    Raises:
        ModelError: the depth or the variant is not known, or see `Backbone`.
    """

    def __init__(self, depth: int, variant: str = "v1b", frozen: bool = True, **form: Any):
        units, _ = _units(depth)
        if variant not in VARIANTS:
            raise ModelError(f"variant is {variant!r}; known: {', '.join(VARIANTS)}")
        groups, width, deep_stem, average_shortcut, divisor = VARIANTS[variant]

        def make_stage(stage: Stage, in_channels: int) -> HybridBlock:
            if stage.name == STEM:
                return torchvision_stem(frozen, bool(deep_stem), stage.channels)
            number = int(stage.name[-1])
            block = nn.HybridSequential(prefix="")
            for i in range(units[number - 1]):
                names = UnitNames.of_torchvision(stage.name, i, average_shortcut)
                mid_channels = groups * width * 2 ** (number - 1) // divisor
                block.add(Bottleneck(in_channels, mid_channels, stage.channels, names, frozen,
                                     1 if i else stage.step, stage.dilation if i else stage.first_dilation, groups,
                                     project=not i, average_shortcut=average_shortcut))
                in_channels = stage.channels
            return block

        super().__init__(torchvision_parts(divisor, 2 * deep_stem), make_stage, "fc", **form)


def torchvision_stem(frozen: bool, deep: bool = False, channels: int = STEM_CHANNELS) -> HybridBlock:
    """Returns the stem of torchvision's ResNet, of stride 4, or with `deep` that of v1c, v1d and v1s."""
    stem = nn.HybridSequential(prefix="")
    if deep:
        stem.add(ConvBN(3, channels // 2, 3, "conv1_0", "conv1_1", frozen, 2, 1))
        stem.add(ConvBN(channels // 2, channels // 2, 3, "conv1_3", "conv1_4", frozen, 1, 1))
        stem.add(ConvBN(channels // 2, channels, 3, "conv1_6", "bn1", frozen, 1, 1))
    else:
        stem.add(ConvBN(3, channels, 7, "conv1", "bn1", frozen, 2, 3))
    stem.add(nn.MaxPool2D(3, 2, 1))
    return stem


def torchvision_parts(divisor: int = 1, stem_channels: int = 0) -> Tuple[Part, ...]:
    """Returns the parts of a network with the outline of torchvision's ResNet: a stem, and `layer1` to `layer4`.

    Args:
        divisor: by which all numbers of channels are divided.
        stem_channels: channels of the stem, where it has other than torchvision's.
    """
    stem, *stages = _parts("layer", 1, (half_up, half_up), divisor)
    return (stem._replace(channels=stem_channels or stem.channels), *stages)


def _parts(prefix: str, first: int, stem: Tuple, divisor: int = 1) -> Tuple[Part, ...]:
    stages = (Part(f"{prefix}{first + i}", 256 * 2 ** i // divisor, (half_up,) if i else ()) for i in range(4))
    return (Part(STEM, STEM_CHANNELS // divisor, stem), *stages)


def _units(depth: int) -> Tuple[Tuple[int, ...], Tuple[int, ...]]:
    if depth not in DEPTHS:
        raise ModelError(f"depth is {depth!r}; known: {', '.join(map(str, sorted(DEPTHS)))}")
    return DEPTHS[depth]


for _depth in DEPTHS:
    register_both_forms(f"resnet{_depth}_v1", partial(ResNet, _depth), options=("stride_in_1x1", "padded_pool"))
    for _variant in ("v1b", "v1c", "v1d", "v1s"):
        register_both_forms(f"resnet{_depth}_{_variant}", partial(TorchvisionResNet, _depth, _variant))
register_both_forms("resnet50_v1b_narrow", partial(TorchvisionResNet, 50, "v1b_narrow"), setting="S")
for _depth, _variant in ((50, "32x4d"), (101, "32x4d"), (101, "64x4d"), (101, "32x8d")):
    register_both_forms(f"resnext{_depth}_{_variant}", partial(TorchvisionResNet, _depth, _variant))
