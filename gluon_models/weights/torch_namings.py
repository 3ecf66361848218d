"""The ways in which publishers of PyTorch weights name the tensors of the backbones here."""
import re
from typing import Callable, Dict, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from ..backbones.efficientnet_lite import STAGES
from .description import Pixels

_Tensors = Mapping[str, np.ndarray]
_TIMM_LITE_PIXELS = Pixels((127.5,) * 3, (127.5,) * 3)

_DETECTRON2 = re.compile(r"(?:stem\.(conv1)|res([2-5])\.(\d+)\.(conv[123]|shortcut))\.(norm\.)?(\w+)")
_TRANSFORMERS = re.compile(r"(?:resnet\.)?(?:embedder\.(embedder)|encoder\.stages\.([0-3])\.layers\.(\d+)\."
                           r"(?:layer\.([012])|shortcut))\.(convolution|normalization)\.(\w+)")
_TIMM_LITE_BLOCK = re.compile(r"blocks\.([0-6])\.(\d+)\.(conv_dw|conv_pwl?|bn[123])\.(\w+)")
_TIMM_LITE_ENDS = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1",
                   "classifier": "_fc"}
# Layers of a block of EfficientNet: of the first stage, which does not widen its input, and of the others.
_TIMM_LITE_FIRST = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
_TIMM_LITE_OTHERS = {"conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1",
                     "conv_pwl": "_project_conv", "bn3": "_bn2"}
# Places of the convolutions of torchvision's plain networks in its `features`, with their names here, and places of the
# fully connected layers in its `classifier`.
PLAIN = {
    "vgg16": (dict(zip((0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28), (
        f"conv{stage}_{i}" for stage, count in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, count + 1)))),
        {0: "fc6", 3: "fc7", 6: "fc8"}),
    "alexnet": (dict(zip((0, 3, 6, 8, 10), (f"conv{i}" for i in range(1, 6)))), {1: "fc6", 4: "fc7", 6: "fc8"}),
}
_PLACE = re.compile(r"(features|classifier)\.(\d+)\.(weight|bias)")
# torchvision's VGG16_Weights.IMAGENET1K_FEATURES: less these, not divided; its classifier is full of NaN.
_CAFFE_PIXELS = Pixels((122.99925, 116.9991, 103.9992), (1.0,) * 3)
_TIMM_VOVNET = re.compile(r"(?:stem\.([012])|stages\.([0-3])\.blocks\.(\d+)\."
                          r"(conv_reduction|conv_mid\.\d|conv_concat|attn\.fc))(?:\.(conv|conv_dw|conv_pw|bn))?\.(\w+)")
_TIMM_VOVNET_LAYERS = {"conv": "conv", "conv_dw": "dw_conv3x3", "conv_pw": "pw_conv1x1"}


class Naming(NamedTuple):
    """A way to name tensors.

    Attributes:
        publisher: who names them so, in words.
        example: names of two tensors.
        rename: function from tensors by these names to tensors by the names that the parameters here follow; those of
            other networks are left out.
        pixels: how images become the input; None where the backbone decides it.
        note: what a user should know, a sentence.
        refusal: why such a file cannot be used, although its layers are those of a backbone here, a sentence.
    """

    publisher: str
    example: str
    rename: Callable[[_Tensors], Dict[str, np.ndarray]]
    pixels: Optional[Pixels] = None
    note: str = ""
    refusal: str = ""


def _all(rename: Callable[[str], Optional[str]]) -> Callable[[_Tensors], Dict[str, np.ndarray]]:
    """From a function of one name, which returns None for a name of another network, to one of all tensors."""
    def renamed(tensors: _Tensors) -> Dict[str, np.ndarray]:
        names = {name: rename(name) for name in tensors}
        return {new: tensors[name] for name, new in names.items() if new is not None}

    return renamed


def _from_detectron2(name: str) -> Optional[str]:
    match = _DETECTRON2.fullmatch(name)
    if match is None:
        return None
    stem, stage, unit, layer, norm, end = match.groups()
    place, layer = ("", stem) if stem else (f"layer{int(stage) - 1}.{unit}.", layer)
    if layer == "shortcut":
        return f"{place}downsample.{1 if norm else 0}.{end}"
    return f"{place}{layer.replace('conv', 'bn') if norm else layer}.{end}"


def _from_transformers(name: str) -> Optional[str]:
    match = _TRANSFORMERS.fullmatch(name)
    if match is None:
        return None
    stem, stage, unit, layer, kind, end = match.groups()
    is_norm = kind == "normalization"
    if not stem and layer is None:
        return f"layer{int(stage) + 1}.{unit}.downsample.{int(is_norm)}.{end}"
    place, number = ("", 1) if stem else (f"layer{int(stage) + 1}.{unit}.", int(layer) + 1)
    return f"{place}{'bn' if is_norm else 'conv'}{number}.{end}"


def _from_timm_lite(name: str) -> Optional[str]:
    match = _TIMM_LITE_BLOCK.fullmatch(name)
    if match is None:
        layer, _, end = name.rpartition(".")
        return f"{_TIMM_LITE_ENDS[layer]}.{end}" if layer in _TIMM_LITE_ENDS else None
    stage, block, layer, end = match.groups()
    layers = _TIMM_LITE_OTHERS if int(stage) else _TIMM_LITE_FIRST
    before = sum(numbers.blocks for numbers in STAGES[:int(stage)])
    return f"_blocks.{before + int(block)}.{layers[layer]}.{end}" if layer in layers else None


