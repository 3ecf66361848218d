"""The two ways in which layers of ResNet are named here: Caffe's, which the MXNet original has, and torchvision's."""
import re
from typing import Collection, Dict, Iterable, List, Mapping, Tuple

import numpy as np

from ...caffe_names import residual_unit_names
from ..backbones.resnet import DEPTHS, UnitNames

_ENDING = re.compile(r"(.+?)(_(?:weight|bias|gamma|beta|moving_mean|moving_var))")
_UNIT = re.compile(r"layer([1-4])_(\d+)_conv1_weight")


def depth_of(names: Iterable[str]) -> int:
    """Returns 50, 101 or 152 for the names of a ResNet's parameters, torchvision's; 0 for those of another network."""
    units = [0, 0, 0, 0]
    for name in names:
        match = _UNIT.fullmatch(name)
        if match:
            stage = int(match.group(1)) - 1
            units[stage] = max(units[stage], int(match.group(2)) + 1)
    return next((depth for depth, (known, _) in DEPTHS.items() if tuple(units) == tuple(known)), 0)


def depth_of_caffe(names: Collection[str]) -> int:
    """Returns the depth of the ResNet that has most of its layers among the names of parameters, Caffe's.

    Of several that have as many, such as where the file ends before the last stages, it is the least.
    """
    return max(sorted(DEPTHS), key=lambda depth: sum(f"{caffe}_weight" in names for _, caffe in _layers(depth)))


def with_caffe_names(arrays: Mapping[str, np.ndarray], depth: int) -> Dict[str, np.ndarray]:
    """Renames the parameters of a ResNet from torchvision's names to Caffe's; other names stay as they are."""
    return _renamed(arrays, dict(_layers(depth)))


def with_torchvision_names(arrays: Mapping[str, np.ndarray], depth: int) -> Dict[str, np.ndarray]:
    """Renames the parameters of a ResNet from Caffe's names to torchvision's; other names stay as they are."""
    return _renamed(arrays, {caffe: torchvision for torchvision, caffe in _layers(depth)})


def _layers(depth: int) -> List[Tuple[str, str]]:
    """(torchvision's name, Caffe's name) of every layer of a ResNet."""
    units, numbered = DEPTHS[depth]
    layers = [("conv1", "conv1"), ("bn1", "bn_conv1")]
    for stage, count in enumerate(units, 1):
        caffe = residual_unit_names(stage + 1, count, stage + 1 in numbered)
        for i in range(count):
            torchvision = UnitNames.of_torchvision(f"layer{stage}", i, average_shortcut=False)
            layers += [pair for theirs, ours in zip(torchvision, UnitNames.of_caffe(caffe[i]))
                       for pair in zip(theirs, ours)]
    return layers


def _renamed(arrays: Mapping[str, np.ndarray], layers: Mapping[str, str]) -> Dict[str, np.ndarray]:
    renamed = {}
    for name, array in arrays.items():
        layer, ending = _ENDING.fullmatch(name).groups() if _ENDING.fullmatch(name) else (name, "")
        renamed[layers.get(layer, layer) + ending] = array
    return renamed
