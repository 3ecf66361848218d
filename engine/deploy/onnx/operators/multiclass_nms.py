"""Detections from the scores and boxes of every class, as `operators.multiclass_nms` finds them."""
from typing import Optional, Tuple

import numpy as np

from .....errors import ModelError
from ..builder import GraphBuilder
from .arithmetic import (all_of, chain, count_up, is_number, number, reshape, size, take_rows, to_float,
                         unsqueeze, whole_numbers)
from .boxes import non_maximum_suppression
from .order import best_scores
from .soft_nms import soft_nms


def multiclass_nms(g: GraphBuilder, scores: str, boxes: str, valid: Optional[str], num_classes: int,
                   class_agnostic: bool, background: int = 0, score_threshold: float = 0.001,
                   nms_threshold: float = 0.3, pre_nms: int = 0, max_per_image: int = 100, soft: str = "none",
                   sigma: float = 0.5, inclusive: bool = True) -> Tuple[str, str]:
    """Adds `operators.multiclass_nms`, whose arguments these are.

    Args:
        g: builder of the graph.
        scores: float32 (N, R, num_classes).
        boxes: float32 (N, R, 4), or (N, R, 4 * num_classes) unless `class_agnostic`.
        valid: float32 (N,), or None.
        num_classes: classes, background counted.
        class_agnostic: all classes share the boxes.
        background, score_threshold, nms_threshold, max_per_image, soft, sigma, inclusive: as there.
        pre_nms: 0.

    Returns:
        output: float32 (N, max_per_image, 6).
        counts: float32 (N,).

    Raises:
        ModelError: another `pre_nms`.
    """
    if pre_nms:
        raise ModelError(f"pre_nms={pre_nms} of multiclass_nms cannot be written in ONNX; 0 can")
    rows = size(g, scores, 1)
    by_class = g.add("Transpose", [scores], perm=[0, 2, 1])  # (N, C, R)
    if not class_agnostic:
        boxes = g.add("Transpose", [reshape(g, boxes, 0, 0, num_classes, 4)], perm=[0, 2, 1, 3])
    if background >= 0:
        foreground = g.constant(np.delete(np.arange(num_classes), background))
        by_class = g.add("Gather", [by_class, foreground], axis=1)
        boxes = boxes if class_agnostic else g.add("Gather", [boxes, foreground], axis=1)
        num_classes -= 1
    # The boxes of a class, or of all, are (G, R, 4): one group of boxes an image, or one for each of its classes.
    groups = reshape(g, boxes, -1, rows, 4)
    of_groups = reshape(g, by_class, -1, num_classes if class_agnostic else 1, rows)
    none = min(score_threshold, 0) - 1
    # To OpenVINO, NaN is greater than a number.
    mask = chain(g, "And", g.add("Greater", [of_groups, number(g, score_threshold)]), is_number(g, of_groups),
                 unsqueeze(g, all_of(g, is_number(g, groups)), 1))
    candidates = reshape(g, g.add("Where", [mask, of_groups, number(g, none)]), -1, num_classes, rows)
    if valid is not None:
        is_box = g.add("Less", [unsqueeze(g, count_up(g, rows), 0, 1), unsqueeze(g, valid, 1, 2)])
        candidates = g.add("Where", [is_box, candidates, number(g, none)])
    groups = g.add("Where", [unsqueeze(g, all_of(g, is_number(g, groups)), 2), groups, number(g, 0)])
    if soft == "none":
        best, places = _hard(g, candidates, groups, num_classes, class_agnostic, score_threshold, nms_threshold,
                             max_per_image, inclusive, none)
    else:
        best, places = soft_nms(g, candidates, groups, class_agnostic, score_threshold, nms_threshold, max_per_image,
                                soft, sigma, inclusive, none)
    return _rows(g, best, places, groups, rows, class_agnostic, none)


def _hard(g: GraphBuilder, candidates: str, groups: str, num_classes: int, class_agnostic: bool,
          score_threshold: float, nms_threshold: float, max_per_image: int, inclusive: bool,
          none: float) -> Tuple[str, str]:
    """The best scores (N, K) that suppression leaves, and their places among the classes times rows of an image."""
    rows = size(g, groups, 1)
    flat = reshape(g, candidates, -1)
    kept = non_maximum_suppression(
        g, groups, candidates if class_agnostic else reshape(g, candidates, -1, 1, rows), max_per_image, nms_threshold,
        score_threshold, inclusive)
    # (image, class, row) to the place in all scores.
    classes = num_classes if class_agnostic else 1
    strides = g.add("Concat", [g.add("Mul", [rows, g.constant(classes)]), rows, whole_numbers(g, 1)], axis=0)
    places = g.add("ReduceSum", [g.add("Mul", [kept, strides]), whole_numbers(g, 1)], keepdims=1)
    left = g.add("Expand", [number(g, none), g.add("Shape", [flat])])
    left = g.add("ScatterND", [left, places, g.add("GatherND", [flat, places])])
    left = reshape(g, left, size(g, candidates, 0), -1)
    left = g.add("Pad", [left, whole_numbers(g, 0, 0, 0, max_per_image), number(g, none)])
    return best_scores(g, left, whole_numbers(g, max_per_image))


def _rows(g: GraphBuilder, best: str, places: str, groups: str, rows: str, class_agnostic: bool,
          none: float) -> Tuple[str, str]:
    """The outputs of the operator, from scores (N, K) and their places among the classes times rows of an image."""
    is_real = g.add("Greater", [best, number(g, none)])
    places = g.add("Where", [is_real, places, g.constant(0)])
    classes = g.add("Div", [places, rows])
    if class_agnostic:
        corners = take_rows(g, groups, g.add("Sub", [places, g.add("Mul", [classes, rows])]))
    else:
        corners = take_rows(g, reshape(g, groups, size(g, best, 0), -1, 4), places)
    columns_of_rows = [unsqueeze(g, to_float(g, classes), 2), unsqueeze(g, best, 2), corners]
    output = g.add("Where", [unsqueeze(g, is_real, 2), g.add("Concat", columns_of_rows, axis=2), number(g, -1)])
    return output, g.add("ReduceSum", [to_float(g, is_real), whole_numbers(g, 1)], keepdims=0)
