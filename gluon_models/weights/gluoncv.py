"""Backbones in files of GluonCV's model zoo, and of that of MXNet, which has the older ones of them."""
from typing import Dict, Mapping

import numpy as np

from ...errors import CheckpointError
from .description import BACKBONE, IMAGENET_PIXELS, Weights, less_bias
from .gluoncv_detectors import backbone_and_rest, is_detector
from .gluoncv_names import FAMILIES, is_of_model_zoo, own_name
from .recognition import parameter_names, recognised_backbone
from .resnet_names import depth_of, with_caffe_names

_FORMAT = "GluonCV model file"
# Layers of classifiers, which no detector has. Fast R-CNN has fc6 and fc7.
_CLASSIFIERS = ("fc_", "fc6_", "fc7_", "fc8_", "classifier_")
_OF_DETECTOR = ("The file holds a whole detector of GluonCV. Its backbone is taken; its RPN and its head are other "
                "than those here.")


def is_gluoncv(arrays: Mapping[str, np.ndarray]) -> bool:
    """Returns whether arrays have names as in files of GluonCV's model zoo."""
    return is_detector(arrays) or any(is_of_model_zoo(name) for name in arrays)


def read_gluoncv(path: str, arrays: Mapping[str, np.ndarray]) -> Weights:
    """Gives the parameters of a backbone of GluonCV, or of that of a detector, the names that they have here.

    Args:
        path: the file that they come from, for messages.
        arrays: by the names of the file.

    Raises:
        CheckpointError: it is a network that no backbone here equals.
    """
    backbone, rest = backbone_and_rest(arrays) if is_detector(arrays) else (arrays, {})
    for family in FAMILIES:
        names = {name: own_name(name, family) for name in backbone}
        if None in names.values():
            continue
        named = {own: backbone[name] for name, own in names.items()}
        if "layer1_0_conv1_bias" in named and depth_of(named):
            weights = _v1(path, named, depth_of(named))
        else:
            weights = Weights(named, _FORMAT, recognised_backbone(named), BACKBONE, {}, IMAGENET_PIXELS)
        if weights.model and all(name in parameter_names(weights.model) or name.startswith(_CLASSIFIERS)
                                 for name in weights.arrays):
            return weights._replace(arrays={**weights.arrays, **rest}, notes=(_OF_DETECTOR,)) if rest else weights
    raise CheckpointError(f"{path} holds a network of GluonCV, or one with such names, that has no counterpart here; "
                          "those that have are resnet50, resnet101 and resnet152 of the versions v1 to v1s, "
                          "resnext50_32x4d, resnext101_32x4d, resnext101_64x4d, densenet121, densenet169, vgg16 "
                          "and alexnet, and the resnets of these versions in Faster R-CNN and Mask R-CNN")


def _v1(path: str, named: Mapping[str, np.ndarray], depth: int) -> Weights:
    """A ResNet v1, which has Caffe's names here; its convolutions have biases in GluonCV."""
    arrays = with_caffe_names(_without_biases(path, named), depth)
    return Weights(arrays, _FORMAT, recognised_backbone(arrays), BACKBONE,
                   {"network.STRIDE_IN_1X1": True, "network.PADDED_POOL": True}, IMAGENET_PIXELS)


def _without_biases(path: str, arrays: Mapping[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """Takes the biases of convolutions into the moving means of the normalisations that follow them."""
    found = dict(arrays)
    for name in arrays:
        if name.startswith("layer") and name.endswith("_bias"):
            mean = name[:-len("_bias")].replace("_conv", "_bn") + "_moving_mean"
            found[mean] = less_bias(path, arrays, mean, name)
            del found[name]
    return found
