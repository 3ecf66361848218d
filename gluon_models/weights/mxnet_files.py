"""Reads MXNet's files of named arrays: those of the MXNet original, of this package and of GluonCV."""
from collections import Counter
from pathlib import Path
from typing import Dict, Tuple

import mxnet as mx
import numpy as np

from ...errors import CheckpointError
from . import gluoncv
from .description import Weights, float_array, from_bfloat16
from .mxnet_layout import check_layout
from .own_places import with_parameter_names

# The MXNet original saves the box layer twice; its tests load the copy whose name ends with this.
TEST_SUFFIX = "_test"


def load_arrays(path: str) -> Dict[str, mx.nd.NDArray]:
    """Reads the named arrays of an MXNet file; names keep `arg:` and `aux:` where the file has them.

    Those in bfloat16 become float32.

    Raises:
        CheckpointError: the file is missing, is no MXNet parameter file, or has one name both as `arg:` and as `aux:`.
    """
    if not Path(path).is_file():
        raise CheckpointError(f"there is no file {path}")
    try:
        check_layout(path)
    except (ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CheckpointError(f"{path} cannot be read as an MXNet parameter file: {reason}") from None
    try:
        arrays = mx.nd.load(str(path)) or {}  # no arrays are read as a list
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        raise CheckpointError(f"{path} cannot be read as an MXNet parameter file: {reason}") from None
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path} is damaged: a name in it is no text ({error})") from None
    if not isinstance(arrays, dict):
        raise CheckpointError(f"{path} holds arrays without names")
    twice = [name for name, count in Counter(name.split(":", 1)[-1] for name in arrays).items() if count > 1]
    if twice:
        raise CheckpointError(f"{path} holds {', '.join(twice)} both as arg: and as aux:")
    return {name: mx.nd.array(from_bfloat16(array.asnumpy().view("<u2"))) if np.dtype(array.dtype).names else array
            for name, array in arrays.items()}


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


def read_mxnet(path: str) -> Weights:
    """Reads an MXNet file of parameters.

    Args:
        path: of the MXNet original, of this package, or of GluonCV's model zoo, as `save_parameters` writes it or under
            the names of the parameters themselves.

    Returns:
        What the file holds. Files of the MXNet original and of this package keep their names, or get those of the
        parameters where `save_parameters` wrote the places of the layers. Of a box layer that is there twice, the one
        that is trained is taken. Where only the other is there, its means and deviations are part of it, and the
        settings say that none are to be applied.

    Raises:
        CheckpointError: see `load_arrays`, `read_gluoncv` and `with_parameter_names`.
    """
    arrays = {name: float_array(array.asnumpy()) for name, array in load_weights(path)[0].items()}
    if gluoncv.is_gluoncv(arrays):
        return gluoncv.read_gluoncv(path, arrays)
    arrays = {name.replace("_running_", "_moving_"): array
              for name, array in with_parameter_names(path, arrays).items()}
    folded = [name for name in arrays if name.endswith(TEST_SUFFIX)]
    if not folded:
        return Weights(arrays, "MXNet parameter file")
    for name in folded:
        arrays[name[:-len(TEST_SUFFIX)]] = arrays.pop(name)
    return Weights(arrays, "MXNet parameter file for tests",
                   settings={"TRAIN.BBOX_MEANS": [0.0] * 4, "TRAIN.BBOX_STDS": [1.0] * 4})
