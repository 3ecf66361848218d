"""The proposals of a region proposal network, as `operators.rpn_proposal` makes them."""
from typing import Sequence, Tuple

import numpy as np

from .....errors import ModelError
from ..builder import GraphBuilder
from .arithmetic import (all_of, chain, columns, count_up, is_finite, is_number, number, reshape, size, take_rows,
                         to_float, unsqueeze, whole_numbers)
from .boxes import decode_and_clip, non_maximum_suppression, sides
from .order import best_scores

# The score of what cannot be a proposal; those of others are probabilities.
_NONE = -1


def rpn_proposal(g: GraphBuilder, cls_prob: str, bbox_pred: str, im_info: str, anchors: Sequence[float],
                 feature_stride: int = 16, pre_nms: int = 6000, post_nms: int = 300, nms_threshold: float = 0.7,
                 min_size: float = 0, channels: str = "split", feature_size: str = "map",
                 pad: str = "empty") -> Tuple[str, str, str]:
    """Adds `operators.rpn_proposal`, whose arguments these are.

    Args:
        g: builder of the graph.
        cls_prob: float32 (N, 2 * A, H, W), probabilities.
        bbox_pred: float32 (N, 4 * A, H, W).
        im_info: float32 (N, 3).
        anchors: the 4 * A numbers of the first cell's anchors.
        feature_stride, pre_nms, post_nms, nms_threshold, min_size, channels, feature_size: as there. With a `min_size`
            all boxes are decoded before the best are chosen, not only the best.
        pad: "empty".

    Returns:
        rois: float32 (N * post_nms, 5).
        counts: float32 (N,).
        scores: float32 (N * post_nms, 1).

    Raises:
        ModelError: another `pad`.
    """
    if pad != "empty":
        raise ModelError(f"pad={pad!r} of rpn_proposal cannot be written in ONNX; 'empty' can")
    base = np.asarray(anchors, np.float32).reshape(-1, 4)
    rows, cells = size(g, cls_prob, 2), size(g, cls_prob, 3)
    height, width = (unsqueeze(g, columns(g, im_info, axis, axis + 1), 1) for axis in (0, 1))  # (N, 1, 1)
    scores = _foreground(g, cls_prob, len(base), channels)
    can_propose = g.add("And", [is_number(g, scores),
                                _cells_with_anchors(g, rows, cells, im_info, feature_stride, feature_size)])
    scores = reshape(g, g.add("Where", [can_propose, scores, number(g, _NONE)]), 0, -1)
    deltas = g.add("Transpose", [reshape(g, bbox_pred, 0, 4 * len(base), -1)], perm=[0, 2, 1])
    deltas = reshape(g, deltas, 0, -1, 4)
    grid = _anchor_grid(g, rows, cells, base, feature_stride)
    if min_size:
        boxes = decode_and_clip(g, grid, deltas, height, width)
        least = g.add("Mul", [unsqueeze(g, columns(g, im_info, 2, 3), 1), number(g, min_size)])
        is_large = chain(g, "And", *(g.add("GreaterOrEqual", [side, least]) for side in sides(g, boxes)))
        scores = g.add("Where", [g.add("Squeeze", [is_large, whole_numbers(g, 2)]), scores, number(g, _NONE)])
        scores, places = _best(g, scores, pre_nms)
        boxes, deltas = take_rows(g, boxes, places), take_rows(g, deltas, places)
    else:
        scores, places = _best(g, scores, pre_nms)
        deltas = take_rows(g, deltas, places)
        boxes = decode_and_clip(g, g.add("Gather", [grid, places], axis=0), deltas, height, width)
    # NaN would spread through the engines in ways of their own.
    takes_part = g.add("And", [g.add("GreaterOrEqual", [scores, number(g, 0)]), all_of(g, is_number(g, deltas))])
    boxes = g.add("Where", [unsqueeze(g, takes_part, 2), boxes, number(g, 0)])
    is_real, places = _suppress(g, boxes, takes_part, post_nms, nms_threshold)
    return _rows(g, boxes, scores, is_real, places, post_nms)


def _foreground(g: GraphBuilder, cls_prob: str, count: int, channels: str) -> str:
    """The foreground's probabilities (N, H, W, A)."""
    begin, end, step = (count, 2 * count, 1) if channels == "split" else (1, 2 * count, 2)
    probabilities = g.add("Slice", [cls_prob, *(whole_numbers(g, value) for value in (begin, end, 1, step))])
    return g.add("Transpose", [probabilities], perm=[0, 2, 3, 1])


