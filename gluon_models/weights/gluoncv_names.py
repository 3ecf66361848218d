"""The names of parameters in files of GluonCV's model zoo, turned to those that the same layers have here.

Gluon saves a network in two forms: by the places of the layers in it (`save_parameters`), as in
"features.4.0.body.3.weight", and by the names of the parameters, as in "resnetv10_stage1_conv1_weight".
"""
import re
from typing import Callable, List, Optional, Tuple

from .torch_namings import PLAIN

_OF_MODEL_ZOO = re.compile(r"features\.[01]\.\w+|conv1\.(?:0\.)?weight|"
                           r"(?:resnetv1[bcds]?|resnext|densenet|vgg|alexnet)\d*_(?:conv|batchnorm)\d+_\w+")
_LAYER = r"(conv|batchnorm|dense)(\d+)"
_OUTPUT = re.compile(r"output\.(weight|bias)")
# ResNet v1 and ResNeXt. Numbers of the layers in `body` and `downsample` of a unit, and torchvision's names of them.
_V1_PLACE = re.compile(r"features\.(\d+)(?:\.(\d+)\.(body|downsample)\.(\d+))?\.(\w+)")
_V1_NAME = re.compile(rf"(?:resnetv1|resnext)\d+_(?:stage(\d)_)?{_LAYER}_(\w+)")
_V1_BODY = {0: "conv1", 1: "bn1", 3: "conv2", 4: "bn2", 6: "conv3", 7: "bn3"}
_V1_SHORTCUT = {0: "downsample_0", 1: "downsample_1"}
# ResNet v1b, v1c, v1d and v1s.
_V1B_PLACE = re.compile(r"((?:conv1|bn1|layer[1-4]|fc)(?:\.\w+)*)\.(\w+)")
_V1B_NAME = re.compile(rf"resnetv1([bcds])\d*_(?:layers(\d)_|down(\d)_)?{_LAYER}_(\w+)")
_STEM_OF_ONE = {"conv0": "conv1", "batchnorm0": "bn1"}
_STEM_OF_THREE = {"conv0": "conv1_0", "conv1": "conv1_3", "conv2": "conv1_6", "batchnorm0": "conv1_1",
                  "batchnorm1": "conv1_4", "batchnorm2": "bn1"}
# DenseNet. A layer of a block has its place in the block, "1" because its input is put before its output, and a number.
_DENSE_PLACE = re.compile(r"features\.(\d+)(?:\.(\d+)(?:\.1\.(\d+))?)?\.(\w+)")
_DENSE_NAME = re.compile(rf"densenet\d+_(?:stage(\d)_)?{_LAYER}_(\w+)")
_DENSE_LAYER = {0: "norm1", 2: "conv1", 3: "norm2", 5: "conv2"}
_DENSE_ENDS = {0: "features_conv0", 1: "features_norm0", 11: "features_norm5"}
# VGG-16 and AlexNet: how names begin, and the places of convolutions and of fully connected layers but the last.
_PLAIN_PLACE = re.compile(r"features\.(\d+)\.(\w+)")
_PLAIN = {"vgg16": ("vgg", (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28, 31, 33)),
          "alexnet": ("alexnet", (0, 2, 4, 5, 6, 9, 11))}
_ENDINGS = {"running_mean": "moving_mean", "running_var": "moving_var"}

# A layer here, None where there is none, and the ending of the name of its parameter in the file.
_Layer = Tuple[Optional[str], str]


def is_of_model_zoo(name: str) -> bool:
    """Returns whether a name is one that GluonCV's model zoo gives to a parameter of the first layers of a network."""
    return _OF_MODEL_ZOO.fullmatch(name) is not None


def _layer_of_v1(name: str) -> _Layer:
    match = _V1_PLACE.fullmatch(name)
    if match:
        first, unit, part, number, ending = match.groups()
        if unit is None:
            return {"0": "conv1", "1": "bn1"}.get(first), ending
        layer = (_V1_BODY if part == "body" else _V1_SHORTCUT).get(int(number))
        return layer and f"layer{int(first) - 3}_{unit}_{layer}", ending
    match = _V1_NAME.fullmatch(name)
    if match is None:
        return _classifier(name, "fc")
    stage, kind, number, ending = match.groups()
    if kind == "dense":
        return None if stage else "fc", ending
    if stage is None:
        return ("conv1" if kind == "conv" else "bn1") if number == "0" else None, ending
    return f"layer{stage}_{_place_in_stage_of_v1(kind, int(number))}", ending


