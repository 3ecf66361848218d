"""Sets the first values of a detector's parameters, random or pretrained, and fixes those that are not trained."""
import logging
from pathlib import Path
from typing import Collection, List, Mapping, Sequence, Union

import mxnet as mx
from mxnet.gluon import Block
from yacs.config import CfgNode

from ...errors import CheckpointError
from ...gluon_models import TwoStageDetector
from ..checkpoints.arrays import load_weights, shapes_agree
from ..checkpoints.parameters import load_parameters, own_parameters

# Standard deviation of the first weights of layers that no pretrained file has.
NEW_LAYER_STD = 0.01


def initialize(cfg: CfgNode, net: TwoStageDetector, ctx: Union[mx.Context, Sequence[mx.Context]],
               pretrained: bool = True, allow_partial: bool = False) -> List[str]:
    """Gives a detector random weights, and then those of `network.pretrained` where the configuration names a file.

    The file must hold the backbone. If it holds a whole detector, its other layers are loaded too, where their shapes
    fit; output layers for another number of classes keep their random weights.

    With pretrained weights, new layers are drawn from a normal distribution of standard deviation 0.01, and biases are
    0 (the MXNet original). Without them, only the output layers are drawn so, and all other layers as He et al. propose
    (arXiv 1502.01852). For the layers of a feature pyramid see `FeaturePyramid`.

    Args:
        cfg: the section `network` is read.
        net: the detector, not yet initialised.
        ctx: the devices that hold its parameters.
        pretrained: False where a checkpoint replaces all weights anyway.
        allow_partial: accept a pretrained file that lacks a part of the backbone; that part starts at random.

    Returns:
        One line for each parameter of the backbone that the file lacks.

    Raises:
        CheckpointError: there is no such file, or, without `allow_partial`, it does not hold the whole backbone.
    """
    he, normal = mx.init.MSRAPrelu(factor_type="in", slope=0), mx.init.Normal(NEW_LAYER_STD)
    for block in (net.rpn.score, net.rpn.box) + net.head.output_layers:
        block.initialize(normal, ctx=ctx)
    net.features.initialize(he, ctx=ctx)
    for block in (net.rpn.conv, net.neck) + net.head.hidden_layers:
        block.initialize(normal if cfg.network.pretrained else he, ctx=ctx)
    if cfg.network.pretrained and pretrained:
        path, backbone = pretrained_file(cfg), set(own_parameters(net.backbone))
        problems = [line for line in load_parameters(path, net, allow_partial=True) if _name(line) in backbone]
        return backbone_mismatches(path, problems, allow_partial)
    return []


def pretrained_file(cfg: CfgNode) -> str:
    """Returns the path of the parameter file that `network.pretrained` names.

    `network.pretrained` is the path itself, the path without `.params`, or a prefix; for a prefix the number in the
    name is `network.pretrained_epoch`, for example PREFIX-0000.params.

    Raises:
        CheckpointError: there is no such file.
    """
    prefix = cfg.network.pretrained
    with_epoch = f"{prefix}-{cfg.network.pretrained_epoch:04d}.params"
    for path in (prefix, f"{prefix}.params", with_epoch):
        if path.endswith(".params") and Path(path).is_file():
            return path
    raise CheckpointError(f"network.pretrained: there is no file {with_epoch}; name a prefix with "
                          "network.pretrained_epoch, or a .params file")


def backbone_mismatches(path: str, problems: Sequence[str], allow_partial: bool = False) -> List[str]:
    """Selects the mismatches between a pretrained file and a backbone that matter.

    Arrays that only the file has do not matter: a classifier's file also holds its last layer, and a detector's file
    the layers behind the backbone.

    Args:
        path: the file, for the message.
        problems: lines from `param_mismatches`.
        allow_partial: return a list that is not empty instead of raising an error.

    Raises:
        CheckpointError: there are such mismatches and `allow_partial` is False; the message lists all of them.
    """
    problems = [line for line in problems if not line.startswith("unknown")]
    if problems and not allow_partial:
        raise CheckpointError(f"{path} does not hold the backbone:\n  " + "\n  ".join(problems))
    return problems


def pretrained_summary(path: str, shapes: Mapping[str, Sequence[int]], backbone: Collection[str]) -> str:
    """Describes in one line which layers of a network come from a pretrained file, and which are new.

    Args:
        path: the parameter file.
        shapes: shapes of the network's parameters by name.
        backbone: names of the parameters that belong to the backbone.
    """
    saved, _ = load_weights(path)
    taken = {name for name, shape in shapes.items() if name in saved and shapes_agree(shape, saved[name].shape)}
    layers = list(dict.fromkeys(name.rpartition("_")[0] for name in shapes if name not in backbone))
    full = [layer for layer in layers if all(name in taken for name in shapes if name.rpartition("_")[0] == layer)]
    text = f"{path}: {len(taken & set(backbone))} of {len(backbone)} arrays of the backbone are taken"
    if full:
        text += f", and the layers {', '.join(full)}"
    new = [layer for layer in layers if layer not in full]
    return text + (f"; new are {', '.join(new)}" if new else "")


def fix_parameters(net: Block, words: Sequence[str]) -> List[str]:
    """Excludes parameters from training (`grad_req` "null") whose names contain one of the words.

    The words of Caffe's ResNet (conv1, bn_conv1, res2, bn2, ...) mean its stem and its stages. On a backbone with other
    names they mean the parts in the same places, see `caffe_words` of the backbones.

    Args:
        net: the network.
        words: such as `network.FIXED_PARAMS`.

    Returns:
        The names of these parameters, sorted.
    """
    backbone = getattr(net, "backbone", None)
    meanings = backbone.caffe_words() if hasattr(backbone, "caffe_words") else {}
    meant = {name for word in words for name in meanings.get(word, ())}
    parts = [word for word in words if word not in meanings]
    fixed = sorted(name for name, parameter in net.collect_params().items()
                   if (name in meant or any(part in name for part in parts)) and parameter.grad_req != "null")
    for name in fixed:
        net.collect_params()[name].grad_req = "null"
    return fixed


def _name(mismatch: str) -> str:
    """The parameter that a line of `param_mismatches` is about."""
    return mismatch.partition(": ")[2].split(" ")[0]


def log_mismatches(logger: logging.Logger, problems: Sequence[str]) -> None:
    """Logs the lines of `param_mismatches`: parameters that were not loaded."""
    if problems:
        logger.info("the parameter file does not fit; these parameters were not loaded:\n  %s", "\n  ".join(problems))


def warn_of_fixed_noise(cfg: CfgNode, fixed: Sequence[str], logger: logging.Logger) -> None:
    """Logs a warning where `network.FIXED_PARAMS` fixes parameters at random values."""
    if fixed and not cfg.network.pretrained:
        logger.info("warning: network.pretrained is empty, so that network.FIXED_PARAMS fixes random weights; "
                    "to train from scratch: network.FIXED_PARAMS [] network.NORM batch")
