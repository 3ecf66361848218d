"""Computes how large the values in a graph become, before memory is taken for them."""
from typing import Mapping, Sequence

import mxnet as mx
import numpy as np

MOST_VALUES = 1 << 30  # of one array in a graph: 4 GB in float32


def check_sizes(symbol: mx.sym.Symbol, inputs: Mapping[str, Sequence[int]],
                arrays: Mapping[str, mx.nd.NDArray]) -> None:
    """Checks that a detector's graph fits its parameters, and that no array in it is larger than `MOST_VALUES`.

    Args:
        symbol: the graph.
        inputs: shapes of its inputs by name.
        arrays: its parameters by name.

    Raises:
        ValueError: an array would be larger, or the outputs are not those of a detector: classes (N, K, 1), scores
            (N, K, 1) and boxes (N, K, 4).
        mxnet.MXNetError: the shapes do not fit.
    """
    names = set(symbol.list_inputs())
    known = {name: shape for name, shape in (*((name, array.shape) for name, array in arrays.items()), *inputs.items())
             if name in names}
    check_array_sizes(symbol, known)
    _, outputs, _ = symbol.infer_shape_partial(**known)
    ends = [tuple(shape or ())[2:] for shape in outputs or ()]
    if ends != [(1,), (1,), (4,)]:
        raise ValueError(f"its outputs have the shapes {outputs}, and must be classes, scores and boxes")


def check_array_sizes(symbol: mx.sym.Symbol, inputs: Mapping[str, Sequence[int]]) -> None:
    """Raises ValueError where an array in a graph would be larger than `MOST_VALUES`.

    Args:
        symbol: the graph.
        inputs: shapes of its inputs and parameters by name; shapes that do not follow from these are not looked at.
    """
    internals = symbol.get_internals()
    _, shapes, _ = internals.infer_shape_partial(**inputs)
    for name, shape in zip(internals.list_outputs(), shapes or ()):
        size = int(np.prod(shape, dtype=object)) if shape else 0
        if not 0 <= size <= MOST_VALUES:
            raise ValueError(f"{name} would have the shape {tuple(shape)}, more than {MOST_VALUES:,} numbers")
