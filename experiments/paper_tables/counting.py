"""Parameters and multiply-adds of the stages of a detector, counted from the shapes of its graph: nothing runs."""
import math
from typing import Any, Dict, List, Tuple

from ..benchmarks.counting import multiply_adds
from .stages import STAGES, StagedGraph


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
            totals[stage] += multiply_adds(graph.nodes, graph.shapes, number)
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
