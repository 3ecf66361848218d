"""Networks that were made from a trained detector without a training: built from arrays, and written as checkpoints."""
from typing import Mapping, Optional, Sequence

import mxnet as mx
from mxnet.gluon import HybridBlock
from yacs.config import CfgNode

from ..building.network import build_net
from ..checkpoints.checkpoint_files import Content, epoch_tag, write_checkpoint
from ..checkpoints.parameters import own_parameters, parameter_arrays
from ..config import checkpoint_prefix, saved_config, with_values


def network_of_arrays(cfg: CfgNode, classes: Sequence[str], arrays: Mapping[str, mx.nd.NDArray],
                      contexts: Sequence[mx.Context]) -> HybridBlock:
    """Returns the network that a configuration describes, with given parameters.

    Args:
        cfg: from `load_config`.
        classes: class names, background not among them.
        arrays: a value of each parameter, by its name.
        contexts: the devices that hold the parameters.
    """
    net = build_net(cfg, classes)
    net.initialize(ctx=list(contexts))
    for name, parameter in own_parameters(net).items():
        parameter.set_data(arrays[name])
    net.hybridize()
    return net


def write_network(net: HybridBlock, cfg: CfgNode, folder: str, prefix: Optional[str] = None) -> str:
    """Writes a network as a checkpoint that brings its configuration along; returns PREFIX-TAG.

    Args:
        net: the network.
        cfg: its configuration.
        folder: takes the files; it becomes the `output_path` of the configuration.
        prefix: of the files' names; by default the `TRAIN.model_prefix` of the configuration.
    """
    cfg = with_values(cfg, {"output_path": folder, "TRAIN.model_prefix": prefix or cfg.TRAIN.model_prefix})
    content = Content(parameter_arrays(net), {}, {}, net.classes)
    return write_checkpoint(checkpoint_prefix(cfg), epoch_tag(0), content, 0, 0, {"config": saved_config(cfg)})
