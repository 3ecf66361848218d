"""Saves and loads checkpoints of a Gluon network with its optimizer; training loops of your own can use them too."""
from typing import Any, Dict, Mapping, Optional

from mxnet import gluon

from ...gluon_models.weights.mxnet_files import load_arrays
from .checkpoint_files import Content, epoch_tag, step_tag, verify_checkpoint, write_checkpoint
from .optimizer_states import restore_trainer, trainer_states
from .parameters import load_parameters, own_parameters, parameter_arrays
from .raw_weights import split_raw_weights


def network_content(net: gluon.Block, trainer: gluon.Trainer) -> Content:
    """Collects what a checkpoint of a network and its optimizer holds, with `net.classes` where the network has it."""
    return Content(parameter_arrays(net), *trainer_states(trainer, net), classes=tuple(getattr(net, "classes", ())))


def save_checkpoint(prefix: str, net: gluon.Block, trainer: gluon.Trainer, epoch: int, step: int,
                    facts: Optional[Mapping[str, Any]] = None, whole_epoch: bool = True) -> str:
    """Writes a checkpoint of a network and its optimizer.

    Args:
        prefix, epoch, step, facts: see `checkpoint_files.write_checkpoint`.
        whole_epoch: the tag is the number of completed epochs; otherwise it is that of completed steps.

    Returns:
        PREFIX-TAG.
    """
    tag = epoch_tag(epoch) if whole_epoch else step_tag(step)
    return write_checkpoint(prefix, tag, network_content(net, trainer), epoch, step, facts)


def load_checkpoint(base: str, net: gluon.Block, trainer: Optional[gluon.Trainer] = None,
                    allow_partial: bool = False) -> Dict[str, Any]:
    """Loads a checkpoint into a network and, so that training goes on as if it had not stopped, into its optimizer.

    Args:
        base: PREFIX-TAG.
        net: an initialised network.
        trainer: its optimizer; None loads the parameters alone. Where the checkpoint holds averaged weights, the
            network gets those without a trainer, and with one the weights that training goes on from.
        allow_partial: see `parameters.load_parameters`.

    Returns:
        The content of the JSON file.

    Raises:
        CheckpointError: the checkpoint is missing, damaged, or does not fit the network.
    """
    state = verify_checkpoint(base)
    load_parameters(base + ".params", net, allow_partial)
    if trainer is not None:
        restore_training(base, net, trainer, state["update_counts"])
    return state


def restore_training(base: str, net: gluon.Block, trainer: gluon.Trainer, counts: Mapping[str, int]) -> None:
    """Restores what the states of the checkpoint PREFIX-TAG hold: the optimizer, and weights without their average.

    Args:
        base: PREFIX-TAG.
        net: the network, with the parameters of the checkpoint.
        trainer: its optimizer.
        counts: the entry "update_counts" of the JSON file.
    """
    states, weights = split_raw_weights(load_arrays(base + ".states"))
    restore_trainer(trainer, net, states, counts, base + ".states")
    own = own_parameters(net)
    for name, array in weights.items():
        own[name].set_data(array)
