"""Saves and loads the parameters of a Gluon network in the layout of the MXNet original, without the name's prefix."""
from typing import Dict, List, Sequence

import mxnet as mx
from mxnet.gluon import Block, Parameter

from ...gluon_models.weights.description import shapes_agree
from ...gluon_models.weights.mxnet_files import load_weights
from .arrays import param_mismatches, write_arrays

_STATISTICS = ("running_mean", "running_var", "moving_mean", "moving_var")


def own_parameters(net: Block) -> Dict[str, Parameter]:
    """The parameters of a network by their names without the network's prefix."""
    skip = len(net.prefix)
    return {name[skip if name.startswith(net.prefix) else 0:]: parameter
            for name, parameter in net.collect_params().items()}


def parameter_arrays(net: Block) -> Dict[str, mx.nd.NDArray]:
    """Copies the parameters of a network to the CPU, as `arg:NAME` and, for running statistics, `aux:NAME`.

    Each device keeps statistics of its own images; the copy is their mean. Other parameters are equal on all devices.
    """
    return {role(name) + name: parameter_value(parameter.list_data(), name)
            for name, parameter in own_parameters(net).items()}


def save_parameters(path: str, net: Block) -> None:
    """Writes the parameters of a network to one file, atomically, under `arg:` and `aux:` names."""
    write_arrays(path, parameter_arrays(net))


def load_parameters(path: str, net: Block, allow_partial: bool = False) -> List[str]:
    """Puts the parameters of a file into a network.

    Args:
        path: parameter file, with or without `arg:` and `aux:` before the names.
        net: an initialised network, on any devices; shapes that it does not know yet come from the file.
        allow_partial: load what fits, and return the list of what does not.

    Returns:
        A line for each parameter that does not fit, see `arrays.param_mismatches`.

    Raises:
        CheckpointError: the file cannot be read, or, without `allow_partial`, parameters do not fit; the message lists
            all of them.
    """
    (saved, _), own = load_weights(path), own_parameters(net)
    problems = param_mismatches(path, {name: parameter.shape for name, parameter in own.items()}, saved, allow_partial)
    for name, parameter in own.items():
        if name in saved and shapes_agree(parameter.shape, saved[name].shape):
            parameter.set_data(saved[name].astype(parameter.dtype))
    return problems


def role(name: str) -> str:
    """Returns what stands before the name of a parameter in a file: "aux:" for a running statistic, else "arg:"."""
    return "aux:" if name.endswith(_STATISTICS) else "arg:"


def parameter_value(arrays: Sequence[mx.nd.NDArray], name: str) -> mx.nd.NDArray:
    """Copies a parameter to the CPU, given its arrays on all devices: of a running statistic the mean."""
    if role(name) == "aux:" and len(arrays) > 1:
        return sum(array.copyto(mx.cpu()) for array in arrays) / len(arrays)
    return arrays[0].copyto(mx.cpu())
