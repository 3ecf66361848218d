"""The weights that a training with averaged weights goes on from.

The parameter file of its checkpoints holds the averages. The weights themselves are in the file of the optimizer's
states, under `raw/NAME`.
"""
from typing import Dict, Mapping, Tuple

import mxnet as mx

_RAW = "raw/"
_Arrays = Mapping[str, mx.nd.NDArray]


def with_raw_weights(states: _Arrays, weights: _Arrays) -> Dict[str, mx.nd.NDArray]:
    """Adds weights, by name, to the states of an optimizer."""
    return {**states, **{_RAW + name: array for name, array in weights.items()}}


def split_raw_weights(saved: _Arrays) -> Tuple[Dict[str, mx.nd.NDArray], Dict[str, mx.nd.NDArray]]:
    """Splits what `with_raw_weights` made: the states, and the weights by name, none where there were no averages."""
    return ({name: array for name, array in saved.items() if not name.startswith(_RAW)},
            {name[len(_RAW):]: array for name, array in saved.items() if name.startswith(_RAW)})
