"""Networks that were made from a trained detector without a training: built from arrays, and written as checkpoints."""
from pathlib import Path
from typing import Mapping, Optional, Sequence

import mxnet as mx
from mxnet.gluon import HybridBlock
from yacs.config import CfgNode

from ...errors import UsageError
from ..building.network import build_net
from ..checkpoints.checkpoint_files import Content, epoch_tag, tagged_bases, write_checkpoint
from ..checkpoints.parameters import own_parameters, parameter_arrays
from ..config import checkpoint_prefix, saved_config, with_values
from .loading import possible_prefixes


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


def check_folder(folder: str, prefix: str) -> None:
    """Checks that a folder may take a network by `write_network`: it holds no checkpoint but one that was written so.

    Args:
        folder, prefix: see `write_network`.

    Raises:
        UsageError: there is another one, with which the new one would be taken for the work of one training.
    """
    own = str(Path(folder) / f"{prefix}-{epoch_tag(0)}")
    others = [base for one in possible_prefixes(folder) for base, _ in tagged_bases(one) if base != own]
    if others:
        raise UsageError(f"{folder} holds other checkpoints, such as {others[0]}: name another folder, --out FOLDER")


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
