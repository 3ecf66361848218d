"""The first values of a detector's parameters: random, pretrained, or fixed as they are."""
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
NEW_LAYER_STD = 0.01


def initialize(cfg: CfgNode, net: TwoStageDetector, ctx: Union[mx.Context, Sequence[mx.Context]],
               pretrained: bool = True, allow_partial: bool = False) -> List[str]:
    """Gives a detector random weights, and then those of `network.pretrained` where the configuration names a file.

    The file must hold the backbone. Of a file that holds a whole detector the other layers are taken too, where they
    fit; output layers for other classes begin anew.

    New layers are normal with standard deviation 0.01 and biases 0 (the MXNet original). Without pretrained weights
    only the output layers are, and all others follow He et al. (arXiv 1502.01852). The layers of a feature pyramid
    begin as `FeaturePyramid` says.

    Args:
        net: the detector, not yet initialised.
        ctx: the devices that hold its parameters.
        pretrained: False where a checkpoint replaces all weights anyway.
        allow_partial: take what the pretrained file has of the backbone, and return what it lacks.

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
    """The parameter file that `network.pretrained` names: a `.params` file, PREFIX-TAG, or the prefix of
    `network.pretrained_epoch`; CheckpointError where it is not there."""
    prefix = cfg.network.pretrained
    with_epoch = f"{prefix}-{cfg.network.pretrained_epoch:04d}.params"
    for path in (prefix, f"{prefix}.params", with_epoch):
        if path.endswith(".params") and Path(path).is_file():
            return path
    raise CheckpointError(f"network.pretrained: there is no file {with_epoch}; name a prefix with "
                          "network.pretrained_epoch, or a .params file")


def backbone_mismatches(path: str, problems: Sequence[str], allow_partial: bool = False) -> List[str]:
    """Of the differences between a file and a backbone, those that matter: what the file has beside it does not.

    A classifier's file holds its last layer too, and a detector's file its other layers.

    Raises:
        CheckpointError: there are some and `allow_partial` is False; the message lists all of them.
    """
    problems = [line for line in problems if not line.startswith("unknown")]
    if problems and not allow_partial:
        raise CheckpointError(f"{path} does not hold the backbone:\n  " + "\n  ".join(problems))
    return problems


def pretrained_summary(path: str, shapes: Mapping[str, Sequence[int]], backbone: Collection[str]) -> str:
    """A line that says what a network has from a pretrained file, and which of its layers are new.

    Args:
        path: the parameter file.
        shapes: shapes of the network's parameters by name.
        backbone: names of those that belong to the backbone.
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
    """Keeps the parameters out of training whose names contain one of the words (`network.FIXED_PARAMS`).

    Returns:
        Their names, sorted.
    """
    fixed = sorted(name for name, parameter in net.collect_params().items()
                   if any(word in name for word in words) and parameter.grad_req != "null")
    for name in fixed:
        net.collect_params()[name].grad_req = "null"
    return fixed


def _name(mismatch: str) -> str:
    """The parameter that a line of `param_mismatches` is about."""
    return mismatch.partition(": ")[2].split(" ")[0]


def log_mismatches(logger: logging.Logger, problems: Sequence[str]) -> None:
    """Logs what of a parameter file was not taken over."""
    if problems:
        logger.info("not taken over, of a file that does not fit:\n  %s", "\n  ".join(problems))


def warn_of_fixed_noise(cfg: CfgNode, fixed: Sequence[str], logger: logging.Logger) -> None:
    """Logs a warning where `network.FIXED_PARAMS` fixes parameters that nothing was loaded into."""
    if fixed and not cfg.network.pretrained:
        logger.info("warning: network.pretrained is empty, so that network.FIXED_PARAMS fixes random weights; "
                    "to train from scratch: network.FIXED_PARAMS [] network.NORM batch")
