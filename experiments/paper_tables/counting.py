"""Parameters and multiply-adds, counted off a graph's inferred shapes: nothing runs."""
import math

import mxnet as mx

from .stages import STAGES, infer_shapes, tree_of


def multiply_adds_of_node(op, inputs, outputs):
    """Multiply-adds of a convolution, deconvolution or fully connected layer, biases left out; 0 for other nodes.

    Args:
        op: name of MXNet's operator.
        inputs, outputs: shapes; the input's second is the weight, (out, in / groups, kernel...) of a convolution,
            (in, out / groups, kernel...) of a deconvolution, (out, in) of a fully connected layer.
    """
    if op in ("Convolution", "FullyConnected"):
        return math.prod(outputs[0]) * math.prod(inputs[1][1:])
    if op == "Deconvolution":
        return math.prod(inputs[0]) * math.prod(inputs[1][1:])
    return 0


def count_network(net, height, width):
    """(parameters, multiply-adds) of any network for one image of the size given in pixels.

    Parameters are what is trained or could be, moving statistics not among them. Nothing need be initialised.

    Args:
        net: HybridBlock whose input is (1, 3, height, width).
    """
    graph = net(mx.sym.var("data"))
    graph = graph if isinstance(graph, mx.sym.Symbol) else mx.sym.Group(list(graph))
    nodes = tree_of(graph)["nodes"]
    shapes = infer_shapes(graph, nodes, data=(1, 3, height, width))
    known = set(net.collect_params()) - set(graph.list_auxiliary_states())
    held = sum(math.prod(shape[0]) for node, shape in zip(nodes, shapes) if node["name"] in known)
    return held, sum(_of(nodes, shapes, number) for number in range(len(nodes)))


def count(graph):
    """What a detector's stages hold and cost.

    Args:
        graph: StagedGraph.

    Returns:
        dict with
        parameters: by stage, those shared by several nodes once;
        multiply_adds: by stage, an image;
        rois: an image;
        per_roi: multiply-adds of the head for one RoI;
        warped_values: numbers that warping makes of the maps, an image;
        map_channels: of the maps that warping reads, all together; cells: of the first of these.
    """
    totals = dict.fromkeys(STAGES, 0)
    for number, stage in enumerate(graph.stage):
        if stage:
            totals[stage] += _of(graph.nodes, graph.shapes, number)
    pooled = [number for number, stage in enumerate(graph.stage) if stage == "warping"]
    rois = max(graph.shapes[number][0][0] for number in pooled)
    maps = {tuple(graph.nodes[number]["inputs"][0][:2]) for number in pooled}
    return {
        "parameters": _parameters_by_stage(graph),
        "multiply_adds": totals,
        "rois": rois,
        "per_roi": totals["head"] / rois,
        "warped_values": _warped_values(graph, pooled),
        "map_channels": sum(graph.shape(pair)[1] for pair in maps),
        "cells": math.prod(graph.shape(min(maps))[2:]),
    }


def _warped_values(graph, pooled):
    """Of a pyramid each level pools all RoIs, those of other levels as zeros, which count once."""
    by_rois = {}
    for number in pooled:
        rois = tuple(graph.nodes[number]["inputs"][1][:2])
        by_rois[rois] = by_rois.get(rois, 0) + math.prod(graph.shapes[number][0])
    return max(by_rois.values())


def _parameters_by_stage(graph):
    sizes = {node["name"]: math.prod(shapes[0]) for node, shapes in zip(graph.nodes, graph.shapes)
             if node["op"] == "null"}
    return {stage: sum(sizes[name] for name in graph.parameters(stage) - graph.auxiliary) for stage in STAGES}


def _of(nodes, shapes, number):
    node = nodes[number]
    return multiply_adds_of_node(node["op"], [shapes[i][output] for i, output, _ in node["inputs"]], shapes[number])
