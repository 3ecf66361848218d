"""VoVNet (Lee et al., arXiv 1904.09730) and VoVNet-V2 (Lee and Park, arXiv 1911.06667), with the authors' names."""
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple, Tuple

from mxnet.gluon import HybridBlock, nn

from ...operators.arrays import Array
from ..layers import ConvBN
from ..registry import register_both_forms
from .base import Backbone
from .stages import STEM, Part, Stage, half_down, half_up


class Numbers(NamedTuple):
    """What tells the networks of the family apart; where there are four numbers, they are those of stages 2 to 5.

    Attributes:
        inner: channels of the 3x3 convolutions.
        outputs: channels of the 1x1 convolution that ends a module, and so of the stage.
        modules: one-shot aggregation modules.
        layers: 3x3 convolutions of a module.
        attention: whether a module ends in `ChannelAttention`, as all of V2 do.
        depthwise: whether the 3x3 convolutions of the modules and of the stem, but for its first, are depthwise ones,
            each followed by a 1x1.
    """

    inner: Tuple[int, ...]
    outputs: Tuple[int, ...]
    modules: Tuple[int, ...] = (1, 1, 1, 1)
    layers: int = 5
    attention: bool = False
    depthwise: bool = False


_WIDE = (128, 160, 192, 224), (256, 512, 768, 1024)
_SLIM = (64, 80, 96, 112)
_SLIM_V2 = _SLIM, (112, 256, 384, 512)
_V2 = dict(attention=True)
NETWORKS = {
    "vovnet27_slim": Numbers(_SLIM, (128, 256, 384, 512)),
    "vovnet39": Numbers(*_WIDE, (1, 1, 2, 2)),
    "vovnet57": Numbers(*_WIDE, (1, 1, 4, 3)),
    "vovnetv2_19": Numbers(*_WIDE, layers=3, **_V2),
    "vovnetv2_19_slim": Numbers(*_SLIM_V2, layers=3, **_V2),
    "vovnetv2_19_dw": Numbers(*_WIDE, layers=3, depthwise=True, **_V2),
    "vovnetv2_19_slim_dw": Numbers(*_SLIM_V2, layers=3, depthwise=True, **_V2),
    "vovnetv2_39": Numbers(*_WIDE, (1, 1, 2, 2), **_V2),
    "vovnetv2_57": Numbers(*_WIDE, (1, 1, 4, 3), **_V2),
    "vovnetv2_99": Numbers(*_WIDE, (1, 3, 9, 3), **_V2),
}


class DepthwiseConvBN(HybridBlock):
    """A depthwise 3x3 convolution, a 1x1 convolution, batch normalisation and ReLU.

    Input: float32 (N, channels, H, W). Output: (N, channels, h, w).

    Args:
        channels: of the input and of the output.
        name: of the layer, e.g. "stem_stem_2".
        frozen: see `BatchNorm`.
        stride, dilation: of the 3x3 convolution.
    """

    def __init__(self, channels: int, name: str, frozen: bool, stride: int = 1, dilation: int = 1):
        super().__init__(prefix="")
        with self.name_scope():
            self.depthwise = nn.Conv2D(channels, 3, stride, dilation, dilation, channels, use_bias=False,
                                       in_channels=channels, prefix=f"{name}_dw_conv3x3_")
            self.pointwise = ConvBN(channels, channels, 1, f"{name}_pw_conv1x1", f"{name}_pw_norm", frozen)

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        return self.pointwise(self.depthwise(x))


class ChannelAttention(HybridBlock):
    """Effective squeeze-and-excitation: weighs the channels by what their averages over the map say.

    Input and output: float32 (N, channels, H, W).

    Args:
        channels: channels of the map.
        name: of its 1x1 convolution.
    """

    def __init__(self, channels: int, name: str):
        super().__init__(prefix="")
        with self.name_scope():
            self.pool = nn.GlobalAvgPool2D()
            self.fc = nn.Conv2D(channels, 1, in_channels=channels, prefix=f"{name}_")

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        weights = F.hard_sigmoid(self.fc(self.pool(x)), alpha=1 / 6, beta=0.5)  # min(max(x + 3, 0), 6) / 6
        return F.broadcast_mul(x, weights)


