"""Boxes in ONNX: decoding, clipping, and the form in which NonMaxSuppression reads them.

Boxes are (..., 4), rows (x1, y1, x2, y2) in pixels of the network input with inclusive ends.
"""
from typing import Tuple

import numpy as np

from ..builder import GraphBuilder
from .arithmetic import columns, number, whole_numbers


def decode_and_clip(g: GraphBuilder, sources: str, deltas: str, height: str, width: str) -> str:
    """Decodes boxes from their sources and clips them to 0 .. width - 1 and 0 .. height - 1.

    Args:
        sources: float32 (..., 4).
        deltas: float32 (..., 4), rows (dx, dy, dw, dh), see `operators.boxes.decode`.
        height, width: float32 that broadcast against (..., 1), of the images in pixels.

    Returns:
        float32 (..., 4), in the frame of the sources.
    """
    one, half = number(g, 1), number(g, 0.5)
    near, far = columns(g, sources, 0, 2), columns(g, sources, 2, 4)
    sides = g.add("Add", [g.add("Sub", [far, near]), one])
    centres = g.add("Add", [near, g.add("Mul", [g.add("Sub", [sides, one]), half])])
    centres = g.add("Add", [g.add("Mul", [columns(g, deltas, 0, 2), sides]), centres])
    grown = g.add("Mul", [g.add("Exp", [columns(g, deltas, 2, 4)]), sides])
    halves = g.add("Mul", [g.add("Sub", [grown, one]), half])
    last = g.add("Sub", [g.add("Concat", [width, height], axis=-1), one])

    def inside(corner: str) -> str:
        return g.add("Max", [g.add("Min", [corner, last]), number(g, 0)])

    return g.add("Concat", [inside(g.add("Sub", [centres, halves])), inside(g.add("Add", [centres, halves]))], axis=-1)


def sides(g: GraphBuilder, boxes: str) -> Tuple[str, str]:
    """Widths and heights of boxes, (..., 1) each."""
    spans = g.add("Add", [g.add("Sub", [columns(g, boxes, 2, 4), columns(g, boxes, 0, 2)]), number(g, 1)])
    return columns(g, spans, 0, 1), columns(g, spans, 1, 2)


def non_maximum_suppression(g: GraphBuilder, boxes: str, scores: str, most: int, threshold: float,
                            score_threshold: float, inclusive: bool = True) -> str:
    """Which boxes greedy suppression keeps within each class of each image.

    ONNX measures a box x2 - x1 wide: boxes with inclusive ends are handed over with their far ends moved by a pixel.
    An IoU exactly at the threshold suppresses nothing here and in ONNX Runtime, but does in OpenVINO: a threshold that
    is larger by a rounding is written. (It cannot be larger than 1, at which OpenVINO suppresses boxes that are equal.)

    Args:
        boxes: float32 (B, S, 4).
        scores: float32 (B, C, S). Equal scores may be ordered either way.
        most: how many boxes each class of an image keeps at most.
        threshold: IoU above which a box suppresses those of lower score, from 0 to 1.
        score_threshold: a box needs a score above it.
        inclusive: both ends are part of a box.

    Returns:
        int64 (kept, 3), rows (image, class, box).
    """
    if inclusive:
        boxes = g.add("Add", [boxes, g.constant(np.array([0, 0, 1, 1], np.float32))])
    above = np.clip(np.nextafter(np.float32(threshold), np.float32(2)), np.float32(1e-12), np.float32(1))
    return g.add("NonMaxSuppression", [boxes, scores, whole_numbers(g, most), g.constant(np.array([above])),
                                       g.constant(np.array([score_threshold], np.float32))])
