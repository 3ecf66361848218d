"""Makes the learning rates and the optimizer that a configuration describes."""
import math
from typing import Any, Callable, Dict, Mapping

from mxnet import gluon
from yacs.config import CfgNode

from ..checkpoints.parameters import own_parameters
from ..config import lr_steps
from ..parallel.group import ALONE, Group
from ..symbolic.weights import backbone_names


def learning_rates(cfg: CfgNode, images: int, steps_per_epoch: int) -> Callable[[int], float]:
    """Makes the function that gives the learning rate of a step.

    `TRAIN.lr` is for one image. Since the gradient is the mean over the batch, the rate is multiplied by `images`. The
    warm-up stays at `TRAIN.warmup_lr` ("constant", the MXNet original) or rises from it ("linear", the TensorFlow
    original). After it, `TRAIN.lr_schedule` decides: "step" multiplies the rate by `TRAIN.lr_factor` at each epoch of
    `TRAIN.lr_step`; "cosine" lowers it along half a cosine, from `TRAIN.lr` in the first step after the warm-up to what
    would be 0 in the step after the last. MXNet's own schedulers are not used, because they refuse a warm-up that
    falls and two drops in one step, which short trainings have.

    Args:
        cfg: the section `TRAIN` is read.
        images: images in a batch, all devices of all processes together.
        steps_per_epoch: batches in an epoch.

    Returns:
        Function from the number of a step, counted from 1, to its learning rate.
    """
    train = cfg.TRAIN
    drops = [int(epoch * steps_per_epoch) for epoch in lr_steps(cfg)]
    first = max(train.warmup_step, 1) if train.warmup else 1  # the first step with the learning rate `TRAIN.lr`
    falling = max(train.end_epoch * steps_per_epoch + 1 - first, 1)

    def share(step: int) -> float:
        if train.lr_schedule == "cosine":
            return (1 + math.cos(math.pi * min((step - first) / falling, 1))) / 2
        return train.lr_factor ** sum(step > drop for drop in drops)

    def rate(step: int) -> float:
        if train.warmup and step < train.warmup_step:
            risen = step / train.warmup_step if train.warmup_method == "linear" else 0
            return images * (train.warmup_lr + risen * (train.lr - train.warmup_lr))
        return images * train.lr * share(step)

    return rate


def optimizer_options(cfg: CfgNode) -> Dict[str, Any]:
    """Returns the arguments of the optimizer that `TRAIN` describes; its learning rate is set again at every step."""
    options = {"wd": cfg.TRAIN.wd, "learning_rate": cfg.TRAIN.lr}
    if cfg.TRAIN.optimizer == "sgd":
        options["momentum"] = cfg.TRAIN.momentum
    if cfg.TRAIN.CLIP_GRADIENT:
        options["clip_gradient"] = cfg.TRAIN.CLIP_GRADIENT
    return options


def build_optimizer(cfg: CfgNode, parameters: Dict[str, gluon.Parameter], group: Group = ALONE) -> gluon.Trainer:
    """Makes the optimizer that `TRAIN` describes, for the parameters whose `grad_req` is not "null".

    Args:
        cfg: the section `TRAIN` and `default.kvstore` are read.
        parameters: of the network, by name.
        group: the processes whose gradients are added up. Each then applies the sum itself, so that each holds the
            states of the optimizer, and a checkpoint has them.
    """
    trained = {name: parameter for name, parameter in parameters.items() if parameter.grad_req != "null"}
    return group.optimizer(trained, cfg.TRAIN.optimizer, optimizer_options(cfg), cfg.default.kvstore)


def set_gluon_factors(cfg: CfgNode, net: gluon.Block) -> None:
    """Sets `lr_mult` and `wd_mult` of a detector's parameters as the MXNet original trains them.

    The learning rate of the neck is multiplied by `TRAIN.LIGHT_HEAD_LR_MULT`, that of the backbone by
    `TRAIN.BACKBONE_LR_MULT`, and that of all biases by `TRAIN.BIAS_LR_MULT`. Weight decay applies to weights and to the
    scales of batch normalization, times `TRAIN.BIAS_WD_MULT` to biases, and not to shifts.
    """
    for parameter in net.backbone.collect_params().values():
        parameter.lr_mult = cfg.TRAIN.BACKBONE_LR_MULT
    if hasattr(net, "neck"):
        for parameter in net.neck.collect_params().values():
            parameter.lr_mult = cfg.TRAIN.LIGHT_HEAD_LR_MULT
    for name, parameter in net.collect_params().items():
        parameter.wd_mult = 1.0 if name.endswith(("_weight", "_gamma")) else 0.0
    _set_bias_factors(cfg, net.collect_params())


def set_graph_factors(cfg: CfgNode, block: gluon.Block) -> None:
    """Multiplies `lr_mult` of the backbone's parameters, in the block of a graph, by `TRAIN.BACKBONE_LR_MULT`.

    That of all biases is multiplied by `TRAIN.BIAS_LR_MULT`, and their decay is `TRAIN.BIAS_WD_MULT`. All other factors
    are attributes of the graph, see `symbolic.blocks.graph_block`.
    """
    parameters = own_parameters(block)
    for name in backbone_names(parameters):
        parameters[name].lr_mult *= cfg.TRAIN.BACKBONE_LR_MULT
    _set_bias_factors(cfg, parameters)


def _set_bias_factors(cfg: CfgNode, parameters: Mapping[str, gluon.Parameter]) -> None:
    for name, parameter in parameters.items():
        if name.endswith("_bias"):
            parameter.lr_mult *= cfg.TRAIN.BIAS_LR_MULT
            parameter.wd_mult = cfg.TRAIN.BIAS_WD_MULT
