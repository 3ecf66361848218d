"""What an optimizer remembers, by the names of the parameters: read from a trainer, and put into one."""
import mxnet as mx
from ...errors import CheckpointError



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
    counts = trainer.optimizer._all_index_update_counts
    # All devices hold equal states: they saw the same summed gradients.
    return (states_by_name(_updaters(trainer)[0].states, names),
            {names[index]: count for index, count in counts[min(counts)].items()})


def states_by_name(states, names):
    """`trainer_states` of an updater's own dict by index; `names` has the name of every index."""
    found = {}
    for index, state in states.items():
        if isinstance(state, mx.nd.NDArray):
            found[names[index]] = state.copyto(mx.cpu())
        elif state is not None:
            found.update({f"{names[index]}/{part}": array.copyto(mx.cpu()) for part, array in enumerate(state)})
    return found


def restore_trainer(trainer, net, states, counts, path="the file"):
    """Makes the optimizer remember what `trainer_states` returned, on all of the trainer's devices.

    Raises
    ------
    CheckpointError
        A state of a parameter that is not trained or has another shape; every one is listed.
    """
    indices = {name: index for index, name in _trainer_names(trainer, net).items()}
    states = checked_states(path, {name: trainer._params[index].shape for name, index in indices.items()}, states,
                            counts)
    contexts = trainer._params[0].list_ctx()
    for device, updater in enumerate(_updaters(trainer)):
        updater.states = states_by_index(states, indices, contexts[device])
        updater.states_synced = dict.fromkeys(updater.states, True)
    optimizer = trainer.optimizer
    by_index = {indices[name]: count for name, count in counts.items()}
    optimizer._all_index_update_counts = {device: dict(by_index) for device in {0} | {c.device_id for c in contexts}}
    optimizer._index_update_count = optimizer._all_index_update_counts[contexts[0].device_id]
    optimizer.num_update = max(by_index.values(), default=optimizer.begin_num_update)


def checked_states(path, shapes, states, counts):
    """`states` without what only fills an empty file; CheckpointError lists those that fit no parameter.

    Parameters
    ----------
    path : str
        For the message.
    shapes : dict
        Shape by name of the parameters that are trained.
    states, counts : dict
        As from `trainer_states`.
    """
    states = {name: state for name, state in states.items() if name != "none"}
    owners = {name: name.partition("/")[0] for name in states}
    problems = [f"not trained here: {name}" for name in sorted((set(owners.values()) | set(counts)) - set(shapes))]
    problems += [f"other shape: {name} is {state.shape} in the file" for name, state in states.items()
                 if owners[name] in shapes and shapes[owners[name]] != state.shape]
    if problems:
        raise CheckpointError(f"{path} does not fit the trainer:\n  " + "\n  ".join(problems))
    return states


def states_by_index(states, indices, context):
    """An updater's own dict of `trainer_states`: an array a parameter, or a tuple of them, on a device."""
    found = {}
    for name in sorted(states):
        owner, _, part = name.partition("/")
        array = states[name].copyto(context)
        found[indices[owner]] = found.get(indices[owner], ()) + (array,) if part else array
    return found


def own_parameters(net):
    """{name without the block's prefix: Parameter}."""
    skip = len(net.prefix)
    return {name[skip if name.startswith(net.prefix) else 0:]: parameter
            for name, parameter in net.collect_params().items()}


def _updaters(trainer):
    if not trainer._kv_initialized:
        trainer._init_kvstore()
    if trainer._params_to_init:
        trainer._init_params()
    return [trainer._kvstore._updater] if trainer._update_on_kvstore else trainer._updaters


def _trainer_names(trainer, net):
    names = {id(parameter): name for name, parameter in own_parameters(net).items()}
    return {index: names.get(id(parameter), parameter.name) for index, parameter in enumerate(trainer._params)}