def _cells_with_anchors(g: GraphBuilder, rows: str, cells: str, im_info: str, stride: int, feature_size: str) -> str:
    """bool (N, H, W, 1), or (N, 1, 1, 1) where all cells of an image have anchors or none."""
    mask = unsqueeze(g, all_of(g, is_finite(g, im_info)), 1, 2, 3)
    if feature_size == "map":
        return mask
    for axis, length in enumerate((rows, cells)):
        ends = g.add("Mul", [g.add("Add", [count_up(g, length), number(g, 1)]), number(g, stride)])
        limit = unsqueeze(g, columns(g, im_info, axis, axis + 1), 2, 3)
        mask = g.add("And", [mask, g.add("LessOrEqual", [unsqueeze(g, ends, 0, 2 - axis, 3), limit])])
    return mask


def _anchor_grid(g: GraphBuilder, rows: str, cells: str, base: np.ndarray, stride: int) -> str:
    """The anchors of all cells, float32 (H * W * A, 4): row by row, in a row cell by cell, those of a cell together."""
    shifts = []
    for length, axes, corners in ((rows, (1, 2, 3), (0, 1, 0, 1)), (cells, (0, 2, 3), (1, 0, 1, 0))):
        steps = g.constant(np.array(corners, np.float32) * stride)
        shifts.append(g.add("Mul", [unsqueeze(g, count_up(g, length), *axes), steps]))
    return reshape(g, g.add("Add", [g.add("Add", shifts), g.constant(base)]), -1, 4)


def _best(g: GraphBuilder, scores: str, pre_nms: int) -> Tuple[str, str]:
    """The best scores (N, P) in order, and where they stand, int64 (N, P); all of them if `pre_nms` is 0."""
    count = size(g, scores, 1)
    if not pre_nms:
        return g.add("TopK", [scores, count], outputs=2, axis=1)
    return best_scores(g, scores, g.add("Min", [count, whole_numbers(g, pre_nms)]))


def _suppress(g: GraphBuilder, boxes: str, takes_part: str, post_nms: int, threshold: float) -> Tuple[str, str]:
    """Which rows hold a proposal, bool (N, post_nms), and which boxes (N, P, 4) they are, int64 (N, post_nms).

    Boxes come best first. Their ranks are their scores from here on, so that there are no equal ones.
    """
    count = size(g, boxes, 1)
    ranks = g.add("Sub", [to_float(g, count), count_up(g, count)])
    ranks = g.add("Mul", [to_float(g, takes_part), ranks])
    kept = non_maximum_suppression(g, boxes, unsqueeze(g, ranks, 1), post_nms, threshold, 0.0)
    kept = g.add("Gather", [kept, whole_numbers(g, 0, 2)], axis=1)
    none = g.add("Mul", [ranks, number(g, 0)])
    kept_ranks = g.add("ScatterND", [none, kept, g.add("GatherND", [ranks, kept])])
    # There may be fewer boxes than rows.
    few = g.add("Pad", [kept_ranks, whole_numbers(g, 0, 0, 0, post_nms)])
    best, places = g.add("TopK", [few, whole_numbers(g, post_nms)], outputs=2, axis=1)
    is_real = g.add("Greater", [best, number(g, 0)])
    return is_real, g.add("Where", [is_real, places, g.constant(0)])


def _rows(g: GraphBuilder, boxes: str, scores: str, is_real: str, places: str, post_nms: int) -> Tuple[str, str, str]:
    """The outputs of the operator."""
    mask = unsqueeze(g, is_real, 2)
    images = unsqueeze(g, count_up(g, size(g, boxes, 0)), 1, 2)
    images = g.add("Where", [mask, images, number(g, -1)])  # (N, post_nms, 1)
    corners = g.add("Where", [mask, take_rows(g, boxes, places), number(g, 0)])
    rois = reshape(g, g.add("Concat", [images, corners], axis=2), -1, 5)
    counts = g.add("ReduceSum", [to_float(g, is_real), whole_numbers(g, 1)], keepdims=0)
    of_rows = g.add("Where", [is_real, g.add("GatherElements", [scores, places], axis=1), number(g, 0)])
    return rois, counts, reshape(g, of_rows, -1, 1)
