"""Short names for what the operators are written with: sizes, shapes, columns and types."""
from functools import reduce
from typing import Sequence, Union

import numpy as np

from ..builder import FLOAT, INT32, GraphBuilder


def number(g: GraphBuilder, value: float) -> str:
    """A float32 number."""
    return g.constant(np.float32(value))


def whole_numbers(g: GraphBuilder, *values: int) -> str:
    """int64 (len(values),): axes, sizes or places."""
    return g.constant(np.array(values, np.int64))


def chain(g: GraphBuilder, op_type: str, *values: str) -> str:
    """Joins two values or more by an operator of two: ``chain(g, "Add", a, b, c)`` is ``(a + b) + c``."""
    return reduce(lambda left, right: g.add(op_type, [left, right]), values)


def size(g: GraphBuilder, value: str, axis: int) -> str:
    """int64 (1,): the length of an axis."""
    return g.add("Gather", [g.add("Shape", [value]), whole_numbers(g, axis)], axis=0)


def to_float(g: GraphBuilder, value: str) -> str:
    """`value` as float32."""
    return g.add("Cast", [value], to=FLOAT)


def to_int(g: GraphBuilder, value: str) -> str:
    """`value` as int32, cut off towards 0."""
    return g.add("Cast", [value], to=INT32)


def columns(g: GraphBuilder, value: str, begin: int, end: int) -> str:
    """The columns begin .. end - 1 of the last axis, which stays."""
    return g.add("Slice", [value, whole_numbers(g, begin), whole_numbers(g, end), whole_numbers(g, -1)])


def unsqueeze(g: GraphBuilder, value: str, *axes: int) -> str:
    """`value` with axes of length 1 at those places of the result."""
    return g.add("Unsqueeze", [value, whole_numbers(g, *axes)])


def shape_of(g: GraphBuilder, parts: Sequence[Union[int, str]]) -> str:
    """A shape, int64: each part is a number, -1 for what is left over, or the name of an int64 (1,)."""
    if all(isinstance(part, int) for part in parts):
        return whole_numbers(g, *parts)
    return g.add("Concat", [part if isinstance(part, str) else whole_numbers(g, part) for part in parts], axis=0)


def reshape(g: GraphBuilder, value: str, *parts: Union[int, str]) -> str:
    """`value` in another shape, whose parts are those of `shape_of`; 0 keeps the length of the axis at that place."""
    return g.add("Reshape", [value, shape_of(g, parts)])


def is_finite(g: GraphBuilder, value: str) -> str:
    """bool: neither NaN nor infinite."""
    return g.add("LessOrEqual", [g.add("Abs", [value]), number(g, np.finfo(np.float32).max)])


def is_number(g: GraphBuilder, value: str) -> str:
    """bool: not NaN."""
    return g.add("LessOrEqual", [g.add("Abs", [value]), number(g, np.inf)])


def all_of(g: GraphBuilder, value: str) -> str:
    """Whether a bool (..., D) is true along the whole last axis: bool (...)."""
    return g.add("Greater", [g.add("ReduceMin", [to_float(g, value)], axes=[-1], keepdims=0), number(g, 0.5)])


def count_up(g: GraphBuilder, end: str) -> str:
    """float32 (end,): 0, 1, 2, ..., where `end` is an int64 (1,)."""
    return g.add("Range", [number(g, 0), g.add("Squeeze", [to_float(g, end)]), number(g, 1)])


def take_rows(g: GraphBuilder, table: str, places: str) -> str:
    """Takes rows of each image: those at `places`, int64 (N, K), of a table (N, rows, 4); the answer is (N, K, 4)."""
    images = g.add("Range", [g.constant(0), g.add("Squeeze", [size(g, table, 0)]), g.constant(1)])
    begins = unsqueeze(g, g.add("Mul", [images, size(g, table, 1)]), 1)
    return g.add("Gather", [reshape(g, table, -1, 4), g.add("Add", [places, begins])], axis=0)
