"""Writes MXNet files of named arrays, and compares what one holds with a network's parameters name by name."""
import errno
import os
from pathlib import Path
from typing import List, Mapping, Optional, Sequence

import mxnet as mx
import numpy as np

from ...errors import CheckpointError
from ...gluon_models.weights.description import shapes_agree
from ..files import atomic_write

_Shape = Optional[Sequence[int]]
_PROBE = 1 << 16  # bytes; more than a block of a disk


def write_arrays(path: str, arrays: Mapping[str, mx.nd.NDArray]) -> None:
    """Writes named NDArrays to an MXNet file, atomically."""
    with atomic_write(path) as temporary:
        save_arrays(temporary, arrays)


def save_arrays(path: str, arrays: Mapping[str, mx.nd.NDArray]) -> None:
    """Writes named NDArrays to an MXNet file.

    Raises:
        OSError: the file could not be written whole. MXNet itself calls that an `MXNetError`, or does not notice it
            where only the end of the file is missing.
    """
    with open(path, "wb"):
        pass  # the system's own error where the file cannot be opened
    failure = None
    try:
        mx.nd.save(path, dict(arrays))
    except mx.MXNetError as error:
        failure = error
    if failure is None and Path(path).stat().st_size == saved_size(arrays):
        return
    with open(path, "ab", buffering=0) as file:  # raises what MXNet met
        if file.write(bytes(_PROBE)) < _PROBE:
            file.write(b"0")
    if failure is not None:
        raise failure
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def saved_size(arrays: Mapping[str, mx.nd.NDArray]) -> int:
    """Returns the size in bytes of the file that MXNet writes of named dense arrays."""
    # A header of 24 bytes; for each array 24, its sides of 8 each, and its values; for each name 8 and its text.
    return 24 + sum(24 + 8 * array.ndim + array.size * np.dtype(array.dtype).itemsize + 8 + len(name.encode())
                    for name, array in arrays.items()) + 8


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
