"""A graph of MXNet, read as nodes that Python can look at and change."""
import json
import warnings
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import mxnet as mx
import numpy as np
from mxnet.gluon import Block


class Value(NamedTuple):
    """One output of a node."""

    node: "Node"
    index: int


class Node:
    """A node of the graph: an operator, an input or a constant.

    Args:
        op: MXNet's name of the operator; "" for an input or a constant.
        name: the node's name. Several nodes may have one.
        attributes: the operator's arguments as MXNet writes them, texts.
        inputs: the values that the operator reads.
        array: the value of a constant; None for an input or an operator.

    Attributes:
        shapes: {index of an output: its shape for the inputs' sample shapes}.
    """

    def __init__(self, op: str, name: str, attributes: Optional[Mapping[str, str]] = None,
                 inputs: Sequence[Value] = (), array: Optional[np.ndarray] = None):
        self.op, self.name, self.array = op, name, array
        self.attributes: Dict[str, str] = dict(attributes or {})
        self.inputs: List[Value] = list(inputs)
        self.shapes: Dict[int, Tuple[int, ...]] = {} if array is None else {0: array.shape}


# The place of a node in MXNet's list of nodes, and the index of one of its outputs.
_Key = Tuple[int, int]


def trace(network: Block, names: Sequence[str]) -> mx.sym.Symbol:
    """The graph of a network, with its outputs in order, also those inside tuples.

    Args:
        network: a block that can be called with symbols.
        names: of its inputs, in the order of the call.
    """
    with mx.name.NameManager():  # counts from 0: the same network gives the same names
        return mx.sym.Group(_flat(network(*map(mx.sym.var, names))))


def _flat(outputs: Any) -> List[mx.sym.Symbol]:
    if isinstance(outputs, (list, tuple)):
        return [symbol for part in outputs for symbol in _flat(part)]
    return [outputs]


def read_symbol(symbol: mx.sym.Symbol, parameters: Mapping[str, mx.nd.NDArray],
                sample_shapes: Mapping[str, Optional[Tuple[int, ...]]]) -> Tuple[List[Node], List[Value]]:
    """Reads a graph; what depends on parameters alone is computed by MXNet and becomes a constant.

    Args:
        symbol: the graph.
        parameters: arrays by name; further ones are passed over.
        sample_shapes: {name of an input: a shape that it may have}; every variable that is no parameter is one. Where
            shapes are None the nodes get no `shapes`.

    Returns:
        The nodes, each behind those that it reads, and the values that the graph answers.
    """
    graph = json.loads(symbol.tojson())
    entries = graph["nodes"]
    reads = [[(place, index) for place, index, *_ in entry["inputs"]] for entry in entries]
    heads = [(place, index) for place, index, *_ in graph["heads"]]
    varies: List[bool] = []
    for entry, keys in zip(entries, reads):
        varies.append(entry["name"] in sample_shapes if entry["op"] == "null" else any(varies[key[0]] for key in keys))
    # Of the constants only those remain that a node that varies reads, or that the graph answers.
    read = {key for keys, changes in zip(reads, varies) if changes for key in keys}.union(heads)
    nodes, values = [], {}
    for key, array in _evaluate(graph, sorted(key for key in read if not varies[key[0]]), parameters).items():
        nodes.append(Node("", entries[key[0]]["name"], array=array))
        values[key] = Value(nodes[-1], 0)
    made: Dict[int, Node] = {}
    for place, (entry, keys) in enumerate(zip(entries, reads)):
        if varies[place]:
            inputs = [values.get(key) or Value(made[key[0]], key[1]) for key in keys]
            made[place] = Node("" if entry["op"] == "null" else entry["op"], entry["name"], entry.get("attrs"), inputs)
    if None not in sample_shapes.values():
        for (place, index), shape in _shapes(graph, sorted(read), sample_shapes, parameters).items():
            if varies[place]:
                made[place].shapes[index] = shape
    return nodes + list(made.values()), [values.get(key) or Value(made[key[0]], key[1]) for key in heads]


def _cut(graph: Mapping[str, Any], keys: Sequence[_Key]) -> mx.sym.Symbol:
    """The graph whose outputs are the values `keys`."""
    return mx.sym.load_json(json.dumps({**graph, "heads": [[place, index, 0] for place, index in keys]}))


def _evaluate(graph: Mapping[str, Any], keys: Sequence[_Key],
              parameters: Mapping[str, mx.nd.NDArray]) -> Dict[_Key, np.ndarray]:
    """The arrays of values that depend on parameters alone; float16 and float64 become float32."""
    if not keys:
        return {}
    # A convolution moves its weights to another memory layout, and MXNet does not order that with reads: weights that
    # are read while the network computes may come out torn.
    mx.nd.waitall()
    part = _cut(graph, keys)
    names = part.list_inputs()
    with warnings.catch_warnings():
        # Variables carry no type in the graph, and get it from the arrays.
        warnings.filterwarnings("ignore", message="\\s*Cannot decide type")
        block = mx.gluon.SymbolBlock(part, list(map(mx.sym.var, names)))
    answers = block(*(parameters[name].as_in_context(mx.cpu()) for name in names))
    answers = [array.asnumpy() for array in (answers if len(keys) > 1 else [answers])]
    return {key: array.astype(np.float32) if array.dtype.kind == "f" else array
            for key, array in zip(keys, answers)}


def _shapes(graph: Mapping[str, Any], keys: Sequence[_Key], sample_shapes: Mapping[str, Tuple[int, ...]],
            parameters: Mapping[str, mx.nd.NDArray]) -> Dict[_Key, Tuple[int, ...]]:
    """The shapes of values for inputs of `sample_shapes`."""
    part = _cut(graph, keys)
    known = {name: sample_shapes[name] if name in sample_shapes else parameters[name].shape
             for name in part.list_inputs()}
    return dict(zip(keys, part.infer_shape(**known)[1]))
