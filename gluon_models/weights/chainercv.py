"""ChainerCV's npz files: its Light-Head R-CNN, and the ImageNet classifiers that it starts from."""
import re
from typing import Dict, Optional, Tuple

import numpy as np

from ...errors import CheckpointError
from ...operators.anchors import base_anchors
from .description import (BACKBONE, CAFFE_PIXELS, DETECTOR, ORIGINAL_PIXELS, Weights, float_array, layer_of, less_bias,
                          with_epsilon)
from .detector_layers import check_axes, check_layers, coco_classes, split_scores, with_x_first
from .recognition import check_no_others
from .resnet_names import depth_of, with_caffe_names

_NAME = re.compile(r"(?:.*?/)??((?:conv1|res[2-5]/(?:a|b\d+)/(?:conv[123]|residual_conv))/(?:conv|bn)|rpn/\w+|"
                   r"head/(?:global_context_module/)?\w+|fc6)/(\w+)")
_AMONG_UNITS = re.compile(r"(?:.*?/)??res[2-5]/.*")
_OF_OPTIMIZER = re.compile(r"(?:^|/)optimizer:|/(?:W|b|gamma|beta)/\w+$")
_UNIT = re.compile(r"res(\d)/(a|b\d+)/(conv\d|residual_conv)/(conv|bn)")
_NORM = {"gamma": "gamma", "beta": "beta", "avg_mean": "moving_mean", "avg_var": "moving_var"}
# The layers behind the backbone. `col_max` is 15 high and 1 wide, as `conv_new_1` is.
_LAYERS = {"rpn/conv1": "rpn_conv_3x3", "rpn/score": "rpn_cls_score", "rpn/loc": "rpn_bbox_pred",
           "head/global_context_module/col_max": "conv_new_1", "head/global_context_module/col": "conv_new_2",
           "head/global_context_module/row_max": "conv_new_3", "head/global_context_module/row": "conv_new_4",
           "head/fc1": "fc_new_1", "head/score": "cls_score", "head/cls_loc": "bbox_pred"}
_CLASSIFIER = {"fc6": "fc1000"}
# Of Chainer's batch normalisation. ChainerCV's detector keeps it in its first layer alone.
_EPSILON = 2e-5
_TWO_FORMS = ("ChainerCV's classifiers have the same names in two forms: arch='he' strides in the first 1x1 "
              "convolution of a unit, which is assumed; for arch='fb', which strides in the 3x3, set "
              "network.STRIDE_IN_1X1 to false.")
_RATIOS, _SCALES, _BASE = (0.5, 1, 2), (2, 4, 8, 16, 32), 16
# Settings of ChainerCV's evaluation (`use_preset("evaluate")`) and of its network.
_SETTINGS = {"SCALES": [800, 1333], "CLASS_AGNOSTIC": False, "network.IMAGE_STRIDE": 0,
             "network.ANCHOR_SCALES": list(_SCALES), "network.STRIDE_IN_1X1": True, "network.PADDED_POOL": True,
             "network.LIGHT_HEAD_RELU": "after_sum", "network.ROI_POOL": "psroi_align_max_clamp",
             "network.RPN_ALL_CELLS": True, "TEST.RPN_POST_NMS_TOP_N": 1000, "TEST.NMS": 0.5, "TEST.THRESH": 0.0}
_NOTES = ("ChainerCV ranks proposals by their foreground score alone: the background score of the RPN is set to 0.",
          "ChainerCV does not round the sides of anchors: the difference is taken into the RPN's box layer.")


def read_chainercv(path: str) -> Weights:
    """Reads an npz file of ChainerCV.

    Boxes there are (y1, x1, y2, x2) with exclusive ends, and deltas (dy, dx, dh, dw). A box with inclusive ends
    (x1, y1, x2 - 1, y2 - 1) has the same width, centre and pixels, so that only the order of the deltas changes. The
    anchors there have real sides around the same centres, while here the base sides are whole numbers; the layer of the
    RPN's boxes is changed to give the same boxes from these. Where batch normalisations have another epsilon than here,
    the difference goes into their variances.

    Args:
        path: of LightHeadRCNNResNet101, or of ResNet50, ResNet101 or ResNet152. Of ResNet50 only the form of He et al.
            (arch="he") has a bias in its first convolution, by which it is told apart.

    Raises:
        CheckpointError: the file cannot be read, or it holds another network.
    """
    arrays: Dict[str, np.ndarray] = {}
    left: Dict[str, np.ndarray] = {}
    for name, array in _arrays(path).items():
        own = _own_name(name)
        if own is not None:
            check_axes(path, name, own, array)
            arrays[own] = array
        elif not name.endswith("/N") and not _OF_OPTIMIZER.search(name):
            left[name] = array
    depth = depth_of(arrays)
    if not depth:
        raise CheckpointError(f"{path} is an npz file, but not one of ChainerCV's Light-Head R-CNN or ResNets; its "
                              f"first arrays: {', '.join(list(left)[:3])}")
    check_no_others(path, f"ResNet-{depth}", [name for name in left if _AMONG_UNITS.fullmatch(name)])
    has_bias = "conv1_bias" in arrays
    if has_bias and "bn1_moving_mean" in arrays:
        arrays["bn1_moving_mean"] = less_bias(path, arrays, "bn1_moving_mean", "conv1_bias")
        del arrays["conv1_bias"]
    if not any(layer.startswith("rpn") or layer in ("cls_score", "bbox_pred") for layer in map(layer_of, arrays)):
        arrays = with_epsilon(arrays, _EPSILON)
        return Weights({**with_caffe_names(arrays, depth), **left}, "npz of ChainerCV", f"resnet{depth}_v1", BACKBONE,
                       {"network.STRIDE_IN_1X1": depth != 50 or has_bias}, CAFFE_PIXELS,
                       () if depth == 50 else (_TWO_FORMS,))
    check_layers(path, arrays, _LAYERS, {"weight": "W", "bias": "b"})
    arrays.update(with_epsilon({name: array for name, array in arrays.items() if layer_of(name) == "bn1"}, _EPSILON))
    _turn_rpn(path, arrays)
    for end in ("weight", "bias"):
        arrays[f"bbox_pred_{end}"] = with_x_first(arrays[f"bbox_pred_{end}"])
    return Weights({**with_caffe_names(arrays, depth), **left}, "npz of ChainerCV",
                   f"light_head_rcnn_resnet{depth}_v1_coco", DETECTOR, _SETTINGS, ORIGINAL_PIXELS,
                   _NOTES, coco_classes(arrays["cls_score_bias"]))


