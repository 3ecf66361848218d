"""Parameters, multiply-adds and memory accesses, counted from the shapes that MXNet infers of a graph: nothing runs."""
import json
import math
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import mxnet as mx

from ...engine.checkpoints.parameters import role

Shape = Tuple[int, ...]


class Cost(NamedTuple):
    """What a network costs for one image.

    Attributes:
        parameters: how many numbers are trained; moving statistics are none of them, fixed parameters are.
        multiply_adds: of convolutions and fully connected layers.
        memory_access: how many numbers these layers read and write: input, output and weights (Ma et al., arXiv
            1807.11164, section 2; the VoVNet paper's MAC = hw(ci + co) + k^2 ci co).
    """

    parameters: int
    multiply_adds: int
    memory_access: int


def count_costs(net: mx.gluon.HybridBlock, height: int, width: int) -> Cost:
    """Counts what any network costs for one image.

    Args:
        net: takes (1, 3, height, width); its parameters need no values.
        height, width: in pixels.
    """
    graph = net(mx.sym.var("data"))
    graph = graph if isinstance(graph, mx.sym.Symbol) else mx.sym.Group(list(graph))
    nodes = read_tree(graph)["nodes"]
    shapes = infer_shapes(graph, nodes, data=(1, 3, height, width))
    trainable = {name for name in net.collect_params() if role(name) == "arg:"}
    parameters = sum(math.prod(shape[0]) for node, shape in zip(nodes, shapes) if node["name"] in trainable)
    return Cost(parameters, sum(multiply_adds(nodes, shapes, number) for number in range(len(nodes))),
                sum(_memory_access(nodes, shapes, number) for number in range(len(nodes))))


def count_network(net: mx.gluon.HybridBlock, height: int, width: int) -> Tuple[int, int]:
    """Returns the parameters and the multiply-adds of `count_costs`."""
    return count_costs(net, height, width)[:2]


def multiply_adds(nodes: Sequence[Dict[str, Any]], shapes: Sequence[Sequence[Shape]], number: int) -> int:
    """Returns the multiply-adds of a node of a graph, see `multiply_adds_of_node`.

    Args:
        nodes: the nodes of the graph, from `read_tree`.
        shapes: the shapes of their outputs, from `infer_shapes`.
        number: of the node.
    """
    return multiply_adds_of_node(nodes[number]["op"], _inputs(nodes, shapes, number), shapes[number])


def multiply_adds_of_node(op: str, inputs: Sequence[Shape], outputs: Sequence[Shape]) -> int:
    """Returns the multiply-adds of a convolution, deconvolution or fully connected layer; 0 for other nodes.

    Adding the bias is not counted.

    Args:
        op: name of MXNet's operator.
        inputs: their shapes. The second is the weight's: (out, in / groups, kernel...) of a convolution,
            (in, out / groups, kernel...) of a deconvolution, (out, in) of a fully connected layer.
        outputs: their shapes.
    """
    if op in ("Convolution", "FullyConnected"):
        return math.prod(outputs[0]) * math.prod(inputs[1][1:])
    if op == "Deconvolution":
        return math.prod(inputs[0]) * math.prod(inputs[1][1:])
    return 0


def read_tree(symbol: mx.sym.Symbol) -> Dict[str, Any]:
    """Returns the JSON of a symbol with all of its nodes: unless asked otherwise, MXNet leaves out casts."""
    return json.loads(symbol.tojson(remove_amp_cast=False))


def infer_shapes(symbol: mx.sym.Symbol, nodes: Sequence[Dict[str, Any]], **inputs: Shape) -> List[List[Shape]]:
    """Infers the shapes of all outputs of each node.

    Args:
        symbol: the graph.
        nodes: its nodes, from `read_tree`.
        inputs: the shapes of its inputs by name.

    Returns:
        The shapes of the outputs of each node, in the order of `nodes`.
    """
    internals = symbol.get_internals()
    _, shapes, _ = internals.infer_shape(**inputs)
    # Outputs are told apart by position: a layer that runs several times makes several nodes of one name.
    found: List[List[Shape]] = [[] for _ in nodes]
    for (number, output, _), shape in zip(read_tree(internals)["heads"], shapes):
        assert output == len(found[number])
        found[number].append(shape)
    return found


def _memory_access(nodes: Sequence[Dict[str, Any]], shapes: Sequence[Sequence[Shape]], number: int) -> int:
    if nodes[number]["op"] not in ("Convolution", "Deconvolution", "FullyConnected"):
        return 0
    return sum(map(math.prod, [*_inputs(nodes, shapes, number)[:2], shapes[number][0]]))


def _inputs(nodes: Sequence[Dict[str, Any]], shapes: Sequence[Sequence[Shape]], number: int) -> List[Shape]:
    return [shapes[i][output] for i, output, _ in nodes[number]["inputs"]]
