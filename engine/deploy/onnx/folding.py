"""Rewrites a graph of MXNet so that an engine has less to do, without changing what it computes.

Batch normalisation of the moving statistics becomes part of the convolution before it. Rows and columns that are cut
off the near side of a convolution or a pooling are not computed: less padding at the near side does the same. ReLU with
an upper bound becomes one clipping, which engines join to the convolution before it.
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


def fold(nodes: Sequence[Node], outputs: Sequence[Value]) -> None:
    """Folds crops and normalisations into convolutions, and bounded ReLUs into one node, in place.

    A node that was folded passes its input on: its operator is `IDENTITY`.

    Args:
        nodes: of the graph, each behind those that it reads.
        outputs: the values that the graph answers, which stay as they are.
    """
    readers = _readers(nodes, outputs)
    for node in nodes:
        if node.op == "slice":
            _fold_crop(node, readers)
    for node in nodes:
        if node.op == "BatchNorm":
            _fold_norm(node, readers)
        elif node.op == "_minimum_scalar":
            _fold_bound(node, readers)


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


def _fold_norm(norm: Node, readers: Dict[Node, int]) -> None:
    """Where batch normalisation reads a convolution with constant weights, scales the weights and moves the bias."""
    conv = _source(norm, readers, ("Convolution",))
    arrays = [value.node.array for value in norm.inputs[1:]]
    if conv is None or any(array is None for array in arrays) or norm.attributes.get("axis", "1") != "1":
        return
    weight, *bias = (value.node.array for value in conv.inputs[1:])
    if weight is None or any(array is None for array in bias):
        return
    scale, shift = _as_affine(norm, arrays)
    weight = weight.astype(np.float64) * scale.reshape((-1,) + (1,) * (weight.ndim - 1))
    shift = shift + (bias[0] * scale if bias else 0)
    conv.attributes["no_bias"] = "False"
    conv.inputs[1:] = [Value(Node("", f"{conv.name}_{word}", array=array.astype(np.float32)), 0)
                       for word, array in (("weight", weight), ("bias", shift))]
    _pass_on(norm)


def _fold_bound(bound: Node, readers: Dict[Node, int]) -> None:
    """Where a minimum with a number from 0 on reads a ReLU, makes it a clipping of what the ReLU reads."""
    relu = _source(bound, readers, ("Activation",))
    if relu is not None and relu.attributes["act_type"] == "relu" and float(bound.attributes["scalar"]) >= 0:
        bound.op, bound.attributes = "clip", {"a_min": "0", "a_max": bound.attributes["scalar"]}
        _pass_on(relu)


def _as_affine(norm: Node, arrays: Sequence[np.ndarray]) -> Tuple[np.ndarray, np.ndarray]:
    """The factor and the summand of a batch normalisation that uses its moving statistics, float64, one a channel.

    Args:
        norm: the node.
        arrays: gamma, beta, moving mean and moving variance.
    """
    gamma, beta, mean, variance = (array.astype(np.float64) for array in arrays)
    if norm.attributes.get("fix_gamma", "True") in ("True", "1"):
        gamma = np.ones_like(gamma)
    scale = gamma / np.sqrt(variance + float(norm.attributes.get("eps", 1e-3)))
    return scale, beta - mean * scale


def _pass_on(node: Node) -> None:
    node.op, node.attributes = IDENTITY, {}
    del node.inputs[1:]
