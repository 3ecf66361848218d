"""Writes nodes back as a graph of MXNet."""
import json
from typing import Any, Dict, List, Sequence, Tuple

import mxnet as mx

from .folding import IDENTITY
from .symbol_graph import Node, Value


def write_symbol(nodes: Sequence[Node], outputs: Sequence[Value]) -> Tuple[mx.sym.Symbol, Dict[str, mx.nd.NDArray]]:
    """Writes nodes as a symbol; constants become its parameters, each under the name of its node.

    Args:
        nodes: each behind those that it reads, without attributes that MXNet lacks, see `folding.fold`.
        outputs: the values that the graph answers.

    Returns:
        The symbol, and its parameters by name.
    """
    entries: List[Dict[str, Any]] = []
    places: Dict[Node, int] = {}
    arrays: Dict[str, mx.nd.NDArray] = {}

    def add(node: Node, **entry: Any) -> None:
        places[node] = len(entries)
        entries.append(entry)

    def key_of(value: Value) -> List[int]:
        while value.node.op == IDENTITY:
            value = value.node.inputs[0]
        if value.node not in places:  # a constant
            name = _unused(value.node.name, arrays)
            arrays[name] = mx.nd.array(value.node.array, dtype=value.node.array.dtype)
            add(value.node, op="null", name=name, inputs=[])
        return [places[value.node], value.index, 0]

    for node in nodes:
        if node.op and node.op != IDENTITY:
            inputs = [key_of(value) for value in node.inputs]
            add(node, op=node.op, name=node.name, inputs=inputs, attrs=node.attributes)
        elif not node.op and node.array is None:
            add(node, op="null", name=node.name, inputs=[])
    heads = [key_of(value) for value in outputs]
    variables = [place for place, entry in enumerate(entries) if entry["op"] == "null"]
    graph = {"nodes": entries, "arg_nodes": variables, "heads": heads,
             "attrs": {"mxnet_version": ["int", int(mx.libinfo.__version__.replace(".", "0"))]}}
    return mx.sym.load_json(json.dumps(graph)), arrays


def _unused(name: str, taken: Dict[str, Any]) -> str:
    """The name, with a number behind it where it is taken."""
    names = [name] + [f"{name}_{number}" for number in range(1, len(taken) + 1)]
    return next(name for name in names if name not in taken)
