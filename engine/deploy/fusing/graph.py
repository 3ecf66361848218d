"""Makes a network of MXNet a graph with less to compute, of the same answers."""
import warnings
from typing import Callable, Dict, Mapping, NamedTuple, Sequence

import mxnet as mx
from mxnet.gluon import Block, SymbolBlock

from ..graphs.folding import fold
from ..graphs.symbol_graph import read_symbol, trace
from ..graphs.writing import write_symbol

# MXNet's name of the passes that join convolutions and dense layers with what follows them, for oneDNN on CPUs.
ONEDNN = "MKLDNN"


class FusedGraph(NamedTuple):
    """A graph in fused form.

    Attributes:
        symbol: the graph.
        arrays: its parameters by name, on the CPU.
        norms_folded: batch normalisations that became part of convolutions. Frozen ones are not among them: they are
            arithmetic of the weights, which is done once.
        norms_left: those that stay, such as those that read a concatenation.
    """

    symbol: mx.sym.Symbol
    arrays: Dict[str, mx.nd.NDArray]
    norms_folded: int
    norms_left: int


def fuse_graph(function: Callable[..., object], inputs: Sequence[str], network: Block,
               for_onednn: bool = True) -> FusedGraph:
    """Computes what depends on parameters alone, and makes batch normalisations parts of convolutions.

    Args:
        function: the network, or a method of it; it is called with symbols.
        inputs: names for its inputs, in the order of the call.
        network: the block whose parameters `function` uses; they are copied, as they are now.
        for_onednn: whether the graph is to go through oneDNN's passes: bounded ReLUs become the operator that these
            join to convolutions, and that is slower without them.
    """
    parameters = {parameter.name: parameter.data(parameter.list_ctx()[0])
                  for parameter in network.collect_params().values()}
    nodes, outputs = read_symbol(trace(function, inputs), parameters, dict.fromkeys(inputs))
    folded = fold(nodes, outputs, has_near_pad=False, bounds=for_onednn)
    left = sum(node.op == "BatchNorm" for node in nodes)
    return FusedGraph(*write_symbol(nodes, outputs), folded, left)


def on_cpus(contexts: Sequence[mx.Context]) -> bool:
    """Whether all devices are CPUs, for which oneDNN computes."""
    return all(context.device_type == "cpu" for context in contexts)


def with_onednn(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """The graph after oneDNN's passes, for CPUs: a convolution also adds and rectifies what it answers."""
    return symbol.get_backend_symbol(ONEDNN)


def plan_of(onednn: bool) -> Dict[str, bool]:
    """Arguments of `hybridize` for a graph, after oneDNN's passes or without them.

    After the passes MXNet prepares the weights of every convolution anew in each call, unless it plans a call for the
    shapes of its inputs. It then does so once for each change of these shapes.
    """
    return {"static_alloc": onednn, "static_shape": onednn}


def parameter_file_arrays(graph: FusedGraph) -> Dict[str, mx.nd.NDArray]:
    """The parameters as MXNet's files of them have them, by `arg:NAME` and `aux:NAME`."""
    auxiliary = set(graph.symbol.list_auxiliary_states())
    return {("aux:" if name in auxiliary else "arg:") + name: array for name, array in graph.arrays.items()}


def block_of(symbol: mx.sym.Symbol, inputs: Sequence[str], arrays: Mapping[str, mx.nd.NDArray],
             contexts: Sequence[mx.Context]) -> SymbolBlock:
    """A block that runs a graph; its parameters are not trained.

    Args:
        symbol: the graph.
        inputs: names of its inputs, in the order of the call.
        arrays: its parameters by name.
        contexts: the devices that hold them.
    """
    with warnings.catch_warnings():
        # The inputs carry no type in the graph, because one graph serves several.
        warnings.filterwarnings("ignore", message="\\s*Cannot decide type")
        block = SymbolBlock(symbol, [mx.sym.var(name) for name in inputs])
    for name, parameter in block.collect_params().items():
        parameter.grad_req, parameter.shape, parameter.dtype = "null", arrays[name].shape, arrays[name].dtype
        parameter.initialize(mx.init.Zero(), ctx=list(contexts))
        parameter.set_data(arrays[name])
    return block