def _name_from_timm_vovnet(name: str) -> Optional[str]:
    if name.startswith("head.fc."):
        return name.replace("head.fc", "classifier")
    match = _TIMM_VOVNET.fullmatch(name)
    if match is None:
        return None
    stem, stage, block, part, layer, end = match.groups()
    if stem:
        place = f"stem.stem_{int(stem) + 1}/"
    else:
        module = f"OSA{int(stage) + 2}_{int(block) + 1}"
        place = f"stage{int(stage) + 2}.{module}."
        if part == "attn.fc":
            return f"{place}ese.fc.{end}" if layer is None else None
        kind, _, number = part.partition(".")
        place += {"conv_reduction": f"conv_reduction.{module}_reduction_0/", "conv_concat": f"concat.{module}_concat/",
                  "conv_mid": f"layers.{number}.{module}_{number}/"}[kind]
    return f"{place}{_TIMM_VOVNET_LAYERS.get(layer, 'norm')}.{end}"


def _from_timm_vovnet(tensors: _Tensors) -> Dict[str, np.ndarray]:
    """VoVNet-V2. timm has attention in the last module of a stage alone; what is put in multiplies by 1."""
    found = _from_timm_vovnet_v1(tensors)
    if not any(".ese.fc." in name for name in found):
        return {}
    for name, array in list(found.items()):
        place, _, layer = name.partition(".concat.")
        if layer.endswith("_concat/conv.weight") and f"{place}.ese.fc.weight" not in found and array.ndim == 4:
            channels = array.shape[0]
            # Takes no memory, however many channels a file has.
            found[f"{place}.ese.fc.weight"] = np.broadcast_to(np.float32(0), (channels, channels, 1, 1))
            found[f"{place}.ese.fc.bias"] = np.full(channels, 3, "float32")
    return found


def _from_timm_vovnet_v1(tensors: _Tensors) -> Dict[str, np.ndarray]:
    found = _all(_name_from_timm_vovnet)(tensors)
    return {_of_pointwise(name, found): array for name, array in found.items()}


def _of_pointwise(name: str, names: Mapping[str, object]) -> str:
    """The name of a normalisation; behind a depthwise convolution it is that of the 1x1 convolution that follows."""
    place, _, layer = name.rpartition("/")
    return f"{place}/pw_{layer}" if layer.startswith("norm.") and f"{place}/pw_conv1x1.weight" in names else name


def _from_plain(tensors: _Tensors) -> Dict[str, np.ndarray]:
    """torchvision's VGG-16 without batch normalisation, or AlexNet; of other networks nothing.

    What is pooled is flattened in the order (channel, row, column) there as here, so that `fc6` stays as it is.
    """
    places = {name: _PLACE.fullmatch(name) for name in tensors}
    convolutions = {int(match.group(2)) for match in places.values() if match and match.group(1) == "features"}
    found: Dict[str, np.ndarray] = {}
    for of_features, of_classifier in PLAIN.values():
        if convolutions != set(of_features):
            continue
        for name, match in places.items():
            part, number, end = match.groups() if match else ("", "-1", "")
            layer = (of_features if part == "features" else of_classifier).get(int(number))
            if layer is not None:
                found[f"{layer}.{end}"] = tensors[name]
    return found


def _from_plain_of_caffe(tensors: _Tensors) -> Dict[str, np.ndarray]:
    """The same where the classifier is no number at all: the layers of `features`."""
    found = _from_plain(tensors)
    if not any(name.startswith("fc") and name.endswith("bias") and np.isnan(found[name]).all() for name in found):
        return {}
    return {name: array for name, array in found.items() if not name.startswith("fc")}


DETECTRON2 = Naming("detectron2, ResNet", "stem.conv1.norm.weight, res2.0.shortcut.weight", _all(_from_detectron2))
NAMINGS: Tuple[Naming, ...] = (
    Naming("torchvision, and the authors of VoVNet, Res2Net and EfficientNet's port to PyTorch",
           "layer1.0.conv1.weight, stage2.OSA2_1.layers.0.OSA2_1_0/conv.weight", dict),
    DETECTRON2,
    Naming("torchvision, VGG-16 with the convolutions of Caffe's", "features.0.weight, classifier.0.weight full of NaN",
           _from_plain_of_caffe, _CAFFE_PIXELS),
    Naming("torchvision, VGG-16 and AlexNet", "features.0.weight, classifier.6.weight", _from_plain),
    Naming("timm, EfficientNet-Lite", "conv_stem.weight, blocks.1.0.conv_pwl.weight", _all(_from_timm_lite),
           _TIMM_LITE_PIXELS, "The names are those of timm's tf_efficientnet_lite0, for which the weights are taken; "
           "its efficientnet_lite0 has the same names, but was trained with another padding and other pixel means."),
    Naming("timm, VoVNet-V2", "stem.0.conv.weight, stages.0.blocks.0.conv_mid.0.conv.weight", _from_timm_vovnet),
    Naming("timm, VoVNet without attention", "stem.0.conv.weight, stages.0.blocks.0.conv_mid.0.conv.weight",
           _from_timm_vovnet_v1, refusal="Its names are those of timm's vovnet39a, vovnet57a and eca_vovnet39b: the "
           "first two do not add the input of a module to its output, as the authors' VoVNet and the one here do, and "
           "the third has another attention."),
    Naming("transformers, ResNet", "embedder.embedder.convolution.weight, "
           "encoder.stages.0.layers.0.layer.0.convolution.weight", _all(_from_transformers)),
)
