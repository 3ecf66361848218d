"""A checkpoint of a Gluon network together with its optimizer, for training loops of one's own too."""
from typing import Any, Dict, Mapping, Optional

from mxnet import gluon

from .arrays import load_arrays
from .checkpoint_files import Content, epoch_tag, read_checkpoint, step_tag, write_checkpoint
from .optimizer_states import restore_trainer, trainer_states
from .parameters import load_parameters, parameter_arrays


def network_content(net: gluon.Block, trainer: gluon.Trainer) -> Content:
    """What a checkpoint of a network and its optimizer holds; `net.classes` are the class names, where it has them."""
    return Content(parameter_arrays(net), *trainer_states(trainer, net), classes=tuple(getattr(net, "classes", ())))


def save_checkpoint(prefix: str, net: gluon.Block, trainer: gluon.Trainer, epoch: int, step: int,
                    facts: Optional[Mapping[str, Any]] = None, whole_epoch: bool = True) -> str:
    """Writes a checkpoint of a network and its optimizer.

    Args:
        whole_epoch: name the checkpoint after the completed epochs, else after the completed steps.
        prefix, epoch, step, facts: see `checkpoint_files.write_checkpoint`.

    Returns:
        PREFIX-TAG.
    """
    tag = epoch_tag(epoch) if whole_epoch else step_tag(step)
    return write_checkpoint(prefix, tag, network_content(net, trainer), epoch, step, facts)


def load_checkpoint(base: str, net: gluon.Block, trainer: Optional[gluon.Trainer] = None,
                    allow_partial: bool = False) -> Dict[str, Any]:
    """Puts a checkpoint into a network and, to go on as if training had not stopped, into its optimizer.

    Args:
        base: PREFIX-TAG.
        net: an initialised network.
        trainer: its optimizer, or None to take the parameters alone.
        allow_partial: see `parameters.load_parameters`.

    Returns:
        The content of the JSON file.

    Raises:
        CheckpointError: the checkpoint is missing, damaged, or does not fit the network.
    """
    state = read_checkpoint(base)
    load_parameters(base + ".params", net, allow_partial)
    if trainer is not None:
        restore_trainer(trainer, net, load_arrays(base + ".states"), state["update_counts"], base + ".states")
    return state
