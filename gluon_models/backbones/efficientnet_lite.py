"""EfficientNet-Lite0 (Tan and Le, arXiv 1905.11946; Lite by R. Liu, 2020), with the names of its PyTorch port."""
from types import ModuleType
from typing import Any, Callable, NamedTuple, Tuple

from mxnet.gluon import HybridBlock, nn

from ...operators.arrays import Array
from ..layers import ConvBN, clip6, relu6
from ..registry import register_both_forms
from .base import Backbone
from .stages import STEM, Part, Stage, half_up

EPS = 1e-3
STEM_CHANNELS, LAST_CHANNELS = 32, 1280


class Numbers(NamedTuple):
    """A stage: how many blocks, side of the depthwise kernel, stride of the first block, expansion, output channels."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (Numbers(1, 3, 1, 1, 16), Numbers(2, 3, 2, 6, 24), Numbers(2, 5, 2, 6, 40), Numbers(3, 3, 2, 6, 80),
          Numbers(3, 5, 1, 6, 112), Numbers(4, 5, 2, 6, 192), Numbers(1, 3, 1, 6, 320))


class InvertedResidual(HybridBlock):
    """A 1x1 convolution that widens, a depthwise one, and a 1x1 that narrows, behind which nothing is rectified.

    Input: float32 (N, in_channels, H, W). Output: (N, channels, h, w).

    Args:
        in_channels: channels of the input.
        channels: channels of the output. The input is added to it where `adds_input` is set.
        name: of the block, e.g. "_blocks_0_".
        frozen: see `BatchNorm`.
        expansion: inner channels in multiples of the input's; with 1 the first convolution is left out.
        kernel, stride, dilation: of the depthwise convolution.
        adds_input: whether the input is added to the output.
    """

    def __init__(self, in_channels: int, channels: int, name: str, frozen: bool, expansion: int, kernel: int,
                 stride: int, dilation: int, adds_input: bool):
        super().__init__(prefix="")
        self._adds_input = adds_input
        inner = expansion * in_channels
        conv = _conv_maker(name, frozen)
        with self.name_scope():
            self.expand = conv(in_channels, inner, 1, "expand_conv", "bn0") if expansion > 1 else None
            self.depthwise = conv(inner, inner, kernel, "depthwise_conv", "bn1", stride=stride, dilation=dilation,
                                  padding=kernel // 2 * dilation, groups=inner, same=stride == 2)
            self.project = conv(inner, channels, 1, "project_conv", "bn2", activation=None,
                                zero_init_gamma=adds_input and not frozen)

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        inner = x if self.expand is None else self.expand(x)
        out = self.project(self.depthwise(inner))
        return out + x if self._adds_input else out


class EfficientNetLite0(Backbone):
    """EfficientNet-Lite0: a stem of stride 2, and stages `stage1` to `stage7`; `stage5` has stride 16.

    Args:
        frozen: whether batch normalisation uses its moving statistics in training, too.
        form: `outputs`, `output_stride` and `classes` of `Backbone`.
    """

    def __init__(self, frozen: bool = True, **form: Any):
        conv = _conv_maker("", frozen)

        def make_stage(stage: Stage, in_channels: int) -> HybridBlock:
            if stage.name == STEM:
                return conv(3, stage.channels, 3, "conv_stem", "bn0", stride=2, same=True)
            index = int(stage.name[-1]) - 1
            numbers, before = STAGES[index], sum(earlier.blocks for earlier in STAGES[:index])
            block = nn.HybridSequential(prefix="")
            for i in range(numbers.blocks):
                block.add(InvertedResidual(in_channels, stage.channels, f"_blocks_{before + i}_", frozen,
                                           numbers.expansion, numbers.kernel, 1 if i else stage.step,
                                           stage.dilation if i else stage.first_dilation, adds_input=i > 0))
                in_channels = stage.channels
            return block

        def make_before_last() -> Tuple[HybridBlock, int]:
            return conv(STAGES[-1].channels, LAST_CHANNELS, 1, "conv_head", "bn1"), LAST_CHANNELS

        stages = (Part(f"stage{i}", numbers.channels, (half_up,) if numbers.stride == 2 else ()) for i, numbers in
                  enumerate(STAGES, 1))
        super().__init__((Part(STEM, STEM_CHANNELS, (half_up,)), *stages), make_stage, "_fc", make_before_last, **form)


def _conv_maker(name: str, frozen: bool) -> Callable[..., ConvBN]:
    """Returns a function that builds the convolutions of a block from their numbers and the ends of their names."""
    def make(in_channels: int, channels: int, kernel: int, conv_name: str, bn_name: str, **options: Any) -> ConvBN:
        options.setdefault("activation", relu6 if frozen else clip6)
        return ConvBN(in_channels, channels, kernel, f"{name}_{conv_name}", f"{name}_{bn_name}", frozen, eps=EPS,
                      **options)

    return make


register_both_forms("efficientnet_lite0", EfficientNetLite0, setting="S")
