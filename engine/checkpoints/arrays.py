"""MXNet files of arrays, numbers and names only: written whole or not at all, read with every misfit listed."""
from collections import Counter
from pathlib import Path

import mxnet as mx

from ...errors import CheckpointError
from ..files import atomic_write

# End of the names under which the MXNet port keeps what its tests load.
TEST = "_test"


def write_arrays(path, arrays):
    """Writes NDArrays by name to an MXNet file, atomically."""
    with atomic_write(path) as temporary:
        mx.nd.save(temporary, arrays)


def load_arrays(path):
    """Array by name of an MXNet file, `arg:` and `aux:` before the names where they are; CheckpointError names it."""
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


def load_weights(path, for_test=False):
    """Array by name of a file of parameters, without `arg:` and `aux:`.

    The MXNet port's files hold the layer of the boxes twice: as trained, and under names that end in `_test` with the
    means and standard deviations of the targets folded in. Of these pairs one is left, under the plain name.

    Parameters
    ----------
    path : str
    for_test : bool
        Take the folded one where there are both.

    Returns
    -------
    arrays : dict
    folded : bool
        Whether the folded one was taken.
    """
    arrays = {name.split(":", 1)[-1]: array for name, array in load_arrays(path).items()}
    pairs = [name for name in arrays if name.endswith(TEST) and name[:-len(TEST)] in arrays]
    for name in pairs:
        array = arrays.pop(name)
        if for_test:
            arrays[name[:-len(TEST)]] = array
    return arrays, bool(pairs) and for_test


def misfits(path, own, saved, allow_partial=False):
    """What of a file does not fit a network.

    Parameters
    ----------
    path : str
        For the message.
    own : dict
        Shape by name of the network's parameters, None or with zeros where not yet known.
    saved : dict
        Array by name, of the file.
    allow_partial : bool
        Return the list in place of raising.

    Returns
    -------
    list of str
        A line for each parameter missing in the file, unknown to the network, or of another shape.

    Raises
    ------
    CheckpointError
        With all of these lines.
    """
    problems = [f"missing in the file: {name} {own[name]}" for name in own if name not in saved]
    problems += [f"unknown to the network: {name} {saved[name].shape}" for name in saved if name not in own]
    problems += [f"other shape: {name} is {saved[name].shape} in the file, {own[name]} in the network"
                 for name in own if name in saved and not fits(own[name], saved[name].shape)]
    if problems and not allow_partial:
        raise CheckpointError(f"{path} does not fit the network:\n  " + "\n  ".join(problems))
    return problems


def fits(own, saved):
    """Whether a saved shape is that of a parameter, whose shape may be unknown, or zero in places."""
    return own is None or (len(own) == len(saved) and all(mine in (0, other) for mine, other in zip(own, saved)))
