"""Operators that give elements other places, or join and split arrays."""
from typing import List, Optional, Sequence, Tuple

import numpy as np

from ..builder import GraphBuilder
from .table import Call, translates

_END = np.iinfo(np.int64).max


def slice_axes(g: GraphBuilder, x: str, axes: Sequence[int], begins: Sequence[int], ends: Sequence[Optional[int]],
               steps: Sequence[int] = ()) -> str:
    """Slice along some axes; an end of None is that of the axis."""
    ends = [_END if end is None else end for end in ends]
    parts = [begins, ends, axes] + ([steps] if any(step != 1 for step in steps) else [])
    return g.add("Slice", [x, *(g.constant(np.array(part, np.int64)) for part in parts)])


@translates("Reshape", "reshape")
def reshape(g: GraphBuilder, call: Call) -> str:
    """Reshape, with MXNet's codes for sizes of the input.

    0 is the size of the next axis, -1 what remains, -2 all axes that remain, -3 the product of two axes, and -4 is
    followed by two sizes into which one axis is split.
    """
    call.expect(reverse=False, target_shape=(), keep_highest=False)
    codes = call.get("shape")
    codes = [codes] if isinstance(codes, int) else list(codes)
    x = call.inputs[0]
    if codes == [0] * (len(codes) - 1) + [-1] and len(codes) == call.axes[0]:
        return x
    if min(codes) >= -1:
        return g.add("Reshape", [x, g.constant(np.array(codes, np.int64))])
    shape = g.add("Shape", [x])

    def size(axis: int) -> str:
        return slice_axes(g, shape, [0], [axis], [axis + 1])

    parts: List[str] = []
    axis, place = 0, 0
    while place < len(codes):
        code = codes[place]
        if code == -2:
            parts.append(slice_axes(g, shape, [0], [axis], [None]))
            axis = call.axes[0]
        elif code == -3:
            parts.append(g.add("Mul", [size(axis), size(axis + 1)]))
            axis += 2
        elif code == -4:
            parts.extend(_split_size(g, size(axis), codes[place + 1:place + 3]))
            place, axis = place + 2, axis + 1
        else:
            parts.append(size(axis) if code == 0 else g.constant(np.array([code], np.int64)))
            axis += 1
        place += 1
    return g.add("Reshape", [x, g.add("Concat", parts, axis=0)])


def _split_size(g: GraphBuilder, whole: str, codes: Sequence[int]) -> Tuple[str, ...]:
    """The two sizes into which an axis is split; one of them may be -1."""
    one, other = (None if code == -1 else g.constant(np.array([code], np.int64)) for code in codes)
    return one or g.add("Div", [whole, other]), other or g.add("Div", [whole, one])


@translates("reshape_like")
def reshape_like(g: GraphBuilder, call: Call) -> str:
    """Reshape, where some axes take the place, or all axes, of those of another array."""
    (begin, end), (other_begin, other_end) = (
        (call.get(f"{side}_begin", None) or 0, axes if call.get(f"{side}_end", None) is None else
         call.get(f"{side}_end")) for side, axes in zip(("lhs", "rhs"), call.axes))
    shape, other = (g.add("Shape", [value]) for value in call.inputs)
    parts = [slice_axes(g, shape, [0], [0], [begin]), slice_axes(g, other, [0], [other_begin], [other_end]),
             slice_axes(g, shape, [0], [end], [None])]
    return g.add("Reshape", [call.inputs[0], g.add("Concat", parts, axis=0)])


@translates("Flatten", "flatten")
def flatten(g: GraphBuilder, call: Call) -> str:
    """Flatten to rows."""
    return g.add("Flatten", call.inputs, axis=1)


@translates("Concat", "concat")
def concat(g: GraphBuilder, call: Call) -> str:
    """Concat."""
    call.ignore("num_args")
    return g.add("Concat", call.inputs, axis=call.get("dim", 1))


@translates("SliceChannel", "split")
def split(g: GraphBuilder, call: Call) -> Tuple[str, ...]:
    """Split into equal parts."""
    axis, count = call.get("axis", 1), call.get("num_outputs")
    parts = g.add("Split", call.inputs, outputs=count, axis=axis)
    parts = (parts,) if count == 1 else parts
    if call.get("squeeze_axis", False):
        parts = tuple(g.add("Squeeze", [part, g.constant(np.array([axis], np.int64))]) for part in parts)
    return parts


@translates("slice")
def slice_all(g: GraphBuilder, call: Call) -> str:
    """Slice along the first axes."""
    begins, ends = call.get("begin"), call.get("end")
    steps = [step or 1 for step in call.get("step", ()) or ()]
    steps += [1] * (len(begins) - len(steps))
    if min(steps) < 1:
        raise call.error("walks backwards, which is not translated")
    cut = [axis for axis, part in enumerate(zip(begins, ends, steps)) if part != (None, None, 1)]
    return slice_axes(g, call.inputs[0], cut, [begins[axis] or 0 for axis in cut], [ends[axis] for axis in cut],
                      [steps[axis] for axis in cut])


@translates("slice_axis")
def slice_axis(g: GraphBuilder, call: Call) -> str:
    """Slice along one axis."""
    return slice_axes(g, call.inputs[0], [call.get("axis")], [call.get("begin")], [call.get("end")])


@translates("slice_like")
def slice_like(g: GraphBuilder, call: Call) -> str:
    """Slice to the sizes of another array."""
    axes = [axis % call.axes[0] for axis in call.get("axes", ()) or range(call.axes[0])]
    places = g.constant(np.array(axes, np.int64))
    return g.add("Slice", [call.inputs[0], g.constant(np.zeros(len(axes), np.int64)),
                           g.add("Gather", [g.add("Shape", call.inputs[1:]), places]), places])


@translates("transpose")
def transpose(g: GraphBuilder, call: Call) -> str:
    """Transpose."""
    return g.add("Transpose", call.inputs, perm=list(call.get("axes", ())) or None)


@translates("SwapAxis", "swapaxes")
def swap_axes(g: GraphBuilder, call: Call) -> str:
    """Transpose of two axes."""
    order = list(range(call.axes[0]))
    one, other = call.get("dim1", 0), call.get("dim2", 0)
    order[one], order[other] = order[other], order[one]
    return g.add("Transpose", call.inputs, perm=order)


@translates("expand_dims")
def expand_dims(g: GraphBuilder, call: Call) -> str:
    """Unsqueeze."""
    return g.add("Unsqueeze", [call.inputs[0], g.constant(np.array([call.get("axis")], np.int64))])


@translates("squeeze")
def squeeze(g: GraphBuilder, call: Call) -> str:
    """Squeeze of named axes."""
    axes = call.get("axis", None)
    if axes is None:
        raise call.error("names no axes, which is not translated")
    return g.add("Squeeze", [call.inputs[0], g.constant(np.atleast_1d(np.array(axes, np.int64)))])
