"""Checkpoints: parameters, optimizer states and a JSON file that says they are whole. Nothing in them can run code.

A checkpoint PREFIX-TAG is three files. TAG is the number of completed epochs ("0007") or, inside an epoch, of completed
steps ("step00001234").

PREFIX-TAG.params   parameters in the MXNet port's layout: names `arg:NAME` and, for running statistics, `aux:NAME`
PREFIX-TAG.states   what the optimizer remembers, an MXNet file of arrays named after their parameters
PREFIX-TAG.json     step, epoch, classes, update counts, what the trainer adds, and the sizes of the two others; it is
                    written last, and a checkpoint without it, or with other sizes, does not count
"""
import json
import re
from pathlib import Path

import mxnet as mx

from ...errors import CheckpointError
from .arrays import fits, load_arrays, load_weights, misfits, write_arrays
from ..files import write_json
from .optimizer_states import own_parameters, restore_trainer, trainer_states

_FORMAT = 1
_STATISTICS = ("running_mean", "running_var", "moving_mean", "moving_var")


def save_checkpoint(prefix, net, trainer, epoch, step, state=None, whole_epoch=True):
    """Writes one checkpoint, file by file, each whole or not at all.

    Parameters
    ----------
    prefix : str
        Path that the files' names start with; its folder is made.
    net : Block
        Its parameters are stored without the block's prefix.
    trainer : gluon.Trainer
    epoch, step : int
        Completed epochs, and completed steps since the start of training.
    state : dict, optional
        More for the JSON file, e.g. {"config": training_keys(cfg)}.
    whole_epoch : bool
        False inside an epoch. Such a checkpoint goes once a later one is whole; those of whole epochs stay.

    Returns
    -------
    str
        PREFIX-TAG.
    """
    return write_checkpoint(prefix, lambda: (parameter_arrays(net), *trainer_states(trainer, net)),
                            getattr(net, "classes", ()), epoch, step, state, whole_epoch)


def write_checkpoint(prefix, content, classes, epoch, step, state=None, whole_epoch=True):
    """`save_checkpoint` of anything: `content()` gives the arrays of the parameters' file, those of the optimizer's
    file, and the numbers of updates, each a dict by name."""
    base = f"{prefix}-{epoch:04d}" if whole_epoch else f"{prefix}-step{step:08d}"
    # Without its JSON file an old checkpoint of the same name does not count while it is replaced.
    _remove(Path(base + ".json"))
    arrays, states, counts = content()
    write_arrays(base + ".params", arrays)
    # An MXNet file cannot be empty; plain SGD has no states.
    write_arrays(base + ".states", states or {"none": mx.nd.zeros(1)})
    sizes = {end: Path(base + end).stat().st_size for end in (".params", ".states")}
    write_json(base + ".json", dict(
        state or {}, format=_FORMAT, epoch=epoch, step=step, classes=list(classes), update_counts=counts, sizes=sizes))
    for other, other_step, other_whole in _checkpoints(prefix):
        if not other_whole and other_step <= step and other != base:
            for end in (".json", ".states", ".params"):
                _remove(Path(other + end))
    return base


def latest_checkpoint(prefix):
    """PREFIX-TAG of the checkpoint with the most steps that is whole, or None."""
    found = _checkpoints(prefix)
    return max(found, key=lambda item: item[1:])[0] if found else None


def load_checkpoint(base, net, trainer=None, allow_partial=False):
    """Puts a checkpoint into a network and its trainer.

    Parameters
    ----------
    base : str
        PREFIX-TAG.
    net : Block
        Initialised.
    trainer : gluon.Trainer, optional
        To continue training as if it had not stopped.
    allow_partial : bool
        See `load_parameters`.

    Returns
    -------
    dict
        The JSON file's content.

    Raises
    ------
    CheckpointError
        Not there, not whole, or not of this network.
    """
    state = read_state(base)
    load_parameters(base + ".params", net, allow_partial)
    if trainer is not None:
        restore_trainer(trainer, net, load_arrays(base + ".states"), state["update_counts"], base + ".states")
    return state


def read_state(base):
    """The JSON content of the checkpoint PREFIX-TAG, checked to be whole; CheckpointError otherwise."""
    path = Path(base + ".json")
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {base}: without {path} nothing counts as one")
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        wanted, kind = state["sizes"], state["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is not a checkpoint's JSON file: {error!r}") from None
    if kind != _FORMAT:
        raise CheckpointError(f"{path} has format {kind}; this version reads {_FORMAT}")
    for end, size in wanted.items():
        file = Path(base + end)
        if not file.is_file() or file.stat().st_size != size:
            raise CheckpointError(f"{file} is missing or not whole: the checkpoint was damaged after it was written")
    return state


def save_parameters(path, net):
    """Writes a network's parameters to one file, atomically, under `arg:` and `aux:` names."""
    write_arrays(path, parameter_arrays(net))


def parameter_arrays(net):
    """{`arg:NAME` or `aux:NAME`: array on the CPU} of a network's parameters."""
    return {_role(name) + name: _value(parameter, name) for name, parameter in own_parameters(net).items()}


def load_parameters(path, net, allow_partial=False):
    """Puts the parameters of a file, with or without `arg:` and `aux:` before their names, into a network.

    Parameters
    ----------
    path : str
    net : Block
        Initialised, on whatever devices; shapes not yet known come from the file.
    allow_partial : bool
        Load what fits, and return what does not in place of raising.

    Returns
    -------
    list of str
        What does not fit, see `arrays.misfits`.

    Raises
    ------
    CheckpointError
        Unreadable file; without `allow_partial` also when a parameter does not fit, naming every one of them.
    """
    (saved, _), own = load_weights(path), own_parameters(net)
    problems = misfits(path, {name: parameter.shape for name, parameter in own.items()}, saved, allow_partial)
    for name, parameter in own.items():
        if name in saved and fits(parameter.shape, saved[name].shape):
            parameter.set_data(saved[name].astype(parameter.dtype))
    return problems


def _checkpoints(prefix):
    """[(PREFIX-TAG, completed steps, at the end of an epoch)] of the checkpoints that are whole."""
    prefix = Path(prefix)
    pattern = re.compile(re.escape(prefix.name) + r"-(\d{4,}|step\d{8,})\.json")
    found = []
    for path in sorted(prefix.parent.glob("*.json")):
        match = pattern.fullmatch(path.name)
        if match:
            base = str(path.with_suffix(""))
            try:
                found.append((base, read_state(base)["step"], match.group(1).isdecimal()))
            except (CheckpointError, KeyError):
                continue
    return found


def _role(name):
    return "aux:" if name.endswith(_STATISTICS) else "arg:"


def _value(parameter, name):
    arrays = parameter.list_data()
    if _role(name) == "aux:" and len(arrays) > 1:
        # Every device has statistics of its own images.
        return sum(array.copyto(mx.cpu()) for array in arrays) / len(arrays)
    return arrays[0].copyto(mx.cpu())


def _remove(path):
    try:
        path.unlink()
    except FileNotFoundError:
        pass
