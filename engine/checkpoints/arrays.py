"""Reads and writes MXNet files of named arrays, and compares them with a network's parameters name by name."""
from collections import Counter
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import mxnet as mx

from ...errors import CheckpointError
from ..files import atomic_write

# The MXNet original saves the box layer twice; its tests load the copy whose name ends with this.
TEST_SUFFIX = "_test"
_Shape = Optional[Sequence[int]]


def write_arrays(path: str, arrays: Mapping[str, mx.nd.NDArray]) -> None:
    """Writes named NDArrays to an MXNet file, atomically."""
    with atomic_write(path) as temporary:
        mx.nd.save(temporary, dict(arrays))


def load_arrays(path: str) -> Dict[str, mx.nd.NDArray]:
    """Reads the named arrays of an MXNet file; names keep `arg:` and `aux:` where the file has them.

    Raises:
        CheckpointError: the file is missing, is no MXNet parameter file, or has one name both as `arg:` and as `aux:`.
    """
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


def load_weights(path: str, for_test: bool = False) -> Tuple[Dict[str, mx.nd.NDArray], bool]:
    """Reads the parameters of a file, without `arg:` and `aux:` before their names.

    The files of the MXNet original hold the box layer twice: as it is trained, and under names that end in `_test` with
    the means and standard deviations of the box targets folded in. One of each pair is returned, under the plain name.

    Args:
        path: the parameter file.
        for_test: return the folded layer of such a pair in place of the trained one.

    Returns:
        The arrays by name, and whether a folded layer is among them.
    """
    arrays = {name.split(":", 1)[-1]: array for name, array in load_arrays(path).items()}
    pairs = [name for name in arrays if name.endswith(TEST_SUFFIX) and name[:-len(TEST_SUFFIX)] in arrays]
    for name in pairs:
        folded = arrays.pop(name)
        if for_test:
            arrays[name[:-len(TEST_SUFFIX)]] = folded
    return arrays, bool(pairs) and for_test


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


def shapes_agree(own: _Shape, saved: Sequence[int]) -> bool:
    """True where a saved array can be a parameter's; an unknown shape (None) or side (0) of it agrees with any."""
    return own is None or (len(own) == len(saved) and all(mine in (0, other) for mine, other in zip(own, saved)))
