"""Learning rates and optimizers that a configuration describes."""
from typing import Any, Callable, Dict

from mxnet import gluon
from yacs.config import CfgNode

from ..config import lr_steps


def learning_rates(cfg: CfgNode, images: int, steps_per_epoch: int) -> Callable[[int], float]:
    """Makes the function from the number of a step, counted from 1, to its learning rate.

    `TRAIN.lr` is for one image: the gradient is the mean over the batch, so that it is multiplied by `images`. Warm-up
    stays at `warmup_lr` ("constant", the MXNet original) or rises from it ("linear", the TensorFlow original). MXNet's
    own schedulers refuse a warm-up from above and two drops in one step, which short trainings have.

    Args:
        images: images of a batch, all devices together.
    """
    train = cfg.TRAIN
    drops = [int(epoch * steps_per_epoch) for epoch in lr_steps(cfg)]

    def rate(step: int) -> float:
        if train.warmup and step < train.warmup_step:
            risen = step / train.warmup_step if train.warmup_method == "linear" else 0
            return images * (train.warmup_lr + risen * (train.lr - train.warmup_lr))
        return images * train.lr * train.lr_factor ** sum(step > drop for drop in drops)

    return rate


def optimizer_options(cfg: CfgNode) -> Dict[str, Any]:
    """Arguments of the optimizer that `TRAIN` describes; its learning rate is set at every step."""
    options = {"wd": cfg.TRAIN.wd, "learning_rate": cfg.TRAIN.lr}
    if cfg.TRAIN.optimizer == "sgd":
        options["momentum"] = cfg.TRAIN.momentum
    if cfg.TRAIN.CLIP_GRADIENT:
        options["clip_gradient"] = cfg.TRAIN.CLIP_GRADIENT
    return options


def build_optimizer(cfg: CfgNode, parameters: Dict[str, gluon.Parameter]) -> gluon.Trainer:
    """Makes the optimizer that `TRAIN` describes over those of the parameters that learn."""
    trained = {name: parameter for name, parameter in parameters.items() if parameter.grad_req != "null"}
    return gluon.Trainer(trained, cfg.TRAIN.optimizer, optimizer_options(cfg), kvstore=cfg.default.kvstore,
                         update_on_kvstore=False)


def set_gluon_factors(cfg: CfgNode, net: gluon.Block) -> None:
    """Sets the factors of the learning rate and the decay that MXNet's Module gives the MXNet original's layers.

    The thin map learns `TRAIN.LIGHT_HEAD_LR_MULT` times as fast; biases and shifts do not decay.
    """
    for parameter in net.neck.collect_params().values():
        parameter.lr_mult = cfg.TRAIN.LIGHT_HEAD_LR_MULT
    for name, parameter in net.collect_params().items():
        parameter.wd_mult = 1.0 if name.endswith(("_weight", "_gamma")) else 0.0
