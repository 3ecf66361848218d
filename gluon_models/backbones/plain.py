"""Networks without shortcuts and normalisation by batches: those of the Fast R-CNN paper (section 4.1), and AlexNet.

VGG-16 is the paper's L (Simonyan and Zisserman, arXiv 1409.1556, configuration D), VGG_CNN_M_1024 its M (Chatfield et
al., arXiv 1405.3531) and CaffeNet its S, the AlexNet of Caffe. `alexnet` is torchvision's, which has other channels and
no groups. Layers have Caffe's names.
"""
from functools import partial
from types import ModuleType
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple, Union

from mxnet.gluon import HybridBlock, nn

from ...errors import ModelError
from ...operators.arrays import Array
from ..layers import relu
from ..registry import register_backbone
from .base import Backbone
from .stages import STEM, Halving, Part, Stage, half_down


class Conv(NamedTuple):
    """A convolution with bias, and ReLU."""

    name: str
    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    groups: int = 1


class Pool(NamedTuple):
    """Max pooling of stride 2. Where it `reaches_over`, its last window may reach over the edge, as Caffe's does."""

    kernel: int = 2
    padding: int = 0
    reaches_over: bool = False
    stride: int = 2


class Norm(NamedTuple):
    """Local response normalisation over five channels (Krizhevsky et al., section 3.3), with Caffe's numbers."""

    alpha: float
    constant: float


Layer = Union[Conv, Pool, Norm]


class Numbers(NamedTuple):
    """What tells the networks apart.

    Attributes:
        stages: the layers of the stem and of the stages `conv2`, `conv3`, ..., by name.
        last_pool: the pooling between the last stage and the hidden layers of the classifier.
        bins: side of the map that the hidden layers read.
        hidden: units of the hidden layers, `fc6` and `fc7`.
    """

    stages: Dict[str, Tuple[Layer, ...]]
    last_pool: Pool
    bins: int
    hidden: Tuple[int, int] = (4096, 4096)


def _vgg(*stages: Tuple[int, int]) -> Dict[str, Tuple[Layer, ...]]:
    """Stages of so many convolutions with so many channels each, with a pooling before all but the first."""
    found: Dict[str, Tuple[Layer, ...]] = {}
    for number, (count, channels) in enumerate(stages, 1):
        convolutions = tuple(Conv(f"conv{number}_{i}", channels) for i in range(1, count + 1))
        found[f"conv{number}" if number > 1 else STEM] = (*((Pool(),) if number > 1 else ()), *convolutions)
    return found


