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
from collections import Counter
from pathlib import Path

import mxnet as mx

from .files import atomic_write, write_json

_FORMAT = 1
_STATISTICS = ("running_mean", "running_var", "moving_mean", "moving_var")


class CheckpointError(ValueError):
    """A checkpoint that cannot be read or does not fit the network; the message names the file."""


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
    base = f"{prefix}-{epoch:04d}" if whole_epoch else f"{prefix}-step{step:08d}"
    # Without its JSON file an old checkpoint of the same name does not count while it is replaced.
    _remove(Path(base + ".json"))
    save_parameters(base + ".params", net)
    states, counts = trainer_states(trainer, net)
    # An MXNet file cannot be empty; plain SGD has no states.
    with atomic_write(base + ".states") as temporary:
        mx.nd.save(temporary, states or {"none": mx.nd.zeros(1)})
    sizes = {end: Path(base + end).stat().st_size for end in (".params", ".states")}
    write_json(base + ".json", dict(
        state or {}, format=_FORMAT, epoch=epoch, step=step, classes=list(getattr(net, "classes", ())),
        update_counts=counts, sizes=sizes))
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
        restore_trainer(trainer, net, _load_arrays(base + ".states"), state["update_counts"], base + ".states")
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
    arrays = {_role(name) + name: _value(parameter, name) for name, parameter in _parameters(net).items()}
    with atomic_write(path) as temporary:
        mx.nd.save(temporary, arrays)


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
        A line for each parameter missing in the file, unknown to the network, or of another shape.

    Raises
    ------
    CheckpointError
        Unreadable file; without `allow_partial` also when a parameter does not fit, naming every one of them.
    """
    saved = {name.split(":", 1)[-1]: array for name, array in _load_arrays(path).items()}
    own = _parameters(net)
    problems = [f"missing in the file: {name} {own[name].shape}" for name in own if name not in saved]
    problems += [f"unknown to the network: {name} {saved[name].shape}" for name in saved if name not in own]
    problems += [f"other shape: {name} is {saved[name].shape} in the file, {own[name].shape} in the network"
                 for name in own if name in saved and not _fits(own[name].shape, saved[name].shape)]
    if problems and not allow_partial:
        raise CheckpointError(f"{path} does not fit the network:\n  " + "\n  ".join(problems))
    for name, parameter in own.items():
        if name in saved and _fits(parameter.shape, saved[name].shape):
            parameter.set_data(saved[name].astype(parameter.dtype))
    return problems


def trainer_states(trainer, net):
    """What the optimizer remembers.

    Returns
    -------
    states : dict
        NDArray on the CPU by parameter name (SGD: momenta) or by `NAME/0`, `NAME/1` (Adam: means of the gradients and
        of their squares), of the parameters that have been updated.
    counts : dict
        Parameter name to number of updates.
    """
    names = _trainer_names(trainer, net)
    states = {}
    # All devices hold equal states: they saw the same summed gradients.
    for index, state in _updaters(trainer)[0].states.items():
        if isinstance(state, mx.nd.NDArray):
            states[names[index]] = state.copyto(mx.cpu())
        elif state is not None:
            states.update({f"{names[index]}/{part}": array.copyto(mx.cpu()) for part, array in enumerate(state)})
    counts = trainer.optimizer._all_index_update_counts
    return states, {names[index]: count for index, count in counts[min(counts)].items()}


def restore_trainer(trainer, net, states, counts, path="the file"):
    """Makes the optimizer remember what `trainer_states` returned, on all of the trainer's devices.

    Raises
    ------
    CheckpointError
        A state of a parameter that is not trained or has another shape; every one is listed.
    """
    indices = {name: index for index, name in _trainer_names(trainer, net).items()}
    states = {name: state for name, state in states.items() if name != "none"}
    owners = {name: name.partition("/")[0] for name in states}
    unknown = (set(owners.values()) | set(counts)) - set(indices)
    problems = [f"not trained here: {name}" for name in sorted(unknown)]
    problems += [f"other shape: {name} is {state.shape} in the file" for name, state in states.items()
                 if owners[name] in indices and trainer._params[indices[owners[name]]].shape != state.shape]
    if problems:
        raise CheckpointError(f"{path} does not fit the trainer:\n  " + "\n  ".join(problems))
    contexts = trainer._params[0].list_ctx()
    for device, updater in enumerate(_updaters(trainer)):
        updater.states = _by_index(states, indices, contexts[device])
        updater.states_synced = dict.fromkeys(updater.states, True)
    optimizer = trainer.optimizer
    by_index = {indices[name]: count for name, count in counts.items()}
    optimizer._all_index_update_counts = {device: dict(by_index) for device in {0} | {c.device_id for c in contexts}}
    optimizer._index_update_count = optimizer._all_index_update_counts[contexts[0].device_id]
    optimizer.num_update = max(by_index.values(), default=optimizer.begin_num_update)


def _by_index(states, indices, context):
    """The updater's own form of `trainer_states`: an array a parameter, or a tuple of them."""
    found = {}
    for name in sorted(states):
        owner, _, part = name.partition("/")
        array = states[name].copyto(context)
        found[indices[owner]] = found.get(indices[owner], ()) + (array,) if part else array
    return found


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


def _updaters(trainer):
    if not trainer._kv_initialized:
        trainer._init_kvstore()
    if trainer._params_to_init:
        trainer._init_params()
    return [trainer._kvstore._updater] if trainer._update_on_kvstore else trainer._updaters


def _parameters(net):
    """{name without the block's prefix: Parameter}."""
    skip = len(net.prefix)
    return {name[skip if name.startswith(net.prefix) else 0:]: parameter
            for name, parameter in net.collect_params().items()}


def _trainer_names(trainer, net):
    names = {id(parameter): name for name, parameter in _parameters(net).items()}
    return {index: names.get(id(parameter), parameter.name) for index, parameter in enumerate(trainer._params)}


def _role(name):
    return "aux:" if name.endswith(_STATISTICS) else "arg:"


def _value(parameter, name):
    arrays = parameter.list_data()
    if _role(name) == "aux:" and len(arrays) > 1:
        # Every device has statistics of its own images.
        return sum(array.copyto(mx.cpu()) for array in arrays) / len(arrays)
    return arrays[0].copyto(mx.cpu())


def _fits(own, saved):
    return own is None or (len(own) == len(saved) and all(mine in (0, other) for mine, other in zip(own, saved)))


def _load_arrays(path):
    if not Path(path).is_file():
        raise CheckpointError(f"there is no file {path}")
    try:
        arrays = mx.nd.load(str(path))
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        raise CheckpointError(f"{path} cannot be read as an MXNet parameter file: {reason}") from None
    if not isinstance(arrays, dict):
        raise CheckpointError(f"{path} holds arrays without names")
    twice = [name for name, count in Counter(name.split(":", 1)[-1] for name in arrays).items() if count > 1]
    if twice:
        raise CheckpointError(f"{path} holds {', '.join(twice)} both as arg: and as aux:")
    return arrays


def _remove(path):
    try:
        path.unlink()
    except FileNotFoundError:
        pass
