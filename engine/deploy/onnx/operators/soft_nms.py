"""Soft suppression (Soft-NMS, arXiv 1704.04503) as a loop that takes one detection of each image a turn."""
from typing import Tuple

import numpy as np

from ..builder import GraphBuilder
from .arithmetic import columns, number, reshape, size, unsqueeze


def soft_nms(g: GraphBuilder, candidates: str, groups: str, class_agnostic: bool, score_threshold: float,
             nms_threshold: float, max_per_image: int, soft: str, sigma: float, inclusive: bool,
             none: float) -> Tuple[str, str]:
    """Adds the suppression of `operators.multiclass_nms` with `soft`.

    Args:
        g: builder of the graph.
        candidates: float32 (N, C, R), scores; those of no candidate are `none`.
        groups: float32 (N, R, 4), or (N * C, R, 4) unless `class_agnostic`.
        class_agnostic, score_threshold, nms_threshold, max_per_image, soft, sigma, inclusive: see there.
        none: a number below 0.

    Returns:
        The scores that the detections have left, float32 (N, K), best first and then `none`; and their places among
        the classes times rows of an image, int64 (N, K).
    """
    images, classes, rows = (size(g, candidates, axis) for axis in range(3))
    numbers = g.add("Range", [g.constant(0), g.add("Squeeze", [images]), g.constant(1)])  # (N,)
    first_class = g.add("Mul", [numbers, classes])
    areas = _areas(g, groups, inclusive)
    scores = reshape(g, candidates, -1, rows)  # (N * C, R)

    body = g.body("turn")
    body.input(f"{body.name}/number", np.int64, ())
    condition = body.input(f"{body.name}/condition", np.bool_, ())
    before = body.input(f"{body.name}/scores", np.float32, (None, None))
    in_order = reshape(body, before, images, -1)
    best = body.add("ReduceMax", [in_order], axes=[1], keepdims=0)
    place = body.add("ArgMax", [in_order], axis=1, keepdims=0)
    its_class = body.add("Div", [place, rows])
    row = body.add("Sub", [place, body.add("Mul", [its_class, rows])])
    line = body.add("Add", [first_class, its_class])  # (N,): the class of the image in `scores`
    group = numbers if class_agnostic else line
    at = body.add("Concat", [unsqueeze(body, group, 1), unsqueeze(body, row, 1)], axis=1)  # (N, 2)
    iou = _iou(body, body.add("Gather", [groups, group], axis=0), body.add("Gather", [areas, group], axis=0),
               unsqueeze(body, body.add("GatherND", [groups, at]), 1),
               unsqueeze(body, body.add("GatherND", [areas, at]), 1), inclusive)
    weights = _weights(body, iou, soft, nms_threshold, sigma)
    left = body.add("Mul", [body.add("Gather", [before, line], axis=0), weights])
    stays = body.add("Greater", [left, number(body, max(score_threshold, 0))])
    left = body.add("Where", [stays, left, number(body, none)])
    after = body.add("ScatterND", [before, unsqueeze(body, line, 1), left])
    itself = body.add("Concat", [unsqueeze(body, line, 1), unsqueeze(body, row, 1)], axis=1)
    taken = body.add("Expand", [number(body, none), images])
    after = body.add("ScatterND", [after, itself, taken])
    body.output(condition, f"{body.name}/goes_on", np.bool_, ())
    body.output(after, f"{body.name}/scores_after", np.float32, (None, None))
    body.output(best, f"{body.name}/best", np.float32, (None,))
    body.output(place, f"{body.name}/place", np.int64, (None,))
    _, best, places = g.add("Loop", [g.constant(max_per_image), g.constant(True), scores], outputs=3,
                            body=body.graph())
    return g.add("Transpose", [best], perm=[1, 0]), g.add("Transpose", [places], perm=[1, 0])


def _areas(g: GraphBuilder, boxes: str, inclusive: bool) -> str:
    """The areas (G, R) of boxes (G, R, 4)."""
    sides = g.add("Sub", [columns(g, boxes, 2, 4), columns(g, boxes, 0, 2)])
    return _product(g, g.add("Add", [sides, number(g, inclusive)]))


def _product(g: GraphBuilder, sides: str) -> str:
    """The product (...) of sides (..., 2); one below 0 counts as 0."""
    return g.add("ReduceProd", [g.add("Max", [sides, number(g, 0)])], axes=[-1], keepdims=0)


def _iou(g: GraphBuilder, boxes: str, areas: str, box: str, area: str, inclusive: bool) -> str:
    """The IoU (N, R) of boxes (N, R, 4) with one box (N, 1, 4)."""
    far = g.add("Min", [columns(g, boxes, 2, 4), columns(g, box, 2, 4)])
    near = g.add("Max", [columns(g, boxes, 0, 2), columns(g, box, 0, 2)])
    shared = _product(g, g.add("Add", [g.add("Sub", [far, near]), number(g, inclusive)]))
    union = g.add("Sub", [g.add("Add", [areas, area]), shared])
    # Two boxes without area share nothing.
    return g.add("Div", [shared, g.add("Max", [union, number(g, 1e-20)])])


def _weights(g: GraphBuilder, iou: str, soft: str, nms_threshold: float, sigma: float) -> str:
    """What scores are multiplied by."""
    if soft == "gaussian":
        return g.add("Exp", [g.add("Div", [g.add("Neg", [g.add("Mul", [iou, iou])]), number(g, sigma)])])
    overlaps = g.add("Greater", [iou, number(g, nms_threshold)])
    return g.add("Where", [overlaps, g.add("Sub", [number(g, 1), iou]), number(g, 1)])