_OVER, _OVER_PADDED, _INSIDE = Pool(3, reaches_over=True), Pool(3, padding=1, reaches_over=True), Pool(3)
_CAFFE_NORM, _VGG_NORM = Norm(1e-4, 1.0), Norm(5e-4, 2.0)
NETWORKS = {
    "vgg16": Numbers(_vgg((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), Pool(), 7),
    "vgg_cnn_m_1024": Numbers(
        {STEM: (Conv("conv1", 96, 7, 2, 0), _VGG_NORM, _OVER), "conv2": (Conv("conv2", 256, 5, 2), _VGG_NORM),
         "conv3": (_OVER, Conv("conv3", 512)), "conv4": (Conv("conv4", 512),), "conv5": (Conv("conv5", 512),)},
        _OVER, 6, (4096, 1024)),
    # The Fast R-CNN authors' CaffeNet pads its first convolution and its poolings, so that cells lie 16 pixels apart
    # from the image's edge on.
    "caffenet": Numbers(
        {STEM: (Conv("conv1", 96, 11, 4, 5), _OVER_PADDED, _CAFFE_NORM),
         "conv2": (Conv("conv2", 256, 5, 1, 2, 2),), "conv3": (_OVER_PADDED, _CAFFE_NORM, Conv("conv3", 384)),
         "conv4": (Conv("conv4", 384, groups=2),), "conv5": (Conv("conv5", 256, groups=2),)}, _OVER, 6),
    "alexnet": Numbers(
        {STEM: (Conv("conv1", 64, 11, 4, 2), _INSIDE), "conv2": (Conv("conv2", 192, 5, 1, 2),),
         "conv3": (_INSIDE, Conv("conv3", 384)), "conv4": (Conv("conv4", 256),), "conv5": (Conv("conv5", 256),)},
        _INSIDE, 6),
}


class ConvReLU(HybridBlock):
    """A convolution with bias, and ReLU. Input: float32 (N, in_channels, H, W). Output: (N, channels, h, w).

    Args:
        in_channels: channels of the input.
        numbers: those of the convolution.
    """

    def __init__(self, in_channels: int, numbers: Conv):
        super().__init__(prefix="")
        with self.name_scope():
            self.conv = nn.Conv2D(numbers.channels, numbers.kernel, numbers.stride, numbers.padding,
                                  groups=numbers.groups, in_channels=in_channels, prefix=f"{numbers.name}_")

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        return relu(F, self.conv(x))


class LocalNorm(HybridBlock):
    """Local response normalisation over five neighbouring channels. Input and output: float32 (N, channels, H, W).

    Args:
        numbers: those of the layer.
    """

    def __init__(self, numbers: Norm):
        super().__init__(prefix="")
        self._options = dict(nsize=5, alpha=numbers.alpha, beta=0.75, knorm=numbers.constant)

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        return F.LRN(x, **self._options)


class HiddenLayers(HybridBlock):
    """The pooling behind the last stage and the hidden layers `fc6` and `fc7` of a classifier.

    The map is averaged to the size that the layers read, as torchvision does, so that images of any size can be
    classified; at the published size that changes nothing, except in CaffeNet, which is not padded there.

    Input: float32 (N, channels, H, W). Output: (N, hidden[-1], 1, 1).

    Args:
        channels: channels of the input.
        numbers: those of the network.
        dropout: share of the values behind each layer that are set to 0 in training.
    """

    def __init__(self, channels: int, numbers: Numbers, dropout: float = 0.5):
        super().__init__(prefix="")
        self._bins, self._dropout = numbers.bins, dropout
        with self.name_scope():
            self.pool = _pool(numbers.last_pool)
            self.fc6 = nn.Dense(numbers.hidden[0], in_units=channels * numbers.bins ** 2, prefix="fc6_")
            self.fc7 = nn.Dense(numbers.hidden[1], in_units=numbers.hidden[0], prefix="fc7_")

    def hybrid_forward(self, F: ModuleType, x: Array) -> Array:
        x = F.contrib.AdaptiveAvgPooling2D(self.pool(x), output_size=(self._bins, self._bins))
        for layer in (self.fc6, self.fc7):
            x = F.Dropout(relu(F, layer(x)), p=self._dropout)
        return F.reshape(x, shape=(0, 0, 1, 1))


class PlainNetwork(Backbone):
    """A network of `NETWORKS`. A detector reads its last map, of stride 16, for the RPN and for the head.

    Args:
        name: a key of `NETWORKS`.
        frozen: has no meaning here, where no batch is normalised.
        outputs: see `Backbone`; "two_maps" is the last map twice. There is no pyramid: no map has stride 32.
        form: `output_stride`, 16 or 32, and `classes` of `Backbone`.

    Attributes:
        pool_levels: bins along each side of the map that the hidden layers of the classifier read, as `FastRCNN` wants
            it.
        hidden: units of these layers.
        hidden_names: their names, which those of Fast R-CNN have, too.

    Raises:
        ModelError: see `Backbone`; or an output stride of 8, for which the network would have to be dilated.
    """

    hidden_names = ("fc6", "fc7")

    def __init__(self, name: str, frozen: bool = True, outputs: Union[str, Sequence[str]] = "two_maps", **form: Any):
        numbers = NETWORKS[name]
        last = list(numbers.stages)[-1]
        channels = {stage: _last_channels(layers) for stage, layers in numbers.stages.items()}

        def make_stage(stage: Stage, in_channels: int) -> HybridBlock:
            if stage.dilation > 1:
                raise ModelError(f"{name} cannot be dilated: output_stride must be 16 or 32")
            return _stage(numbers.stages[stage.name], in_channels)

        def make_hidden_layers() -> Tuple[HybridBlock, int]:
            return HiddenLayers(channels[last], numbers), numbers.hidden[-1]

        if outputs == "two_maps":
            outputs = (last, last)
        parts = [Part(stage, channels[stage], _halvings(layers)) for stage, layers in numbers.stages.items()]
        super().__init__(parts, make_stage, "fc8", make_hidden_layers, outputs, **form)
        self.pool_levels, self.hidden = (numbers.bins,), numbers.hidden

    def caffe_words(self) -> Dict[str, List[str]]:
        """Returns what the words of Caffe's ResNet in `network.FIXED_PARAMS` mean here: "res2" the stage `conv2`.

        "conv1", "conv2" and so on are parts of the names themselves. See `Backbone.caffe_words`.
        """
        return {f"res{stage.name[-1]}": list(getattr(self, stage.name).collect_params())
                for stage in self.stages if stage.name != STEM}


def _stage(layers: Sequence[Layer], in_channels: int) -> HybridBlock:
    stage = nn.HybridSequential(prefix="")
    for layer in layers:
        if isinstance(layer, Conv):
            stage.add(ConvReLU(in_channels, layer))
            in_channels = layer.channels
        else:
            stage.add(_pool(layer) if isinstance(layer, Pool) else LocalNorm(layer))
    return stage


def _pool(pool: Pool) -> HybridBlock:
    return nn.MaxPool2D(pool.kernel, pool.stride, pool.padding, ceil_mode=pool.reaches_over)


def _last_channels(layers: Sequence[Layer]) -> int:
    return [layer.channels for layer in layers if isinstance(layer, Conv)][-1]


def _halvings(layers: Sequence[Layer]) -> Tuple[Halving, ...]:
    """For each halving of the map by these layers, how the side is rounded."""
    found: List[Halving] = []
    for layer in layers:
        if not isinstance(layer, Norm) and layer.stride > 1:
            over = 1 if isinstance(layer, Pool) and layer.reaches_over else 0
            found.append(partial(_half_of_more, 2 * layer.padding - layer.kernel + layer.stride + over))
            found += [half_down] * (layer.stride // 2 - 1)
    return tuple(found)


def _half_of_more(more: int, side: int) -> int:
    """Half of a side to which a number of cells, which may be negative, is added first; rounded down."""
    return (side + more) // 2


for _name, _setting in (("vgg16", "L"), ("vgg_cnn_m_1024", "L"), ("caffenet", "S"), ("alexnet", "S")):
    register_backbone(_name, partial(PlainNetwork, _name), setting=_setting)
