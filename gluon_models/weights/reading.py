"""Reads weights from any of the formats that are understood."""
import re
from pathlib import Path
from typing import Dict

import numpy as np

from ...errors import CheckpointError
from .chainercv import read_chainercv
from .contents import MXNET, NPZ, TENSORFLOW, kind_of_file
from .description import BACKBONE, DETECTOR, Weights
from .mxnet_files import read_mxnet
from .named import named_file
from .recognition import recognised_backbone, recognised_detector
from .resnet_names import depth_of, depth_of_caffe, with_caffe_names, with_torchvision_names
from .tensorflow_original import read_tensorflow
from .torch_models import read_torch

# Offsets of deformable convolutions and poolings in Deformable-ConvNets; "_t" marks poolings.
_OFFSET = re.compile(r"(.+?)_offset(?:_t)?_weight")
_DEFORMABLE = ("The network that these weights are from has offsets for {}, which nothing here has: its plain layers "
               "are taken to start a training, not as a detector.")
_OF_SYMBOL_ZOO = "stage1_unit1_conv1_weight"
_OF_CAFFE = ("network.STRIDE_IN_1X1", "network.PADDED_POOL")  # keys of networks with Caffe's names alone
_STRIDE_ELSEWHERE = ("The names of these weights are those of Caffe, whose ResNet strides in the first 1x1 convolution "
                     "of a unit; this network strides in the 3x3.")


def read_weights(source: str) -> Weights:
    """Reads weights: arrays under the names of the parameters here, and what is known about them.

    What the file is, is told by its content and not by its name: a parameter file of the MXNet original, of this
    package or of GluonCV; a checkpoint of the TensorFlow original; an npz of ChainerCV; a state dict of PyTorch. No
    file can run a program by being read.

    Args:
        source: path of the file, the prefix of a TensorFlow checkpoint, or a name of `NAMED_SOURCES`; a file of that
            name goes first.

    Raises:
        CheckpointError: there is no such file, it is of another kind, or a package that reads it is not installed.
    """
    path = str(source) if Path(source).is_file() else named_file(source) or str(source)
    kind = kind_of_file(path)
    if kind == MXNET:
        return _recognised(path, read_mxnet(path))
    if kind == NPZ:
        return read_chainercv(path)
    if kind == TENSORFLOW:
        return read_tensorflow(path)
    return read_torch(path, kind)


def with_names_of(weights: Weights, names: Dict[str, object]) -> Weights:
    """Renames the parameters of a ResNet where a network has the other of the two ways to name them.

    Args:
        weights: from `read_weights`.
        names: the parameters of the network, by name.

    Returns:
        The weights. What the renamed ones ask of the network is among their settings, or in a note where the network
        has no such settings.
    """
    wants_caffe = "res2a_branch2a_weight" in names
    has_caffe = "res2a_branch2a_weight" in weights.arrays
    if wants_caffe and not has_caffe and depth_of(weights.arrays) and "conv1_weight" in weights.arrays:
        arrays: Dict[str, np.ndarray] = with_caffe_names(weights.arrays, depth_of(weights.arrays))
        settings = {**weights.settings, "network.STRIDE_IN_1X1": False, "network.PADDED_POOL": True}
        return weights._replace(arrays=arrays, settings=settings)
    if has_caffe and "layer1_0_conv1_weight" in names:
        depth = depth_of_caffe(weights.arrays)
        notes = () if weights.settings.get("network.STRIDE_IN_1X1") is False else (_STRIDE_ELSEWHERE,)
        settings = {key: value for key, value in weights.settings.items() if key not in _OF_CAFFE}
        return weights._replace(arrays=with_torchvision_names(weights.arrays, depth), settings=settings,
                                notes=(*weights.notes, *notes))
    return weights


def _recognised(path: str, weights: Weights) -> Weights:
    if weights.model:
        return weights
    if _OF_SYMBOL_ZOO in weights.arrays:
        raise CheckpointError(f"{path} has the names of MXNet's symbol zoo, such as {_OF_SYMBOL_ZOO}: its ResNets are "
                              "of version 2, which normalises before each convolution, as no backbone here does")
    deformable = sorted({match.group(1) for match in map(_OFFSET.fullmatch, weights.arrays) if match})
    detector = recognised_detector(weights.arrays)
    if detector and not deformable:
        return weights._replace(model=detector, content=DETECTOR)
    backbone = recognised_backbone(weights.arrays)
    if not backbone:
        return weights
    notes = (_DEFORMABLE.format(", ".join(deformable)),) if deformable else ()
    return weights._replace(model=backbone, content=BACKBONE, notes=(*weights.notes, *notes))
