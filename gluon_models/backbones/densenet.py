"""DenseNet (Huang et al., arXiv 1608.06993), with torchvision's names."""
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple, Tuple

from mxnet.gluon import HybridBlock, nn

from ...operators.arrays import Array
from ..layers import BatchNorm, ConvBN, relu
from ..registry import register_both_forms
from .base import Backbone
from .stages import STEM, Part, Stage, half_down, half_up


class Numbers(NamedTuple):
    """What tells the networks of the family apart.

    Attributes:
        layers: dense layers of denseblock1 to denseblock4.
        growth: channels that a dense layer adds.
        stem: channels of the stem.
    """

    layers: Tuple[int, ...]
    growth: int = 32
    stem: int = 64


NETWORKS = {"densenet121": Numbers((6, 12, 24, 16)), "densenet169": Numbers((6, 12, 32, 32))}
_BOTTLENECK = 4  # channels of a dense layer's 1x1 convolution, in multiples of the growth


class DenseLayer(HybridBlock):
    """A 1x1 and a 3x3 convolution, each behind its normalisation and ReLU; the input and their result, concatenated.

    Input: float32 (N, in_channels, H, W). Output: (N, in_channels + growth, H, W).

    Args:
        in_channels: channels of the input.
        growth: channels of the result.
        name: of the layer, e.g. "features_denseblock1_denselayer1".
        frozen: see `BatchNorm`.
        dilation: of the 3x3 convolution.
    """

    def __init__(self, in_channels: int, growth: int, name: str, frozen: bool, dilation: int):
        super().__init__(prefix="")
        inner = _BOTTLENECK * growth
        with self.name_scope():
            self.norm1 = BatchNorm(in_channels, frozen, f"{name}_norm1_")
            self.reduce = ConvBN(in_channels, inner, 1, f"{name}_conv1", f"{name}_norm2", frozen)
            self.conv2 = nn.Conv2D(growth, 3, padding=dilation, dilation=dilation, use_bias=False, in_channels=inner,
                                   prefix=f"{name}_conv2_")

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        return F.concat(x, self.conv2(self.reduce(relu(F, self.norm1(x)))), dim=1)


class NormRelu(HybridBlock):
    """Batch normalisation and ReLU. Input and output: float32 (N, channels, H, W).

    Args:
        channels, frozen, prefix: see `BatchNorm`.
    """

    def __init__(self, channels: int, frozen: bool, prefix: str):
        super().__init__(prefix="")
        with self.name_scope():
            self.norm = BatchNorm(channels, frozen, prefix)

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        return relu(F, self.norm(x))


class AverageAhead(HybridBlock):
    """The average of each cell and its neighbours to the right and below: pooling 2x2 at stride 1.

    Every second cell of it is what pooling 2x2 at stride 2 gives. Input and output: float32 (N, C, H, W).
    """

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        x = F.Pooling(x, kernel=(2, 2), stride=(1, 1), pad=(1, 1), pool_type="avg", count_include_pad=False)
        return F.slice(x, begin=(None, None, 1, 1), end=(None, None, None, None))


class DenseNet(Backbone):
    """A network of `NETWORKS`: a stem of stride 4, and stages `denseblock1` to `denseblock4`.

    The map of a stage is what the next one's convolution reads: all channels of the dense block, behind normalisation
    and ReLU.

    Args:
        name: a key of `NETWORKS`.
        frozen: whether batch normalisation uses its moving statistics in training, too.
        form: `outputs`, `output_stride` and `classes` of `Backbone`.
    """

    def __init__(self, name: str, frozen: bool = True, **form: Any):
        numbers = NETWORKS[name]

        def make_stage(stage: Stage, in_channels: int) -> HybridBlock:
            block = nn.HybridSequential(prefix="")
            if stage.name == STEM:
                block.add(ConvBN(3, stage.channels, 7, "features_conv0", "features_norm0", frozen, 2, 3))
                block.add(nn.MaxPool2D(3, 2, 1))
                return block
            number = int(stage.name[-1])
            if number > 1:
                block.add(nn.Conv2D(in_channels // 2, 1, use_bias=False, in_channels=in_channels,
                                    prefix=f"features_transition{number - 1}_conv_"))
                block.add(nn.AvgPool2D(2, 2) if stage.step == 2 else AverageAhead(prefix=""))
                in_channels //= 2
            for i in range(1, numbers.layers[number - 1] + 1):
                block.add(DenseLayer(in_channels, numbers.growth, f"features_{stage.name}_denselayer{i}", frozen,
                                     stage.dilation))
                in_channels += numbers.growth
            norm = f"features_transition{number}_norm_" if number < len(numbers.layers) else "features_norm5_"
            block.add(NormRelu(in_channels, frozen, norm))
            return block

        super().__init__(_parts(numbers), make_stage, "classifier", **form)


def _parts(numbers: Numbers) -> Tuple[Part, ...]:
    parts, channels = [Part(STEM, numbers.stem, (half_up, half_up))], numbers.stem
    for number, layers in enumerate(numbers.layers, 1):
        channels = (channels if number == 1 else channels // 2) + layers * numbers.growth
        parts.append(Part(f"denseblock{number}", channels, () if number == 1 else (half_down,)))
    return tuple(parts)


for _name in NETWORKS:
    register_both_forms(_name, partial(DenseNet, _name))
