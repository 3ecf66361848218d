"""Parameters of the symbolic graphs: their shapes, first values, and the files that hold them."""
import json
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

import mxnet as mx
import numpy as np
from yacs.config import CfgNode

from ...gluon_models.weights.description import shapes_agree
from ...gluon_models.weights.mxnet_files import TEST_SUFFIX, load_weights
from ..building.initialization import NEW_LAYER_STD
from ..building.pretrained import PretrainedReport, take_pretrained
from ..checkpoints.arrays import param_mismatches

# The names of all layers that do not belong to the backbone begin with one of these.
_NEW_LAYERS = ("rpn_", "conv_new_", "fc_new_", "cls_score", "bbox_pred", "rfcn_")
_OUTPUT_LAYERS = ("rpn_cls_score", "rpn_bbox_pred", "cls_score", "bbox_pred", "rfcn_cls", "rfcn_bbox")
# The output layers of the head's boxes, and how many channels each has for one coordinate (R-FCN: 7x7 positions).
_BOX_LAYERS = {"bbox_pred": 1, "rfcn_bbox": 49}
_Arrays = Mapping[str, mx.nd.NDArray]
_Shapes = Mapping[str, Tuple[int, ...]]


def parameter_shapes(symbol: mx.sym.Symbol, inputs: _Shapes) -> Dict[str, Tuple[int, ...]]:
    """Infers the shapes of a graph's parameters, moving means and variances among them.

    Args:
        symbol: the graph.
        inputs: shapes by name of the inputs that are not parameters.
    """
    arguments, _, auxiliaries = symbol.infer_shape(**inputs)
    shapes = dict(zip(symbol.list_arguments() + symbol.list_auxiliary_states(), arguments + auxiliaries))
    return {name: shape for name, shape in shapes.items() if name not in inputs}


def split_weights(symbol: mx.sym.Symbol, weights: Mapping[str, Any]) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """Splits a graph's parameters by name into arguments and auxiliary states (moving means and variances)."""
    auxiliaries = set(symbol.list_auxiliary_states())
    return ({name: value for name, value in weights.items() if name not in auxiliaries},
            {name: value for name, value in weights.items() if name in auxiliaries})


def residual_gammas(symbol: mx.sym.Symbol) -> Set[str]:
    """Returns the names of the batch-norm scales at the end of those residual branches that are added to a shortcut.

    In training from scratch these scales begin at zero, see `gluon_models.layers.ConvBN`. The scale of a branch that is
    concatenated with its shortcut must not: a ReLU follows it, and with an output of zero it would get no gradient.
    """
    nodes = json.loads(symbol.tojson())["nodes"]
    added = {nodes[i]["name"] for node in nodes if node["op"] == "broadcast_add" for i, *_ in node["inputs"]}
    return {name + "_gamma" for name in added if name.endswith("_branch2c")}


def initial_weights(cfg: CfgNode, shapes: _Shapes, zeros: Sequence[str] = (), start: Optional[_Arrays] = None,
                    allow_partial: bool = False,
                    classes: Sequence[str] = ()) -> Tuple[Dict[str, mx.nd.NDArray], PretrainedReport]:
    """Draws the first values of a graph's parameters.

    They are drawn in the order of `initialization.initialize`, so that one seed gives a graph and the Gluon model the
    same weights.

    Args:
        shapes: by name, in the order of the graph.
        zeros: names of the parameters that begin at zero where `network.NORM` is "batch", see `residual_gammas`.
        start: arrays by name to begin with, in place of the backbone of `network.pretrained`.
        allow_partial: accept a pretrained file that lacks a part of the backbone; that part starts at random.
        classes: names of the detector's classes, see `pretrained.take_pretrained`.

    Returns:
        Arrays on the CPU by name, and what was taken from the pretrained file.

    Raises:
        CheckpointError: there is no such file, or, without `allow_partial`, it does not hold the whole backbone.
    """
    he, normal = mx.init.MSRAPrelu(factor_type="in", slope=0), mx.init.Normal(NEW_LAYER_STD)
    has_backbone = start is not None or bool(cfg.network.pretrained)
    weights, report = {}, PretrainedReport()
    for name in sorted(shapes, key=_drawing_order):
        weights[name] = mx.nd.zeros(shapes[name])
        is_zero = name.endswith("_moving_mean") or cfg.network.NORM == "batch" and name in zeros
        if name.endswith("_moving_var"):
            weights[name] += 1
        elif not is_zero:
            is_normal = name.startswith(_NEW_LAYERS if has_backbone else _OUTPUT_LAYERS)
            (normal if is_normal else he)(mx.init.InitDesc(name), weights[name])
    if start is None and cfg.network.pretrained:
        arrays, report = take_pretrained(cfg, shapes, backbone_names(shapes), classes, allow_partial)
        start = {name: mx.nd.array(array) for name, array in arrays.items()}
    weights.update({name: array for name, array in (start or {}).items()
                    if name in shapes and shapes_agree(shapes[name], array.shape)})
    return weights, report


