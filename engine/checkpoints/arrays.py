"""Writes MXNet files of named arrays, and compares what one holds with a network's parameters name by name."""
from typing import List, Mapping, Optional, Sequence

import mxnet as mx

from ...errors import CheckpointError
from ...gluon_models.weights.description import shapes_agree
from ..files import atomic_write

_Shape = Optional[Sequence[int]]


def write_arrays(path: str, arrays: Mapping[str, mx.nd.NDArray]) -> None:
    """Writes named NDArrays to an MXNet file, atomically."""
    with atomic_write(path) as temporary:
        mx.nd.save(temporary, dict(arrays))


def param_mismatches(path: str, own: Mapping[str, _Shape], saved: Mapping[str, mx.nd.NDArray],
                     allow_partial: bool = False) -> List[str]:
    """Lists the parameters in which a file and a network differ.

    Args:
        path: the file, for the message.
        own: shape of each parameter of the network by name. An unknown shape is None, an unknown side is 0.
        saved: arrays of the file by name.
        allow_partial: return a list that is not empty instead of raising an error.

    Returns:
        One line for each parameter that is missing in the file, unknown to the network, or of another shape.

    Raises:
        CheckpointError: the list is not empty, and `allow_partial` is False; the message holds all of its lines.
    """
    problems = [f"missing in the file: {name} {own[name]}" for name in own if name not in saved]
    problems += [f"unknown to the network: {name} {saved[name].shape}" for name in saved if name not in own]
    problems += [f"other shape: {name} is {saved[name].shape} in the file, {own[name]} in the network"
                 for name in own if name in saved and not shapes_agree(own[name], saved[name].shape)]
    if problems and not allow_partial:
        raise CheckpointError(f"{path} does not fit the network:\n  " + "\n  ".join(problems))
    return problems
