"""Rewrites a graph of MXNet so that an engine has less to do, without changing what it computes.

Batch normalisation of the moving statistics becomes part of a convolution: of the one before it, or of the one behind
it where that pads nothing. ReLU with an upper bound becomes one clipping, which engines join to the convolution before
it. Rows and columns that are cut off the near side of a convolution or a pooling are not computed in ONNX, where less
padding at the near side does the same; MXNet has no such padding, and cuts them off behind what can be computed with
the convolution.
"""
import ast
from typing import Dict, Optional, Sequence, Tuple

import numpy as np

from .symbol_graph import Node, Value

# What `fold` calls an operator that passes its input on.
IDENTITY = "_copy"
# An attribute of Convolution and Pooling that MXNet lacks: the padding at the near sides, where `pad` is that at the
# far ones.
NEAR_PAD = "near_pad"
# Operators that compute each cell of a map from that cell of their first input alone.
_CELL_BY_CELL = ("Activation", "BatchNorm", "_minimum_scalar", "clip")


def fold(nodes: Sequence[Node], outputs: Sequence[Value], has_near_pad: bool = True, bounds: bool = True) -> int:
    """Folds crops and normalisations into convolutions, and bounded ReLUs into one node, in place.

    A node that was folded passes its input on: its operator is `IDENTITY`.

    Args:
        nodes: of the graph, each behind those that it reads.
        outputs: the values that the graph answers, which stay as they are.
        has_near_pad: whether a convolution may have the attribute `NEAR_PAD`, in which crops are folded. Otherwise they
            move behind normalisations and activations.
        bounds: whether bounded ReLUs become one node, which by itself is slower in MXNet for CPUs.

    Returns:
        The number of normalisations that were folded.
    """
    readers = _readers(nodes, outputs)
    for node in nodes:
        if has_near_pad and node.op == "slice":
            _fold_crop(node, readers)
        elif not has_near_pad and node.op in _CELL_BY_CELL:
            _move_before_crop(node, readers)
    folded = 0
    for node in nodes:
        if node.op == "BatchNorm":
            folded += _fold_norm(node, readers) or _fold_norm_forward(node, nodes, readers)
        elif bounds and node.op == "_minimum_scalar":
            _fold_bound(node, readers)
    return folded


def _readers(nodes: Sequence[Node], outputs: Sequence[Value]) -> Dict[Node, int]:
    """In how many places each node is read."""
    counts = dict.fromkeys(nodes, 0)
    for value in [value for node in nodes for value in node.inputs] + list(outputs):
        counts[value.node] += 1
    return counts


def _source(node: Node, readers: Dict[Node, int], ops: Sequence[str]) -> Optional[Node]:
    """The node of one of the operators `ops` whose output nothing but `node` reads, behind nodes that pass it on."""
    node = node.inputs[0].node
    while node.op == IDENTITY and readers[node] == 1:
        node = node.inputs[0].node
    return node if node.op in ops and readers[node] == 1 else None


def _fold_crop(crop: Node, readers: Dict[Node, int]) -> None:
    """Where a slice drops first rows and columns of a convolution or a pooling, lessens the padding instead."""
    windows = _source(crop, readers, ("Convolution", "Pooling"))
    begin, end = (ast.literal_eval(crop.attributes[key]) for key in ("begin", "end"))
    steps = ast.literal_eval(crop.attributes.get("step", "()"))
    if windows is None or any(step not in (None, 1) for step in steps) or any(part is not None for part in end):
        return
    attributes = windows.attributes
    if attributes.get("global_pool") == "True" or NEAR_PAD in attributes or "pad" not in attributes:
        return
    drops = [part or 0 for part in begin] + [0] * (4 - len(begin))
    pad = ast.literal_eval(attributes["pad"])
    stride = ast.literal_eval(attributes.get("stride", "(1, 1)"))
    near = tuple(p - drop * step for p, drop, step in zip(pad, drops[2:], stride))
    if len(pad) == len(stride) == 2 and drops[:2] == [0, 0] and min(drops[2:]) >= 0 and min(near) >= 0:
        attributes[NEAR_PAD] = str(near)
        _pass_on(crop)


