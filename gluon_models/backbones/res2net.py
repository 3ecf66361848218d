"""Res2Net (Gao et al., arXiv 1904.01169) and Res2NetPlus, with the names of the authors' state dicts."""
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple, Sequence, Tuple

from mxnet.gluon import HybridBlock, nn

from ...operators.arrays import Array
from ..layers import Activation, ConvBN, mish, relu
from ..registry import register_both_forms
from .base import Backbone
from .resnet import torchvision_parts, torchvision_stem
from .stages import STEM, Stage

WIDTH, SCALE = 26, 4  # "26w 4s": channels of a group in layer1, and groups


class Numbers(NamedTuple):
    """What tells the networks of the family apart.

    Attributes:
        units: units of layer1 to layer4.
        plus: whether the network is a Res2NetPlus: Mish in place of ReLU, which stands before the normalisation in the
            stem and behind the first 1x1 of a unit; and three 3x3 convolutions in place of the 7x7 of the stem.
        divisor: by which all numbers of channels are divided.
    """

    units: Tuple[int, ...]
    plus: bool = False
    divisor: int = 1


# res2net50_narrow, with half of the channels, is this project's own, for trials on a few cores.
NETWORKS = {"res2net50": Numbers((3, 4, 6, 3)), "res2net101": Numbers((3, 4, 23, 3)),
            "res2netplus50": Numbers((3, 4, 6, 3), plus=True), "res2net50_narrow": Numbers((3, 4, 6, 3), divisor=2)}


class Res2Unit(HybridBlock):
    """A residual unit whose 3x3 convolution works on groups of channels, one after the other.

    Each group is convolved together with the result of the group before; the last one passes through. In the first unit
    of a stage the groups do not add, and the last one is averaged over 3x3 cells.

    Input: float32 (N, in_channels, H, W). Output: (N, channels, h, w).

    Args:
        in_channels: channels of the input.
        channels: channels of the output.
        name: of the unit, e.g. "layer1_0".
        frozen: see `BatchNorm`.
        first: whether the unit is the first of its stage; then its shortcut is a 1x1 convolution.
        stride, dilation: of the 3x3 convolutions.
        plus: see `Numbers`.
    """

    def __init__(self, in_channels: int, channels: int, name: str, frozen: bool, first: bool, stride: int,
                 dilation: int, plus: bool):
        super().__init__(prefix="")
        self._width, self._activation = channels // 4 * WIDTH // 64, _activation(plus)
        inner = self._width * SCALE
        with self.name_scope():
            self.shortcut, self.pool = None, None
            if first:
                self.shortcut = ConvBN(in_channels, channels, 1, f"{name}_downsample_0", f"{name}_downsample_1", frozen,
                                       stride, activation=None)
                self.pool = nn.AvgPool2D(3, stride, 1)
            self.reduce = ConvBN(in_channels, inner, 1, f"{name}_conv1", f"{name}_bn1", frozen,
                                 activation=self._activation, activation_first=plus)
            self.groups = nn.HybridSequential(prefix="")
            for i in range(SCALE - 1):
                self.groups.add(ConvBN(self._width, self._width, 3, f"{name}_convs_{i}", f"{name}_bns_{i}", frozen,
                                       stride, dilation, dilation, activation=self._activation))
            self.expand = ConvBN(inner, channels, 1, f"{name}_conv3", f"{name}_bn3", frozen, activation=None,
                                 zero_init_gamma=not frozen)

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        parts = F.split(self.reduce(x), num_outputs=SCALE, axis=1)
        done = []
        for part, group in zip(parts, self.groups):
            done.append(group(part if self.pool is not None or not done else done[-1] + part))
        done.append(parts[SCALE - 1] if self.pool is None else self.pool(parts[SCALE - 1]))
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return self._activation(F, shortcut + self.expand(_concatenate(F, done)))


class Res2Net(Backbone):
    """A network of `NETWORKS`: a stem of stride 4, and stages `layer1` to `layer4`.

    Args:
        name: a key of `NETWORKS`.
        frozen: whether batch normalisation uses its moving statistics in training, too.
        form: `outputs`, `output_stride` and `classes` of `Backbone`.
    """

    def __init__(self, name: str, frozen: bool = True, **form: Any):
        units, plus, divisor = NETWORKS[name]

        def make_stage(stage: Stage, in_channels: int) -> HybridBlock:
            if stage.name == STEM:
                return _plus_stem(frozen) if plus else torchvision_stem(frozen, channels=stage.channels)
            block = nn.HybridSequential(prefix="")
            for i in range(units[int(stage.name[-1]) - 1]):
                block.add(Res2Unit(in_channels, stage.channels, f"{stage.name}_{i}", frozen, not i,
                                   1 if i else stage.step, stage.dilation if i else stage.first_dilation, plus))
                in_channels = stage.channels
            return block

        super().__init__(torchvision_parts(divisor), make_stage, "fc", **form)


def _concatenate(F: ModuleType, parts: Sequence[Array]) -> Array:
    """Concatenates maps along their channels, as maps of five axes.

    oneDNN serves no such maps: its gradient of a concatenation fails in MXNet 1.9.1 ("could not construct a
    sub-memory") where the channels of a part are no multiple of 16, as the 26 of a group are not.
    """
    return F.squeeze(F.concat(*(F.expand_dims(part, axis=2) for part in parts), dim=1), axis=2)


def _activation(plus: bool) -> Activation:
    return mish if plus else relu


def _plus_stem(frozen: bool) -> HybridBlock:
    stem = nn.HybridSequential(prefix="")
    channels = 3
    for number, (outputs, stride) in enumerate(((32, 2), (64, 1), (64, 1)), 1):
        stem.add(ConvBN(channels, outputs, 3, f"conv{number}_0", f"conv{number}_2", frozen, stride, 1,
                        activation=mish, activation_first=True))
        channels = outputs
    stem.add(nn.MaxPool2D(3, 2, 1))
    return stem


for _name, _numbers in NETWORKS.items():
    register_both_forms(_name, partial(Res2Net, _name), setting="L" if _numbers.divisor == 1 else "S")
