"""Checkpoints of the TensorFlow original, and of the ImageNet classifier of TensorFlow-Slim that it starts from."""
import re
from typing import Container, Dict, Optional

import numpy as np

from ...errors import CheckpointError
from .contents import tensorflow_prefix
from .description import BACKBONE, DETECTOR, ORIGINAL_PIXELS, Pixels, Weights, float_array, layer_of
from .detector_layers import check_axes, check_layers, coco_classes, POOLED, split_scores
from .recognition import check_no_others
from .resnet_names import depth_of, with_caffe_names

_SCOPE = re.compile(r"(?:^|.*/)resnet_v1_(?:50|101|152)/(.+)")
_UNIT = re.compile(r"block(\d)/unit_(\d+)/bottleneck_v1/(shortcut|conv[123])/(weights|BatchNorm/\w+)")
_AMONG_UNITS = re.compile(r"(?:^|.*/)resnet_v1_(?:50|101|152)/block\d/.+")
_STEM = re.compile(r"conv1/(weights|BatchNorm/\w+)")
_NORM = {"gamma": "gamma", "beta": "beta", "moving_mean": "moving_mean", "moving_variance": "moving_var"}
# The layers behind the backbone. `w_pre` is 15 high and 1 wide, as `conv_new_1` is.
_LAYERS = {"rpn_conv/3x3": "rpn_conv_3x3", "rpn_cls_score": "rpn_cls_score", "rpn_bbox_pred": "rpn_bbox_pred",
           "conv_new_1_conv15_w_pre": "conv_new_1", "conv_new_1_conv15_w": "conv_new_2",
           "conv_new_1_conv15_h_pre": "conv_new_3", "conv_new_1_conv15_h": "conv_new_4",
           "ps_fc_1": "fc_new_1", "cls_fc": "cls_score", "bbox_fc": "bbox_pred"}
# Settings of the TensorFlow original's tests and of its networks.
_SETTINGS = {"SCALES": [800, 1333], "CLASS_AGNOSTIC": False,
             "network.ANCHOR_SCALES": [2, 4, 8, 16, 32], "network.STRIDE_IN_1X1": False,
             "network.LIGHT_HEAD_RELU": "after_sum", "network.ROI_POOL": "psroi_align_max",
             "network.RPN_ALL_CELLS": True, "TEST.RPN_POST_NMS_TOP_N": 1000, "TEST.NMS": 0.5, "TEST.THRESH": 0.0}
# TensorFlow-Slim strides in the last unit of a stage, in the 3x3; that gives the same as a stride in the first 1x1 of
# the next stage and in its shortcut. Its pooling begins with the first pixel.
_SLIM_SETTINGS = {"network.STRIDE_IN_1X1": True, "network.PADDED_POOL": False}
_SLIM_STRIDES = ("TensorFlow-Slim's ResNet strides as one does with the stride in the first 1x1 convolution of a "
                 "stage. The TensorFlow original starts from these weights and strides in the 3x3: for that set "
                 "network.STRIDE_IN_1X1 to false.")
_SLIM_PIXELS = Pixels((123.68, 116.78, 103.94))
_TWO_POOLS = ("The checkpoint does not say how RoIs are pooled: psroi_align_max is right for the TensorFlow original's "
              "better model (folder light_head_rcnn.ori_res101.coco.ps_roialign); for that of the folder "
              "light_head_rcnn.ori_res101.coco set network.ROI_POOL to psroi_pool.")


def read_tensorflow(path: str) -> Weights:
    """Reads a checkpoint of the TensorFlow original, or of `resnet_v1_50`, `101` or `152` of TensorFlow-Slim.

    Args:
        path: the prefix of PREFIX.index and PREFIX.data-00000-of-00001, one of these, or a checkpoint of one file.

    Raises:
        CheckpointError: TensorFlow is not installed, the file cannot be read, or it holds another network.
    """
    arrays, left = {}, {}
    for name, array in _variables(path).items():
        own = _own_name(name)
        if own is not None:
            check_axes(path, name, own, array)
        (left if own is None else arrays)[own or name] = array
    depth = depth_of(arrays)
    if not depth:
        raise CheckpointError(f"{path} is a TensorFlow checkpoint, but not one of the TensorFlow original, nor of "
                              "resnet_v1_50, resnet_v1_101 or resnet_v1_152 of TensorFlow-Slim; its first variables: "
                              + ", ".join(list(left)[:3]))
    check_no_others(path, f"ResNet-{depth}", [name for name in left if _AMONG_UNITS.fullmatch(name)])
    is_detector = any(layer_of(name) in _LAYERS.values() for name in arrays)
    arrays = {name: _with_output_first(array) for name, array in arrays.items()}
    if is_detector:
        check_layers(path, arrays, _LAYERS, {"weight": "weights", "bias": "biases"})
    arrays = {name: _turned(name, array) for name, array in arrays.items()}
    if not is_detector:
        return Weights({**with_caffe_names(arrays, depth), **left}, "checkpoint of TensorFlow-Slim",
                       f"resnet{depth}_v1", BACKBONE, _SLIM_SETTINGS, _SLIM_PIXELS, (_SLIM_STRIDES,))
    model = f"light_head_rcnn_resnet{depth}_v1_coco"
    classes = coco_classes(arrays["cls_score_bias"])
    return Weights({**with_caffe_names(arrays, depth), **left}, "checkpoint of the TensorFlow original", model,
                   DETECTOR, _SETTINGS, ORIGINAL_PIXELS, (_TWO_POOLS,), classes)


