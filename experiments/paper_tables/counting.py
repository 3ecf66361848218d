"""Parameters and multiply-adds, counted from the shapes that MXNet infers of a graph: nothing runs."""
import math
from typing import Any, Dict, List, Sequence, Tuple

import mxnet as mx

from .stages import STAGES, Shape, StagedGraph, infer_shapes, read_tree


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


def count_network(net: mx.gluon.HybridBlock, height: int, width: int) -> Tuple[int, int]:
    """Counts the parameters and the multiply-adds of any network for one image.

    Args:
        net: takes (1, 3, height, width); its parameters need no values.
        height, width: in pixels.

    Returns:
        (parameters, multiply-adds). Moving statistics are no parameters; fixed parameters are.
    """
    graph = net(mx.sym.var("data"))
    graph = graph if isinstance(graph, mx.sym.Symbol) else mx.sym.Group(list(graph))
    nodes = read_tree(graph)["nodes"]
    shapes = infer_shapes(graph, nodes, data=(1, 3, height, width))
    trainable = set(net.collect_params()) - set(graph.list_auxiliary_states())
    parameters = sum(math.prod(shape[0]) for node, shape in zip(nodes, shapes) if node["name"] in trainable)
    return parameters, sum(_multiply_adds(nodes, shapes, number) for number in range(len(nodes)))


def count_stages(graph: StagedGraph) -> Dict[str, Any]:
    """Counts what the stages of a detector hold and cost for one image.

    Args:
        graph: the detector's graph.

    Returns:
        A dict with
        parameters: by stage; one that several nodes share counts once;
        multiply_adds: by stage;
        rois: how many are classified;
        per_roi: multiply-adds of the head for one RoI;
        warped_values: how many numbers warping makes of the maps;
        map_channels: of the maps that the RoIs are pooled from, all together;
        cells: of the first of these maps.
    """
    totals = dict.fromkeys(STAGES, 0)
    for number, stage in enumerate(graph.stage):
        if stage:
            totals[stage] += _multiply_adds(graph.nodes, graph.shapes, number)
    pooled = [number for number, stage in enumerate(graph.stage) if stage == "warping"]
    rois = max(graph.shapes[number][0][0] for number in pooled)
    maps = {tuple(graph.nodes[number]["inputs"][0][:2]) for number in pooled}
    return {
        "parameters": _parameters_by_stage(graph),
        "multiply_adds": totals,
        "rois": rois,
        "per_roi": totals["head"] / rois,
        "warped_values": _warped_values(graph, pooled),
        "map_channels": sum(graph.shape(entry)[1] for entry in maps),
        "cells": math.prod(graph.shape(min(maps))[2:]),
    }


def _warped_values(graph: StagedGraph, pooled: List[int]) -> int:
    """Counts the numbers that the nodes `pooled` make.

    Of a pyramid each level pools all RoIs, those of other levels as zeros: these count once.
    """
    by_rois: Dict[Tuple[int, int], int] = {}
    for number in pooled:
        rois = tuple(graph.nodes[number]["inputs"][1][:2])
        by_rois[rois] = by_rois.get(rois, 0) + math.prod(graph.shapes[number][0])
    return max(by_rois.values())


def _parameters_by_stage(graph: StagedGraph) -> Dict[str, int]:
    sizes = {node["name"]: math.prod(shapes[0]) for node, shapes in zip(graph.nodes, graph.shapes)
             if node["op"] == "null"}
    return {stage: sum(sizes[name] for name in graph.parameters(stage) - graph.auxiliary) for stage in STAGES}


def _multiply_adds(nodes: List[Dict[str, Any]], shapes: List[List[Shape]], number: int) -> int:
    node = nodes[number]
    return multiply_adds_of_node(node["op"], [shapes[i][output] for i, output, _ in node["inputs"]], shapes[number])