def _move_before_crop(node: Node, readers: Dict[Node, int]) -> None:
    """Where a node that computes cell by cell alone reads a slice of rows and columns, makes it read the whole map.

    A normalisation or an activation can then be computed with the convolution that the slice read.
    """
    crop = node.inputs[0].node
    if crop.op != "slice" or readers[crop] > 1 or any(part is not None for key in ("begin", "end") for part in
                                                      ast.literal_eval(crop.attributes[key])[:2]):
        return
    crop.op, node.op, crop.name, node.name = node.op, crop.op, node.name, crop.name
    crop.attributes, node.attributes = node.attributes, crop.attributes
    crop.inputs[1:], node.inputs[1:] = node.inputs[1:], []
    _move_before_crop(crop, readers)


def _fold_norm(norm: Node, readers: Dict[Node, int]) -> bool:
    """Where batch normalisation reads a convolution with constant weights, scales the weights and moves the bias."""
    conv = _source(norm, readers, ("Convolution",))
    if conv is None or not _is_constant(conv) or not _is_constant(norm) or norm.attributes.get("axis", "1") != "1":
        return False
    weight, *bias = (value.node.array for value in conv.inputs[1:])
    scale, shift = _as_affine(norm)
    weight = weight.astype(np.float64) * scale.reshape((-1,) + (1,) * (weight.ndim - 1))
    _set_weights(conv, weight, shift + (bias[0] * scale if bias else 0))
    _pass_on(norm)
    return True


def _fold_norm_forward(norm: Node, nodes: Sequence[Node], readers: Dict[Node, int]) -> bool:
    """Where a convolution with constant weights alone reads a batch normalisation, does the same for its inputs.

    Cells of padding are zeros, to which the normalisation adds nothing: a convolution that pads is left as it is.
    """
    conv = next((node for node in nodes if node.op == "Convolution" and node.inputs[0].node is norm), None)
    if conv is None or readers[norm] > 1 or not _is_constant(conv) or not _is_constant(norm) or (
            norm.attributes.get("axis", "1") != "1" or any(ast.literal_eval(conv.attributes.get("pad", "()")))):
        return False
    weight, *bias = (value.node.array.astype(np.float64) for value in conv.inputs[1:])
    groups = int(conv.attributes.get("num_group", "1"))
    # Row g of these holds the numbers of the channels that the filters of group g read.
    scale, shift = (np.repeat(numbers.reshape(groups, -1), len(weight) // groups, axis=0) for numbers in
                    _as_affine(norm))
    beyond = (1,) * (weight.ndim - 2)
    bias = (weight * shift.reshape(shift.shape + beyond)).reshape(len(weight), -1).sum(1) + (bias[0] if bias else 0)
    _set_weights(conv, weight * scale.reshape(scale.shape + beyond), bias)
    _pass_on(norm)
    return True


def _is_constant(node: Node) -> bool:
    """Whether all inputs of a node but the first are constants."""
    return all(value.node.array is not None for value in node.inputs[1:])


def _set_weights(conv: Node, weight: np.ndarray, bias: np.ndarray) -> None:
    conv.attributes["no_bias"] = "False"
    conv.inputs[1:] = [Value(Node("", f"{conv.name}_{word}", array=array.astype(np.float32)), 0)
                       for word, array in (("weight", weight), ("bias", bias))]


def _fold_bound(bound: Node, readers: Dict[Node, int]) -> None:
    """Where a minimum with a number from 0 on reads a ReLU, makes it a clipping of what the ReLU reads."""
    relu = _source(bound, readers, ("Activation",))
    if relu is not None and relu.attributes["act_type"] == "relu" and float(bound.attributes["scalar"]) >= 0:
        bound.op, bound.attributes = "clip", {"a_min": "0", "a_max": bound.attributes["scalar"]}
        _pass_on(relu)


def _as_affine(norm: Node) -> Tuple[np.ndarray, np.ndarray]:
    """The factor and the summand of a batch normalisation that uses its moving statistics, float64, one a channel."""
    gamma, beta, mean, variance = (value.node.array.astype(np.float64) for value in norm.inputs[1:])
    if norm.attributes.get("fix_gamma", "True") in ("True", "1"):
        gamma = np.ones_like(gamma)
    scale = gamma / np.sqrt(variance + float(norm.attributes.get("eps", 1e-3)))
    return scale, beta - mean * scale


def _pass_on(node: Node) -> None:
    node.op, node.attributes = IDENTITY, {}
    del node.inputs[1:]
