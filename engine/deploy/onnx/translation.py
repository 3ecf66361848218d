"""Writes a network of MXNet as nodes of an ONNX graph.

MXNet's own exporter (`mx.onnx` of 1.9.1) is not used. It stamps a file with the newest opset that the installed onnx
knows, while its operators are written for opset 13: with onnx 1.17 ONNX Runtime 1.19 refuses the file. It leaves
batch normalisations and weight arithmetic in the graph, makes every weight an input, stops at operators of libraries,
such as this package's own, and passes over arguments that it does not know. Here MXNet computes what depends on
parameters alone, normalisations and crops are folded into convolutions, and an operator or an argument without a
translation is an error.
"""
from typing import Dict, List, Mapping, Sequence, Tuple

from mxnet.gluon import Block

from ....errors import ModelError
from ..graphs.folding import IDENTITY, fold
from ..graphs.symbol_graph import Node, Value, read_symbol, trace
from .builder import GraphBuilder
from .translators import translate_node


def translate(g: GraphBuilder, network: Block, inputs: Mapping[str, Tuple[str, Sequence[int]]]) -> List[str]:
    """Adds the nodes that compute what a network of MXNet answers outside of training.

    Args:
        g: builder of the ONNX graph.
        network: a block with parameters that can be called with symbols.
        inputs: {name of an argument: (the ONNX value that it is, a shape that it may have)}, in the order of the call.

    Returns:
        The names of the ONNX values that it answers, also those inside tuples, in order.

    Raises:
        ModelError: an operator cannot be translated; the message names it, its node and the kind of network.
    """
    parameters = {parameter.name: parameter.data(parameter.list_ctx()[0])
                  for parameter in network.collect_params().values()}
    nodes, outputs = read_symbol(trace(network, list(inputs)), parameters,
                                 {name: tuple(shape) for name, (_, shape) in inputs.items()})
    fold(nodes, outputs)
    try:
        return _write(g, nodes, outputs, {name: value for name, (value, _) in inputs.items()})
    except ModelError as error:
        raise ModelError(f"{type(network).__name__} cannot be exported to ONNX: {error}") from None


def _write(g: GraphBuilder, nodes: Sequence[Node], outputs: Sequence[Value],
           inputs: Mapping[str, str]) -> List[str]:
    """Translates nodes in order."""
    written: Dict[Node, Tuple[str, ...]] = {}

    def name_of(value: Value) -> str:
        node = value.node
        if node not in written:  # a constant
            written[node] = (g.constant(node.array, node.name),)
        return written[node][value.index]

    for node in nodes:
        if node.op == IDENTITY:
            written[node] = (name_of(node.inputs[0]),)
        elif node.op:
            with g.scope(node.name):
                written[node] = translate_node(g, node, [name_of(value) for value in node.inputs])
        elif node.array is None:
            written[node] = (inputs[node.name],)
    return [name_of(value) for value in outputs]
