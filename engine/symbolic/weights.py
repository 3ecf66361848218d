"""Parameters of the symbolic graphs: their shapes, first values, and the files that hold them."""
import json

import mxnet as mx
import numpy as np

from ..building import build
from ..checkpoints.arrays import TEST, fits, load_weights, misfits

# The layers that a backbone does not have begin with these, and those that answer with these.
_NEW = ("rpn_", "conv_new_", "fc_new_", "cls_score", "bbox_pred", "rfcn_")
_ANSWERS = ("rpn_cls_score", "rpn_bbox_pred", "cls_score", "bbox_pred", "rfcn_cls", "rfcn_bbox")
# Those of them that answer with the head's boxes, and the outputs that they have for each of a box's four numbers.
_BOX_LAYERS = {"bbox_pred": 1, "rfcn_bbox": 49}


def parameter_shapes(symbol, inputs):
    """Shapes by name of a graph's parameters, moving means and variances among them.

    Args:
        inputs: shapes by name of what is no parameter.
    """
    arguments, _, auxiliaries = symbol.infer_shape(**inputs)
    shapes = dict(zip(symbol.list_arguments() + symbol.list_auxiliary_states(), arguments + auxiliaries))
    return {name: shape for name, shape in shapes.items() if name not in inputs}


def split_weights(symbol, weights):
    """A graph's parameters in two dicts by name: arguments, and auxiliary states (moving means and variances)."""
    auxiliaries = set(symbol.list_auxiliary_states())
    return ({name: array for name, array in weights.items() if name not in auxiliaries},
            {name: array for name, array in weights.items() if name in auxiliaries})


def added_branches(symbol):
    """Names of the scales by which a graph's residual branches are added to their shortcuts.

    Trained from scratch they begin at zero, see `gluon_models.layers.ConvBN`. A branch that is concatenated to its
    shortcut must not: behind it stands a ReLU, through which a zero never learns.
    """
    nodes = json.loads(symbol.tojson())["nodes"]
    added = {nodes[i]["name"] for node in nodes if node["op"] == "broadcast_add" for i, *_ in node["inputs"]}
    return {name + "_gamma" for name in added if name.endswith("_branch2c")}


def initial_weights(cfg, shapes, zeros=(), start=None, allow_partial=False):
    """First values of parameters, with the draws of `build.initialize`: a seed begins alike in both forms.

    Args:
        shapes: by name, in the order of the graph.
        zeros: names of the parameters that begin at zero where `network.NORM` is "batch": `added_branches`.
        start: arrays by name to begin with in place of the backbone of `network.pretrained`.
        allow_partial: take what there is of the pretrained backbone.

    Returns:
        dict of NDArray on the CPU by name, and the lines that say what of the pretrained file does not fit.

    Raises:
        CheckpointError: the pretrained file is not there or, without `allow_partial`, does not hold the whole backbone.
    """
    he, normal = mx.init.MSRAPrelu(factor_type="in", slope=0), mx.init.Normal(build.NEW_LAYER_STD)
    pretrained = start is not None or bool(cfg.network.pretrained)
    weights, problems = {}, []
    for name in sorted(shapes, key=_turn):
        weights[name] = mx.nd.zeros(shapes[name])
        zero = name.endswith("_moving_mean") or cfg.network.NORM == "batch" and name in zeros
        if name.endswith("_moving_var"):
            weights[name] += 1
        elif not zero:
            draws_little = name.startswith(_NEW if pretrained else _ANSWERS)
            (normal if draws_little else he)(mx.init.InitDesc(name), weights[name])
    if start is None and cfg.network.pretrained:
        path = build.pretrained_file(cfg)
        start = {name: array for name, array in load_weights(path)[0].items() if not name.startswith(_NEW)}
        backbone = {name: shape for name, shape in shapes.items() if not name.startswith(_NEW)}
        problems = build.backbone_misfits(path, misfits(path, backbone, start, allow_partial=True), allow_partial)
    weights.update({name: array for name, array in (start or {}).items()
                    if name in shapes and fits(shapes[name], array.shape)})
    return weights, problems


def _turn(name):
    """Place in the order in which parameters are drawn: layers that answer, the backbone, other new layers."""
    layer = name.rpartition("_")[0]
    if layer in _ANSWERS:
        return _ANSWERS.index(layer)
    return len(_ANSWERS) + name.startswith(_NEW)


def read_weights(path, shapes, initial=None, for_test=False):
    """Parameters from a file, checked against a graph's.

    Args:
        path: of the file.
        shapes: by name.
        initial: arrays by name for what the file does not have. Without them it must have all, and no others.
        for_test: take the layer of the boxes with means and standard deviations folded in, where the file has it.

    Returns:
        dict of NDArray by name; the lines that say what does not fit; whether the boxes' layer is folded.

    Raises:
        CheckpointError: unreadable file, or without `initial` a list of every parameter that does not fit.
    """
    saved, folded = load_weights(path, for_test)
    problems = misfits(path, shapes, saved, allow_partial=initial is not None)
    weights = {name: saved[name] if name in saved and fits(shape, saved[name].shape) else initial[name]
               for name, shape in shapes.items()}
    return weights, problems, folded


def folded_boxes(cfg, weights):
    """The layer of the boxes with the means and standard deviations of its targets folded in, as the port tests it.

    Args:
        weights: arrays by name.

    Returns:
        dict of NDArray by the layer's own names; empty where there is no such layer.
    """
    for layer, outputs in _BOX_LAYERS.items():
        if layer + "_bias" in weights:
            weight, bias = weights[layer + "_weight"], weights[layer + "_bias"]
            means, stds = (mx.nd.array(np.resize(np.repeat(values, outputs), bias.shape[0]))
                           for values in (cfg.TRAIN.BBOX_MEANS, cfg.TRAIN.BBOX_STDS))
            return {layer + "_weight": weight * stds.reshape((-1,) + (1,) * (weight.ndim - 1)),
                    layer + "_bias": bias * stds + means}
    return {}


def file_arrays(cfg, arguments, auxiliaries):
    """What the port's file of parameters holds: `arg:` and `aux:` names, and the layer of the boxes also as
    `arg:NAME_test`, see `folded_boxes`."""
    arrays = {"arg:" + name: array for name, array in arguments.items()}
    arrays.update({"arg:" + name + TEST: array for name, array in folded_boxes(cfg, arguments).items()})
    arrays.update({"aux:" + name: array for name, array in auxiliaries.items()})
    return arrays