def _place_in_stage_of_v1(kind: str, number: int) -> str:
    """The unit and layer of a convolution or normalisation of a stage.

    The first unit has four, of which the last is its shortcut; the others have three.
    """
    if number == 3:
        return "0_downsample_0" if kind == "conv" else "0_downsample_1"
    unit, place = (0, number) if number < 3 else divmod(number - 1, 3)
    return f"{unit}_{'conv' if kind == 'conv' else 'bn'}{place + 1}"


def _layer_of_v1b(name: str) -> _Layer:
    match = _V1B_PLACE.fullmatch(name)
    if match:
        return match.group(1).replace(".", "_"), match.group(2)
    match = _V1B_NAME.fullmatch(name)
    if match is None:
        return None, ""
    version, stage, down, kind, number, ending = match.groups()
    if kind == "dense":
        return None if stage or down else "fc", ending
    if down:
        return f"layer{down}_0_downsample_{(version == 'd') + (kind == 'batchnorm')}", ending
    if stage:
        unit, place = divmod(int(number), 3)
        return f"layer{stage}_{unit}_{'conv' if kind == 'conv' else 'bn'}{place + 1}", ending
    return (_STEM_OF_ONE if version == "b" else _STEM_OF_THREE).get(kind + number), ending


def _layer_of_densenet(name: str) -> _Layer:
    match = _DENSE_PLACE.fullmatch(name)
    if match:
        first, place, number, ending = match.groups()
        if place is None:
            return _DENSE_ENDS.get(int(first)), ending
        block = int(first) // 2 - 1
        if number is None:
            layer = {"0": "norm", "2": "conv"}.get(place)
            return layer and f"features_transition{block}_{layer}", ending
        return f"features_denseblock{block}_denselayer{int(place) + 1}_{_DENSE_LAYER.get(int(number))}", ending
    match = _DENSE_NAME.fullmatch(name)
    if match is None:
        return _classifier(name, "classifier")
    stage, kind, number, ending = match.groups()
    kind = kind.replace("batchnorm", "norm")
    if kind == "dense":
        return "classifier", ending
    if stage:
        layer, place = divmod(int(number), 2)
        return f"features_denseblock{stage}_denselayer{layer + 1}_{kind}{place + 1}", ending
    return {"conv0": "features_conv0", "norm0": "features_norm0", "norm4": "features_norm5"}.get(
        kind + number, f"features_transition{number}_{kind}"), ending


def _plain(network: str) -> Callable[[str], _Layer]:
    """The function for one network without normalisation."""
    convolutions, dense = ([*layers.values()] for layers in PLAIN[network])
    beginning, numbers = _PLAIN[network]
    places = dict(zip(numbers, (*convolutions, *dense)))
    numbered = re.compile(rf"{beginning}\d+_{_LAYER}_(\w+)")

    def layer(name: str) -> _Layer:
        match = _PLAIN_PLACE.fullmatch(name)
        if match:
            return places.get(int(match.group(1))), match.group(2)
        match = numbered.fullmatch(name)
        if match is None:
            return _classifier(name, dense[-1])
        kind, number, ending = match.groups()
        layers: List[str] = {"conv": convolutions, "dense": dense}.get(kind, [])
        return layers[int(number)] if int(number) < len(layers) else None, ending

    return layer


def _classifier(name: str, layer: str) -> _Layer:
    match = _OUTPUT.fullmatch(name)
    return (layer, match.group(1)) if match else (None, "")


def own_name(name: str, family: Callable[[str], _Layer]) -> Optional[str]:
    """Returns the name that a parameter has here, or None where nothing here corresponds to it.

    Args:
        name: in the file.
        family: of `FAMILIES`.
    """
    layer, ending = family(name)
    return None if layer is None else f"{layer}_{_ENDINGS.get(ending, ending)}"


# One function for all networks whose files have names of one kind.
FAMILIES = (_layer_of_v1, _layer_of_v1b, _layer_of_densenet, *map(_plain, _PLAIN))