def _arrays(path: str) -> Dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: float_array(file[name]) for name in file.files
                    if _own_name(name) is not None or _is_of_numbers(file, name)}
    except MemoryError as error:
        raise CheckpointError(f"{path} is damaged, or holds no weights: {error}") from None
    except Exception as error:  # NumPy and zipfile raise all kinds, those of Python's parser among them
        raise CheckpointError(f"{path} cannot be read as an npz file of numbers: {error}") from None


def _is_of_numbers(file: np.lib.npyio.NpzFile, name: str) -> bool:
    """Whether an array holds numbers; snapshots of a training have texts beside the weights, and objects.

    The array itself is not opened.
    """
    with file.zip.open(name + ".npy") as stream:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return read_header(stream)[2].kind in "fiub"


def _own_name(name: str) -> Optional[str]:
    """The name here of an array, torchvision's for those of the backbone; None for one without counterpart."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    layer, end = match.groups()
    if layer in _LAYERS or layer in _CLASSIFIER:
        own = _LAYERS.get(layer) or _CLASSIFIER[layer]
        return f"{own}_{'weight' if end == 'W' else 'bias'}" if end in "Wb" else None
    kind = layer.rpartition("/")[2]
    ending = {"W": "weight", "b": "bias"}.get(end) if kind == "conv" else _NORM.get(end)
    if ending is None:
        return None
    unit = _UNIT.fullmatch(layer)
    if unit is None:
        return f"{kind}1_{ending}"
    stage, number, own, _ = unit.groups()
    index = 0 if number == "a" else int(number[1:])
    own = f"downsample_{int(kind == 'bn')}" if own == "residual_conv" else own.replace("conv", kind)
    return f"layer{int(stage) - 1}_{index}_{own}_{ending}"


def _turn_rpn(path: str, arrays: Dict[str, np.ndarray]) -> None:
    """Brings the RPN's output layers to the anchors and the order of channels here."""
    anchors = len(_RATIOS) * len(_SCALES)
    if len(arrays["rpn_bbox_pred_bias"]) != 4 * anchors:
        raise CheckpointError(f"{path} has {len(arrays['rpn_bbox_pred_bias']) // 4} anchors a cell; only the "
                              f"{anchors} of ChainerCV's own model are understood, of the scales "
                              + ", ".join(map(str, _SCALES)))
    widths, heights = _side_ratios()
    ones = np.ones_like(widths)
    factors = np.stack([widths, heights, ones, ones], axis=1).ravel()
    offsets = np.log(np.stack([ones, ones, widths, heights], axis=1)).ravel()
    boxes = {end: with_x_first(arrays[f"rpn_bbox_pred_{end}"]) for end in ("weight", "bias")}
    arrays["rpn_bbox_pred_weight"] = float_array(boxes["weight"] * factors[:, None, None, None])
    arrays["rpn_bbox_pred_bias"] = float_array(boxes["bias"] * factors + offsets)
    for end in ("weight", "bias"):
        scores = split_scores(arrays[f"rpn_cls_score_{end}"])
        scores[:anchors] = 0
        arrays[f"rpn_cls_score_{end}"] = scores


def _side_ratios() -> Tuple[np.ndarray, np.ndarray]:
    """Widths and heights of ChainerCV's anchors, each divided by that of the anchor here."""
    x1, y1, x2, y2 = base_anchors(_RATIOS, _SCALES, _BASE, np.float64).T
    ratios, scales = np.repeat(_RATIOS, len(_SCALES)), np.tile(_SCALES, len(_RATIOS))
    return _BASE * scales / np.sqrt(ratios) / (x2 - x1 + 1), _BASE * scales * np.sqrt(ratios) / (y2 - y1 + 1)
