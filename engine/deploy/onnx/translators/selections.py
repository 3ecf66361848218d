"""Operators that choose elements, average them, or make new ones from a shape."""
from functools import partial

import numpy as np

from ..builder import FLOAT, INT64, GraphBuilder
from .table import TRANSLATORS, Call, translates


def _along_axes(op_type: str, g: GraphBuilder, call: Call) -> str:
    call.expect(exclude=False)
    axes = call.get("axis", None)
    axes = [axes] if isinstance(axes, int) else list(axes) if axes else None
    return g.add(op_type, call.inputs, axes=axes, keepdims=int(call.get("keepdims", False)))


@translates("topk")
def topk(g: GraphBuilder, call: Call) -> str:
    """TopK: where the largest elements are, as numbers of type float32, as MXNet answers them."""
    call.expect(ret_typ="indices", is_ascend=False, dtype="float32")
    count = g.constant(np.array([call.get("k", 1)], np.int64))
    _, places = g.add("TopK", [call.inputs[0], count], outputs=2, axis=call.get("axis", -1))
    return g.add("Cast", [places], to=FLOAT)


@translates("take")
def take(g: GraphBuilder, call: Call) -> str:
    """Gather along an axis; places outside are moved to the nearest one inside."""
    call.expect(mode="clip")
    axis = call.get("axis", 0)
    size = g.add("Gather", [g.add("Shape", call.inputs[:1]), g.constant(axis % call.axes[0])])
    places = g.add("Cast", [call.inputs[1]], to=INT64)
    last = g.add("Sub", [size, g.constant(1)])
    return g.add("Gather", [call.inputs[0], g.add("Clip", [places, g.constant(0), last])], axis=axis)


@translates("_contrib_arange_like")
def arange_like(g: GraphBuilder, call: Call) -> str:
    """0, 1, 2, ... as far as an axis of the input is long."""
    call.expect(start=0.0, step=1.0, repeat=1)
    axis = call.get("axis", None)
    if axis is None:
        raise call.error("names no axis, which is not translated")
    size = g.add("Gather", [g.add("Shape", call.inputs), g.constant(axis % call.axes[0])])
    return g.add("Cast", [g.add("Range", [g.constant(0), size, g.constant(1)])], to=FLOAT)


def _filled(value: float, g: GraphBuilder, call: Call) -> str:
    return g.add("ConstantOfShape", [g.add("Shape", call.inputs)], value=np.array([value], np.float32))


TRANSLATORS.update({"mean": partial(_along_axes, "ReduceMean"), "max": partial(_along_axes, "ReduceMax")})
TRANSLATORS.update({"ones_like": partial(_filled, 1.0), "zeros_like": partial(_filled, 0.0)})