def _variables(path: str) -> Dict[str, np.ndarray]:
    try:
        import tensorflow
    except ImportError as error:
        raise CheckpointError(f"{path} is a TensorFlow checkpoint, and reading it takes TensorFlow, which is not "
                              f"installed ({error}): pip install 'light_head_rcnn[tensorflow]', or pip install "
                              "tensorflow-cpu") from None
    try:
        reader = tensorflow.train.load_checkpoint(tensorflow_prefix(path) or str(path))
        kinds = reader.get_variable_to_dtype_map()
        return {name: float_array(reader.get_tensor(name)) for name in sorted(kinds)
                if tensorflow.dtypes.as_dtype(kinds[name]).is_floating and not _is_of_optimizer(name, kinds)}
    except (tensorflow.errors.OpError, ValueError, IndexError, TypeError, RuntimeError, MemoryError) as error:
        raise CheckpointError(f"{path} cannot be read as a TensorFlow checkpoint: {error}") from None


def _is_of_optimizer(name: str, names: Container[str]) -> bool:
    """Whether a variable belongs to the optimizer.

    Its name is that of another one, perhaps behind the names of scopes, with a word at the end, such as Momentum.
    """
    words = name.split("/")[:-1]
    return ".OPTIMIZER_SLOT" in words or any("/".join(words[start:]) in names for start in range(len(words)))


def _own_name(name: str) -> Optional[str]:
    """The name here of a variable, torchvision's for those of the backbone; None for one without counterpart."""
    scoped = _SCOPE.fullmatch(name)
    inner = scoped.group(1) if scoped else name
    stem, unit = (pattern.fullmatch(inner) if scoped else None for pattern in (_STEM, _UNIT))
    if stem:
        return _in_backbone("", "conv1", stem.group(1))
    if unit:
        stage, number, layer, end = unit.groups()
        return _in_backbone(f"layer{stage}_{int(number) - 1}_", layer, end)
    # Layers behind the backbone can be outside of its scope.
    layer, _, end = inner.rpartition("/")
    if layer in _LAYERS and end in ("weights", "biases"):
        return f"{_LAYERS[layer]}_{'weight' if end == 'weights' else 'bias'}"
    return None


def _in_backbone(unit: str, layer: str, end: str) -> Optional[str]:
    """The name of a variable "weights" or "BatchNorm/..." of a layer of a residual unit, or of the stem."""
    conv, norm = ("downsample_0", "downsample_1") if layer == "shortcut" else (layer, layer.replace("conv", "bn"))
    if end == "weights":
        return f"{unit}{conv}_weight"
    own = _NORM.get(end.rpartition("/")[2])
    return own and f"{unit}{norm}_{own}"


def _with_output_first(array: np.ndarray) -> np.ndarray:
    """Brings the axes of a variable into the order of the parameters here."""
    if array.ndim == 4:  # (height, width, input, output)
        array = array.transpose(3, 2, 0, 1)
    return np.ascontiguousarray(array.T if array.ndim == 2 else array)


def _turned(name: str, array: np.ndarray) -> np.ndarray:
    """Brings the channels of a variable into the order of the parameters here."""
    layer, _, end = name.rpartition("_")
    # The input of the hidden layer is (row, column, channel) of the pooled RoI.
    if layer == "fc_new_1" and end == "weight" and array.shape[1] % POOLED ** 2 == 0:
        channels = array.shape[1] // POOLED ** 2
        array = array.reshape(-1, POOLED, POOLED, channels).transpose(0, 3, 1, 2).reshape(array.shape)
    if layer == "rpn_cls_score":
        array = split_scores(array)
    return np.ascontiguousarray(array)
