"""Builds the symbolic graphs that a configuration describes, with the names of their inputs."""
import json
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import mxnet as mx
from yacs.config import CfgNode

from ...data.batching.padding import LEAST_SIDE
from ...errors import ConfigError, DataError, ModelError
from ..building import symbols_from_config
from ..config import with_values

LABELS = ("label", "bbox_target", "bbox_weight")


class TrainableGraph(NamedTuple):
    """The training graph of a detector, or of a part of it, with the names of its inputs."""

    symbol: mx.sym.Symbol
    part: str  # "end2end", or for alternate training "rpn" (the proposal network) or "rcnn" (the head on given RoIs)
    names: Tuple[str, ...]  # inputs of the graph
    batch_names: Tuple[str, ...]  # arrays of a batch, in the order in which the loader gives them


_IMAGES = ("data", "im_info", "gt_boxes")
# part -> (function that gives its graph, inputs of the graph before the labels, arrays of a batch before the labels)
_PARTS = {"end2end": (symbols_from_config.get_symbol, _IMAGES, _IMAGES),
          "rpn": (symbols_from_config.get_symbol_rpn, ("data",), _IMAGES),
          "rcnn": (symbols_from_config.get_symbol_rcnn, ("data", "rois"), _IMAGES + ("rois",))}


def training_graph(cfg: CfgNode, num_classes: int, part: str = "end2end") -> TrainableGraph:
    """The graph that `symbol` and `TRAIN` describe.

    Args:
        cfg: `symbol` and the sections `network` and `TRAIN` are read.
        num_classes: number of classes, background included.
        part: see `TrainableGraph`.

    Raises:
        ConfigError: the symbol is not known, or a graph cannot have one of the values; the message names the key.
    """
    get, inputs, arrays = _PARTS[part]
    return TrainableGraph(_symbol(get, cfg, num_classes, True), part, inputs + LABELS, arrays + LABELS)


def test_graph(cfg: CfgNode, num_classes: int) -> mx.sym.Symbol:
    """The graph that `symbol` and `TEST` describe; errors as in `training_graph`."""
    return _symbol(symbols_from_config.get_symbol, cfg, num_classes, False)


# pytest must not take the function for a test where it is imported.
test_graph.__test__ = False


def proposal_graph(cfg: CfgNode, num_classes: int) -> mx.sym.Symbol:
    """The graph that proposes RoIs for the next stage of alternate training, as `TEST.PROPOSAL_*` describe them."""
    test = cfg.TEST
    cfg = with_values(cfg, {
        "TEST.RPN_NMS_THRESH": test.PROPOSAL_NMS_THRESH, "TEST.RPN_PRE_NMS_TOP_N": test.PROPOSAL_PRE_NMS_TOP_N,
        "TEST.RPN_POST_NMS_TOP_N": test.PROPOSAL_POST_NMS_TOP_N, "TEST.RPN_MIN_SIZE": test.PROPOSAL_MIN_SIZE})
    return _symbol(symbols_from_config.get_symbol_rpn, cfg, num_classes, False)


def with_native_pooling(symbol: mx.sym.Symbol, contexts: Sequence[mx.Context]) -> mx.sym.Symbol:
    """Returns the graph with this project's RoI pooling in place of MXNet's, where all devices are CPUs.

    Both give the same values; on the CPU this project's is 15 times as fast. The graph that a checkpoint saves keeps
    MXNet's operator.

    Args:
        contexts: the devices that run the graph.
    """
    graph = json.loads(symbol.tojson())
    pools = [node for node in graph["nodes"] if node["op"] == "_contrib_PSROIPooling"]
    if not pools or any(context.device_type != "cpu" for context in contexts):
        return symbol
    for node in pools:
        node["op"] = "ps_roi_pool"
        del node["attrs"]["group_size"]  # the native operator has one size for groups and bins, as all graphs here have
    return mx.sym.load_json(json.dumps(graph))


def with_ignored_padding(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """Returns the graph with log losses that leave out rows with the label -1; other rows have the same gradients.

    The MXNet original has such losses only with hard example mining, because every RoI has a label there. Here an image
    whose background lies in ignored regions can have fewer RoIs than are drawn. The graph that a checkpoint saves keeps
    the losses of the MXNet original.
    """
    graph = json.loads(symbol.tojson())
    losses = [node for node in graph["nodes"] if node["op"] == "SoftmaxOutput" and "use_ignore" not in node["attrs"]]
    if not losses:
        return symbol
    for node in losses:
        node["attrs"].update(use_ignore="True", ignore_label="-1")
    return mx.sym.load_json(json.dumps(graph))


def with_plain_inputs(symbol: mx.sym.Symbol, contexts: Sequence[mx.Context]) -> mx.sym.Symbol:
    """Returns the graph with a multiplication by 1 before the inputs of operators in Python, where devices are CPUs.

    There MXNet 1.9.1 gives such an operator the output of a convolution in memory that has been freed: it converts the
    output from oneDNN's own layout into an array that ends before the operator begins. A product has no such layout.
    """
    graph = json.loads(symbol.tojson())
    if all(node["op"] != "Custom" for node in graph["nodes"]) or all(one.device_type != "cpu" for one in contexts):
        return symbol
    nodes: List[Dict[str, Any]] = []
    places: List[int] = []  # of the nodes that were there before
    for node in graph["nodes"]:
        node["inputs"] = [[places[source], *rest] for source, *rest in node["inputs"]]
        for number, entry in enumerate(node["inputs"] if node["op"] == "Custom" else ()):
            if nodes[entry[0]]["op"] != "null":
                node["inputs"][number] = [len(nodes), 0, 0]
                nodes.append({"op": "_mul_scalar", "name": f"{node['name']}_plain{number}", "attrs": {"scalar": "1"},
                              "inputs": [entry]})
        places.append(len(nodes))
        nodes.append(node)
    return mx.sym.load_json(json.dumps({
        "nodes": nodes, "arg_nodes": [place for place, node in enumerate(nodes) if node["op"] == "null"],
        "heads": [[places[source], *rest] for source, *rest in graph["heads"]], "attrs": graph["attrs"]}))


class FeatureSize:
    """Gives the side of the RPN's map in cells for a side of the network input in pixels.

    Processes that load data call it, and they must not call MXNet. Therefore the answers for all sides are computed
    when the object is made.

    Args:
        symbol: a graph with the node `rpn_cls_score`.
        longest: the longest side that batches can have, in pixels.
        step: sides are multiples of it.
    """

    def __init__(self, symbol: mx.sym.Symbol, longest: int, step: int):
        scores = symbol.get_internals()["rpn_cls_score_output"]
        shortest = -(-LEAST_SIDE // step) * step
        self._cells = {side: scores.infer_shape(data=(1, 3, side, side))[1][0][2]
                       for side in range(shortest, longest + 1, step)}

    def __call__(self, side: int) -> int:
        if side not in self._cells:
            raise DataError(f"an image is {side} pixels wide or high in the network's input; the graph takes "
                            f"{min(self._cells)} to {max(self._cells)} pixels")
        return self._cells[side]


def _symbol(get: Callable, cfg: CfgNode, num_classes: int, is_train: bool) -> mx.sym.Symbol:
    cfg = with_values(cfg, {"dataset.NUM_CLASSES": num_classes})
    try:
        return get(cfg.symbol, cfg, is_train)
    except ModelError as error:
        raise ConfigError(f"symbol: {error}") from None
