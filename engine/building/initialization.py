"""Sets the first values of a detector's parameters, random or pretrained, and fixes those that are not trained."""
import logging
from typing import Collection, Dict, Iterable, List, Sequence, Union

import mxnet as mx
from mxnet.gluon import Block
from yacs.config import CfgNode

from ...gluon_models import RoIDetector
from ..checkpoints.parameters import own_parameters
from ..config import KEYS
from .pretrained import PretrainedReport, take_pretrained

# Standard deviation of the first weights of layers that no pretrained file has.
NEW_LAYER_STD = 0.01


def initialize(cfg: CfgNode, net: RoIDetector, ctx: Union[mx.Context, Sequence[mx.Context]],
               pretrained: bool = True, allow_partial: bool = False) -> PretrainedReport:
    """Gives a detector random weights, and then those of `network.pretrained` where the configuration names a file.

    The file must hold the backbone. If it holds a whole detector, its other layers are loaded too, where their shapes
    fit; output layers for other classes keep their random weights. See `pretrained.take_pretrained`.

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
        What was taken from the file.

    Raises:
        CheckpointError: there is no such file, or, without `allow_partial`, it does not hold the whole backbone.
    """
    he, normal = mx.init.MSRAPrelu(factor_type="in", slope=0), mx.init.Normal(NEW_LAYER_STD)
    for block in net.output_layers:
        block.initialize(normal, ctx=ctx)
    net.features.initialize(he, ctx=ctx)
    for block in net.hidden_layers:
        block.initialize(normal if cfg.network.pretrained else he, ctx=ctx)
    if not cfg.network.pretrained or not pretrained:
        return PretrainedReport()
    own = own_parameters(net)
    shapes = {name: parameter.shape for name, parameter in own.items()}
    arrays, report = take_pretrained(cfg, shapes, own_parameters(net.backbone), net.classes, allow_partial)
    for name, array in arrays.items():
        own[name].set_data(mx.nd.array(array, dtype=own[name].dtype))
    return report


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
    meanings = caffe_meanings(net)
    meant = {name for word in words for name in meanings.get(word, ())}
    parts = [word for word in words if word not in meanings]
    fixed = sorted(name for name, parameter in net.collect_params().items()
                   if (name in meant or any(part in name for part in parts)) and parameter.grad_req != "null")
    for name in fixed:
        net.collect_params()[name].grad_req = "null"
    return fixed


def warn_of_idle_words(cfg: CfgNode, names: Iterable[str], logger: logging.Logger,
                       meanings: Collection[str] = ()) -> None:
    """Warns of words of `network.FIXED_PARAMS` that fit no parameter, and so fix nothing.

    Nothing is said of words of the defaults, which are those of one backbone.

    Args:
        cfg: its key `network.FIXED_PARAMS` is read.
        names: of the network's parameters.
        logger: takes the warning.
        meanings: words that mean parameters with other names, see `fix_parameters`.
    """
    names = list(names)
    usual = {word for key in ("FIXED_PARAMS", "FIXED_PARAMS_SHARED") for word in KEYS[f"network.{key}"].default}
    idle = [word for word in cfg.network.FIXED_PARAMS
            if word not in usual and word not in meanings and not any(word in name for name in names)]
    if idle:
        logger.warning("network.FIXED_PARAMS: no parameter has a name with %s in it, so that nothing is fixed by %s; "
                       "names are such as %s", " or ".join(map(repr, idle)), "them" if idle[1:] else "it",
                       ", ".join(names[:3]))


def caffe_meanings(net: Block) -> Dict[str, List[str]]:
    """Returns the names of the parameters that words of Caffe's ResNet mean; empty where they have such names."""
    backbone = getattr(net, "backbone", None)
    return backbone.caffe_words() if hasattr(backbone, "caffe_words") else {}


def log_mismatches(logger: logging.Logger, problems: Sequence[str]) -> None:
    """Logs the lines of `param_mismatches`: parameters that were not loaded."""
    if problems:
        logger.info("the parameter file does not fit; these parameters were not loaded:\n  %s", "\n  ".join(problems))


def log_pretrained(logger: logging.Logger, report: PretrainedReport) -> None:
    """Logs what a network took from a file of weights, and what of its backbone the file lacks."""
    log_mismatches(logger, report.problems)
    if report.text:
        logger.info("%s", report.text)


def warn_of_fixed_layers(cfg: CfgNode, fixed: Sequence[str], logger: logging.Logger) -> None:
    """Logs a warning where `network.FIXED_PARAMS` fixes parameters at random values, or layers that are normalized by
    each batch all the same."""
    if fixed and not cfg.network.pretrained:
        logger.info("warning: network.pretrained is empty, so that network.FIXED_PARAMS fixes random weights; "
                    "to train from scratch: network.FIXED_PARAMS [] network.NORM batch")
    elif cfg.network.NORM == "batch" and any(not name.endswith(("_gamma", "_beta")) for name in fixed):
        logger.info("warning: network.NORM is batch, so that the layers that network.FIXED_PARAMS fixes are normalized "
                    "by each batch in training and by stored statistics in tests; to keep them as they are: "
                    "network.NORM frozen")
