"""Makes a Gluon block of a symbolic graph."""
import warnings
from typing import Collection, Mapping, Sequence

import mxnet as mx
from mxnet.gluon import SymbolBlock

from .graphs import with_ignored_padding, with_native_pooling, with_plain_inputs


def graph_block(symbol: mx.sym.Symbol, inputs: Sequence[str], contexts: Sequence[mx.Context],
                values: Mapping[str, mx.nd.NDArray], trained: Collection[str] = ()) -> SymbolBlock:
    """Makes a hybridized block that runs a graph.

    Its parameters have the factors `lr_mult` of the graph's layers, and weight decay only for weights and scales (names
    ending in `_weight` and `_gamma`), so that `gluon.Trainer` makes the same updates as MXNet's Module would.

    Args:
        symbol: the graph.
        inputs: names of the graph's inputs, in the order in which the block is called with them.
        contexts: the devices that hold the parameters.
        values: the parameters, that is all other inputs of the graph: arrays by name.
        trained: names of the parameters that get gradients.
    """
    with warnings.catch_warnings():
        # The inputs carry no type in the graph, because one graph serves several.
        warnings.filterwarnings("ignore", message="Cannot decide type")
        running = running_graph(symbol, contexts)
        block = SymbolBlock(running, [mx.sym.Variable(name) for name in inputs])
    attributes = symbol.attr_dict()
    for name, parameter in block.collect_params().items():
        parameter.shape = values[name].shape
        if name not in trained:
            parameter.grad_req = "null"
        parameter.lr_mult = float(attributes.get(name, {}).get("__lr_mult__", 1))
        parameter.wd_mult = 1.0 if name.endswith(("_weight", "_gamma")) else 0.0
        parameter.initialize(mx.init.Zero(), ctx=contexts)
        parameter.set_data(values[name])
    block.hybridize()
    return block


def running_graph(symbol: mx.sym.Symbol, contexts: Sequence[mx.Context]) -> mx.sym.Symbol:
    """Returns the graph that runs in place of one of the MXNet original, see `graph_block`."""
    return with_plain_inputs(with_ignored_padding(with_native_pooling(symbol, contexts)), contexts)
