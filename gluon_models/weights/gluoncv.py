"""ResNets of GluonCV's model zoo (resnet50_v1 to resnet152_v1s), in both forms in which Gluon saves parameters."""
import re
from typing import Dict, Mapping, Optional, Tuple

import numpy as np

from ...errors import CheckpointError
from .description import BACKBONE, IMAGENET_PIXELS, Weights
from .resnet_names import depth_of, with_caffe_names

# As `save_parameters` writes them, the file has the places of the layers in the network...
_PLACE_V1 = re.compile(r"features\.(\d+)(?:\.(\d+)\.(body|downsample)\.(\d+))?\.(\w+)")
_PLACE_V1B = re.compile(r"((?:conv1|bn1|layer[1-4]|fc)(?:\.\w+)*)\.(\w+)")
# ... and otherwise the names of the parameters, with a prefix such as resnetv10_ or resnetv1b_.
_NAME = re.compile(r"resnetv1([bcds]?)\d*_(?:stage(\d)_|layers(\d)_|down(\d)_)?(conv|batchnorm|dense)(\d+)_(\w+)")
_ENDINGS = {"running_mean": "moving_mean", "running_var": "moving_var"}
# Numbers of the layers in `body` and `downsample` of GluonCV's BottleneckV1, and what they are called in torchvision.
_BODY = {0: "conv1", 1: "bn1", 3: "conv2", 4: "bn2", 6: "conv3", 7: "bn3"}
# Channels of the first convolution of a stem of three, and the version; 0 for a stem of one.
_STEMS = {0: "v1b", 32: "v1c", 64: "v1s"}
_SHORTCUT = {0: "downsample_0", 1: "downsample_1"}


def is_gluoncv(arrays: Mapping[str, np.ndarray]) -> bool:
    """Returns whether arrays have the names of a ResNet of GluonCV."""
    return any(_PLACE_V1.fullmatch(name) or _NAME.fullmatch(name) or name in ("conv1.weight", "conv1.0.weight")
               for name in arrays)


def read_resnet(path: str, arrays: Mapping[str, np.ndarray]) -> Weights:
    """Gives the parameters of a ResNet of GluonCV the names that they have here.

    Args:
        path: the file that they come from, for messages.
        arrays: by the names of the file.

    Raises:
        CheckpointError: it is another network than ResNet-50, 101 or 152 of the versions v1, v1b, v1c, v1d and v1s.
    """
    average = any("downsample.2." in name for name in arrays) or any(name.startswith("resnetv1d") for name in arrays)
    named: Dict[str, np.ndarray] = {}
    is_v1 = any(_PLACE_V1.fullmatch(name) or re.match(r"resnetv1\d*_", name) for name in arrays)
    for name, array in arrays.items():
        own = _own_name(name, average)
        if own is not None:
            named[own] = array
    depth = depth_of(named)
    deep = named["conv1_0_weight"].shape[0] if "conv1_0_weight" in named else 0
    if not depth or deep not in _STEMS:
        raise CheckpointError(f"{path} holds a ResNet of GluonCV that has no counterpart here: resnet50, "
                              "resnet101 and resnet152 of the versions v1, v1b, v1c, v1d and v1s have")
    if is_v1:
        return Weights(with_caffe_names(_without_biases(named), depth), "GluonCV model file", f"resnet{depth}_v1",
                       BACKBONE, {"network.STRIDE_IN_1X1": True, "network.PADDED_POOL": True}, IMAGENET_PIXELS)
    version = "v1d" if average else _STEMS[deep]
    return Weights(named, "GluonCV model file", f"resnet{depth}_{version}", BACKBONE, {}, IMAGENET_PIXELS)


def _own_name(name: str, average_shortcut: bool) -> Optional[str]:
    """torchvision's name for a parameter, with "_" in place of "."; None for what is no part of a ResNet."""
    layer, ending = _layer(name, average_shortcut)
    return None if layer is None else f"{layer}_{_ENDINGS.get(ending, ending)}"


def _layer(name: str, average_shortcut: bool) -> Tuple[Optional[str], str]:
    match = _PLACE_V1.fullmatch(name)
    if match:
        first, unit, part, number, ending = match.groups()
        if unit is None:
            return {"0": "conv1", "1": "bn1"}.get(first), ending
        layer = (_BODY if part == "body" else _SHORTCUT).get(int(number))
        return f"layer{int(first) - 3}_{unit}_{layer}", ending
    match = _PLACE_V1B.fullmatch(name)
    if match:
        return match.group(1).replace(".", "_"), match.group(2)
    match = _NAME.fullmatch(name)
    if match is None:
        return (name.rpartition(".")[0].replace("output", "fc") or None), name.rpartition(".")[2]
    version, stage, layers, down, kind, number, ending = match.groups()
    if down:
        return f"layer{down}_0_downsample_{average_shortcut + (kind == 'batchnorm')}", ending
    if layers:
        unit, place = divmod(int(number), 3)
        return f"layer{layers}_{unit}_{'conv' if kind == 'conv' else 'bn'}{place + 1}", ending
    if stage:
        return f"layer{stage}_{_place_in_v1(kind, int(number))}", ending
    return _stem(version, kind, int(number)), ending


def _place_in_v1(kind: str, number: int) -> str:
    """The unit and layer of a convolution or normalisation of a stage of v1.

    The first unit has four, of which the last is its shortcut; the others have three.
    """
    if number == 3:
        return "0_downsample_0" if kind == "conv" else "0_downsample_1"
    unit, place = (0, number) if number < 3 else divmod(number - 1, 3)
    return f"{unit}_{'conv' if kind == 'conv' else 'bn'}{place + 1}"


def _stem(version: str, kind: str, number: int) -> str:
    if kind == "dense":
        return "fc"
    if version in ("", "b"):
        return "conv1" if kind == "conv" else "bn1"
    return f"conv1_{3 * number}" if kind == "conv" else ("conv1_1", "conv1_4", "bn1")[number]


def _without_biases(arrays: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Takes the biases of v1's convolutions into the moving means of the normalisations that follow them."""
    found = dict(arrays)
    for name in arrays:
        if name.startswith("layer") and name.endswith("_bias"):
            mean = name[:-len("_bias")].replace("_conv", "_bn") + "_moving_mean"
            found[mean] = arrays[mean] - found.pop(name)
    return found
