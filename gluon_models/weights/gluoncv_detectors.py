"""Backbones of GluonCV's Faster R-CNN and Mask R-CNN, which have other names in their files than in a backbone's."""
import re
from typing import Dict, Mapping, Tuple

import numpy as np

_Arrays = Mapping[str, np.ndarray]
# Where the layers of a ResNet lie in `features`; its last stage is `top_features`.
_LAYERS = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3"}
_PLACE = re.compile(r"features\.(\d+)\.(.+)")
_LAST_STAGE = re.compile(r"top_features\.0\.(.+)")
# On a pyramid, `features` is a graph that has the names of the ResNet's parameters.
_NAME = re.compile(r"features\.(resnet\w+)")


def is_detector(arrays: _Arrays) -> bool:
    """Returns whether arrays have names as in files of these detectors."""
    return "class_predictor.weight" in arrays and any(name.startswith("rpn.") for name in arrays)


def backbone_and_rest(arrays: _Arrays) -> Tuple[Dict[str, np.ndarray], Dict[str, np.ndarray]]:
    """Divides the arrays of a detector's file.

    Returns:
        backbone: by the names that the file of the backbone alone would have.
        rest: those of the RPN, the head and the pyramid, by the names of the file.
    """
    backbone, rest = {}, {}
    for name, array in arrays.items():
        place, last, named = (pattern.fullmatch(name) for pattern in (_PLACE, _LAST_STAGE, _NAME))
        if place and place.group(1) in _LAYERS:
            backbone[f"{_LAYERS[place.group(1)]}.{place.group(2)}"] = array
        elif last:
            backbone[f"layer4.{last.group(1)}"] = array
        elif named:
            # A normalisation over several GPUs is one like others, once it is trained.
            backbone[named.group(1).replace("syncbatchnorm", "batchnorm")] = array
        else:
            rest[name] = array
    return backbone, rest