class Aggregation(HybridBlock):
    """A one-shot aggregation module: 3x3 convolutions in a row, whose input and outputs one 1x1 convolution reads.

    Input: float32 (N, in_channels, H, W). Output: (N, channels, H, W).

    Args:
        in_channels: channels of the input.
        inner: channels of the 3x3 convolutions.
        channels: channels of the output.
        name: of the module, e.g. "OSA2_1" for the first one of stage 2.
        frozen: see `BatchNorm`.
        numbers: those of the network.
        dilation: of the 3x3 convolutions.
        adds_input: whether the input is added to the output, as in all modules of a stage but its first.
    """

    def __init__(self, in_channels: int, inner: int, channels: int, name: str, frozen: bool, numbers: Numbers,
                 dilation: int, adds_input: bool):
        super().__init__(prefix="")
        self._adds_input = adds_input
        stem = f"stage{name[3]}_{name}"

        def conv(inputs: int, outputs: int, kernel: int, path: str, rate: int = 1) -> ConvBN:
            return ConvBN(inputs, outputs, kernel, f"{stem}_{path}_conv", f"{stem}_{path}_norm", frozen,
                          padding=kernel // 2 * rate, dilation=rate)

        with self.name_scope():
            self.reduce = None
            total = in_channels + numbers.layers * inner
            if numbers.depthwise and in_channels != inner:
                self.reduce = conv(in_channels, inner, 1, f"conv_reduction_{name}_reduction_0")
                in_channels = inner
            self.layers = nn.HybridSequential(prefix="")
            for i in range(numbers.layers):
                if numbers.depthwise:
                    self.layers.add(DepthwiseConvBN(inner, f"{stem}_layers_{i}_{name}_{i}", frozen, dilation=dilation))
                else:
                    self.layers.add(conv(inner if i else in_channels, inner, 3, f"layers_{i}_{name}_{i}", dilation))
            self.aggregate = conv(total, channels, 1, f"concat_{name}_concat")
            self.attention = ChannelAttention(channels, f"{stem}_ese_fc") if numbers.attention else None

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        maps = [x]
        part = x if self.reduce is None else self.reduce(x)
        for layer in self.layers:
            part = layer(part)
            maps.append(part)
        out = self.aggregate(F.concat(*maps, dim=1))
        if self.attention is not None:
            out = self.attention(out)
        return out + x if self._adds_input else out


class VoVNet(Backbone):
    """A network of `NETWORKS`: a stem of stride 4, and stages `stage2` to `stage5`.

    Stages 3 to 5 begin with max pooling 3x3, which has stride 1 and is centred where a stage is dilated instead. MXNet
    pools no map smaller than its window, so that images must have at least 45 pixels on each side where all three pool.

    Args:
        name: a key of `NETWORKS`.
        frozen: whether batch normalisation uses its moving statistics in training, too.
        form: `outputs`, `output_stride` and `classes` of `Backbone`.
    """

    def __init__(self, name: str, frozen: bool = True, **form: Any):
        numbers = NETWORKS[name]

        def make_stage(stage: Stage, in_channels: int) -> HybridBlock:
            if stage.name == STEM:
                return _stem(numbers.depthwise, frozen)
            block = nn.HybridSequential(prefix="")
            number = int(stage.name[-1])
            if stage.step == 2:
                block.add(nn.MaxPool2D(3, 2, 0, ceil_mode=True))
            elif stage.was_strided:
                block.add(nn.MaxPool2D(3, 1, 1))
            for i in range(numbers.modules[number - 2]):
                block.add(Aggregation(in_channels, numbers.inner[number - 2], stage.channels, f"OSA{number}_{i + 1}",
                                      frozen, numbers, stage.dilation, adds_input=i > 0))
                in_channels = stage.channels
            return block

        stages = (Part(f"stage{i}", channels, (half_down,) if i > 2 else ()) for i, channels in
                  enumerate(numbers.outputs, 2))
        stem = Part(STEM, 64 if numbers.depthwise else 128, (half_up, half_up))
        super().__init__((stem, *stages), make_stage, "classifier", **form)


def _stem(depthwise: bool, frozen: bool) -> HybridBlock:
    stem = nn.HybridSequential(prefix="")
    stem.add(ConvBN(3, 64, 3, "stem_stem_1_conv", "stem_stem_1_norm", frozen, 2, 1))
    for number, channels, stride in ((2, 64, 1), (3, 128, 2)):
        name = f"stem_stem_{number}"
        if depthwise:
            stem.add(DepthwiseConvBN(64, name, frozen, stride))
        else:
            stem.add(ConvBN(64, channels, 3, f"{name}_conv", f"{name}_norm", frozen, stride, 1))
    return stem


for _name in NETWORKS:
    register_both_forms(_name, partial(VoVNet, _name), setting="S" if "slim" in _name else "L")