def backbone_names(names: Iterable[str]) -> List[str]:
    """Returns the names that belong to the backbone, among those of a graph's parameters."""
    return [name for name in names if not name.startswith(_NEW_LAYERS)]


def read_weights(path: str, shapes: _Shapes, initial: Optional[_Arrays] = None,
                 for_test: bool = False) -> Tuple[Dict[str, mx.nd.NDArray], List[str], bool]:
    """Reads a graph's parameters from a file.

    Args:
        path: the parameter file.
        shapes: shapes by name of the graph's parameters.
        initial: arrays by name for parameters that the file lacks. Without them the file must have all of the graph's
            parameters and no others.
        for_test: read the box layer with means and standard deviations folded in, where the file has it.

    Returns:
        Arrays by name; one line for each parameter that does not fit; whether the box layer is the folded one.

    Raises:
        CheckpointError: the file cannot be read, or, without `initial`, parameters do not fit; the message lists all of
            them.
    """
    saved, folded = load_weights(path, for_test)
    problems = param_mismatches(path, shapes, saved, allow_partial=initial is not None)
    weights = {name: saved[name] if name in saved and shapes_agree(shape, saved[name].shape) else initial[name]
               for name, shape in shapes.items()}
    return weights, problems, folded


def fold_box_normalization(cfg: CfgNode, weights: _Arrays) -> Dict[str, mx.nd.NDArray]:
    """Folds means and standard deviations of the box targets into the box layer, as the tests of the MXNet original do.

    Args:
        cfg: `TRAIN.BBOX_MEANS` and `TRAIN.BBOX_STDS` are read.
        weights: arrays by name.

    Returns:
        The folded weight and bias under the names of the layer; empty where there is no box layer in `weights`.
    """
    for layer, outputs in _BOX_LAYERS.items():
        if layer + "_bias" in weights:
            weight, bias = weights[layer + "_weight"], weights[layer + "_bias"]
            means, stds = (mx.nd.array(np.resize(np.repeat(values, outputs), bias.shape[0]))
                           for values in (cfg.TRAIN.BBOX_MEANS, cfg.TRAIN.BBOX_STDS))
            return {layer + "_weight": weight * stds.reshape((-1,) + (1,) * (weight.ndim - 1)),
                    layer + "_bias": bias * stds + means}
    return {}


def file_arrays(cfg: CfgNode, arguments: _Arrays, auxiliaries: _Arrays) -> Dict[str, mx.nd.NDArray]:
    """Names arrays as parameter files of the MXNet original do.

    Names begin with `arg:` or `aux:`. The box layer is there twice, the second time as `arg:NAME_test` with the means
    and standard deviations folded in, see `fold_box_normalization`.
    """
    arrays = {"arg:" + name: array for name, array in arguments.items()}
    folded = fold_box_normalization(cfg, arguments)
    arrays.update({"arg:" + name + TEST_SUFFIX: array for name, array in folded.items()})
    arrays.update({"aux:" + name: array for name, array in auxiliaries.items()})
    return arrays


def _drawing_order(name: str) -> int:
    """Place of a parameter in the order of drawing: output layers, then the backbone, then other new layers."""
    layer = name.rpartition("_")[0]
    if layer in _OUTPUT_LAYERS:
        return _OUTPUT_LAYERS.index(layer)
    return len(_OUTPUT_LAYERS) + name.startswith(_NEW_LAYERS)
