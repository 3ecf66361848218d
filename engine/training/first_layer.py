"""Finds the layer of a network whose output is the first that is not finite, by running it once more."""
import warnings
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple

import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import SymbolBlock

from .finite import is_finite


def first_block(root: gluon.HybridBlock, run: Callable[[], Any]) -> Optional[str]:
    """Finds the first block with an output that is not finite.

    Args:
        root: the whole network with its losses. It is left without hybridization.
        run: runs it once.

    Returns:
        The place of the innermost such block in the network, by the names of attributes, such as
        "features.stem.conv (Conv2D)", and its kind; None where all outputs are finite.
    """
    found: List[str] = []
    handles = []
    places = dict(_places(root, ""))

    def look(block: gluon.Block, _: Any, output: Any) -> None:
        if not found and not all(map(is_finite, _arrays(output))):
            found.append(f"{places[id(block)] or block.name} ({type(block).__name__})")

    root.hybridize(False)
    root.apply(lambda block: handles.append(block.register_forward_hook(look)))
    try:
        with autograd.train_mode():
            run()
    finally:
        for handle in handles:
            handle.detach()
    return found[0] if found else None


def _places(block: gluon.Block, place: str) -> Iterator[Tuple[int, str]]:
    """Yields the identity of a block and of all below it, each with its place."""
    yield id(block), place
    for name, child in block._children.items():
        yield from _places(child, f"{place}.{name}" if place else name)


def first_node(symbol: mx.sym.Symbol, block: SymbolBlock, names: Sequence[str],
               inputs: Sequence[mx.nd.NDArray]) -> Optional[str]:
    """Finds the first node of a graph with an output that is not finite.

    Args:
        symbol: the graph.
        block: runs it, and holds its parameters.
        names: of the inputs.
        inputs: the arrays.

    Returns:
        The name of the output, such as "conv0_output"; None where all are finite.
    """
    internals = symbol.get_internals()
    given = set(internals.list_inputs())
    outputs = [name for name in internals.list_outputs() if name not in given]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Cannot decide type")  # as in `graph_block`
        whole = SymbolBlock(mx.sym.Group([internals[name] for name in outputs]),
                            [mx.sym.Variable(name) for name in names], params=block.collect_params())
    with autograd.train_mode():
        arrays = whole(*inputs)
    return next((name for name, array in zip(outputs, arrays) if not is_finite(array)), None)


def _arrays(output: Any) -> List[mx.nd.NDArray]:
    if isinstance(output, mx.nd.NDArray):
        return [output]
    return [array for part in output for array in _arrays(part)] if isinstance(output, (list, tuple)) else []
