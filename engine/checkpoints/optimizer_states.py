"""Copies the states of an optimizer (momenta and update counts), by parameter name, out of a trainer and into one."""
from typing import Any, Dict, List, Mapping, Tuple

import mxnet as mx
from mxnet import gluon

from ...errors import CheckpointError
from .parameters import own_parameters

# Name of the array in the file of an optimizer without states: an MXNet file cannot be empty.
NOTHING = "none"


def trainer_states(trainer: gluon.Trainer, net: gluon.Block) -> Tuple[Dict[str, mx.nd.NDArray], Dict[str, int]]:
    """Copies the states of a trainer's optimizer.

    Args:
        trainer: the optimizer.
        net: the network whose parameters it updates.

    Returns:
        states: arrays on the CPU by parameter name (SGD: momenta) or by `NAME/0` and `NAME/1` (Adam: means of the
            gradients and of their squares), for the parameters that have been updated.
        counts: number of updates by parameter name.
    """
    names = _trainer_names(trainer, net)
    counts = trainer.optimizer._all_index_update_counts
    # All devices hold equal states, because each of them applied the same summed gradients.
    states = {}
    for index, state in _updaters(trainer)[0].states.items():
        if isinstance(state, mx.nd.NDArray):
            states[names[index]] = state.copyto(mx.cpu())
        elif state is not None:
            states.update({f"{names[index]}/{part}": array.copyto(mx.cpu()) for part, array in enumerate(state)})
    return states, {names[index]: count for index, count in counts[min(counts)].items()}


def restore_trainer(trainer: gluon.Trainer, net: gluon.Block, states: Mapping[str, mx.nd.NDArray],
                    counts: Mapping[str, int], path: str = "the file") -> None:
    """Sets the states of a trainer's optimizer, on all of its devices.

    Args:
        trainer, net: see `trainer_states`.
        states, counts: what `trainer_states` returned.
        path: the file that the states come from, for the message.

    Raises:
        CheckpointError: states belong to parameters that are not trained, or have other shapes; the message lists all.
    """
    indices = {name: index for index, name in _trainer_names(trainer, net).items()}
    states = {name: state for name, state in states.items() if name != NOTHING}
    _check(path, {name: trainer._params[index].shape for name, index in indices.items()}, states, counts)
    contexts = trainer._params[0].list_ctx()
    for context, updater in zip(contexts, _updaters(trainer)):
        updater.states = _states_by_index(states, indices, context)
        updater.states_synced = dict.fromkeys(updater.states, True)
    optimizer = trainer.optimizer
    by_index = {indices[name]: count for name, count in counts.items()}
    optimizer._all_index_update_counts = {device: dict(by_index) for device in {0} | {c.device_id for c in contexts}}
    optimizer._index_update_count = optimizer._all_index_update_counts[contexts[0].device_id]
    optimizer.num_update = max(by_index.values(), default=optimizer.begin_num_update)


def _check(path: str, shapes: Mapping[str, Tuple[int, ...]], states: Mapping[str, mx.nd.NDArray],
           counts: Mapping[str, int]) -> None:
    owners = {name: name.partition("/")[0] for name in states}
    problems = [f"not trained here: {name}" for name in sorted((set(owners.values()) | set(counts)) - set(shapes))]
    problems += [f"other shape: {name} is {state.shape} in the file" for name, state in states.items()
                 if owners[name] in shapes and shapes[owners[name]] != state.shape]
    if problems:
        raise CheckpointError(f"{path} does not fit the trainer:\n  " + "\n  ".join(problems))


def _states_by_index(states: Mapping[str, mx.nd.NDArray], indices: Mapping[str, int],
                     context: mx.Context) -> Dict[int, Any]:
    """Returns the states on a device as MXNet's updater holds them: by index, an array or a tuple of arrays."""
    found: Dict[int, Any] = {}
    for name in sorted(states):
        owner, _, part = name.partition("/")
        array = states[name].copyto(context)
        found[indices[owner]] = found.get(indices[owner], ()) + (array,) if part else array
    return found


def _updaters(trainer: gluon.Trainer) -> List[Any]:
    if not trainer._kv_initialized:
        trainer._init_kvstore()
    if trainer._params_to_init:
        trainer._init_params()
    return [trainer._kvstore._updater] if trainer._update_on_kvstore else trainer._updaters


def _trainer_names(trainer: gluon.Trainer, net: gluon.Block) -> Dict[int, str]:
    names = {id(parameter): name for name, parameter in own_parameters(net).items()}
    return {index: names.get(id(parameter), parameter.name) for index, parameter in enumerate(trainer._params)}
