"""Proposals of the region proposal network, equal to `operator_py/proposal.py` of the MXNet original."""
from functools import partial
from typing import Any, Callable, List, Tuple

import mxnet as mx
import numpy as np

from .. import boxes as box_ops
from ..anchors import anchor_grid, base_anchors
from .base import NumpyOperatorProp, Shape, parse_bool, parse_integer, parse_numbers


def nms(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> List[int]:
    """Greedy non-maximum suppression.

    Args:
        boxes: float32 (n, 4), corners with inclusive ends.
        scores: float32 (n,).
        threshold: a box is dropped if its IoU with a kept box is above it.

    Returns:
        Rows of the kept boxes, best first.
    """
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1 + 1) * (y2 - y1 + 1)
    # Equal scores are in the order of the MXNet original too.
    order = scores.argsort()[::-1]
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        width = np.maximum(0, np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest]) + 1)
        height = np.maximum(0, np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest]) + 1)
        intersection = width * height
        order = rest[intersection / (areas[best] + areas[rest] - intersection) <= threshold]
    return kept


def propose(scores: np.ndarray, deltas: np.ndarray, im_info: np.ndarray, anchors: np.ndarray, stride: int,
            pre_nms: int, post_nms: int, threshold: float, min_size: float,
            rng: Any = np.random) -> Tuple[np.ndarray, np.ndarray]:
    """Makes the proposals of one image.

    Where suppression leaves fewer than `post_nms` boxes, some of them are repeated; which ones is drawn.

    Args:
        scores: float32 (A, h, w), of the foreground.
        deltas: float32 (4 * A, h, w), four for each anchor.
        im_info: float32 (3,), height, width and scale of the image in the network input. Only the cells within
            height / stride and width / stride, rounded down, have anchors.
        anchors: float64 (A, 4), those of the cell (0, 0).
        stride: how many pixels of the network input a cell is wide and high.
        pre_nms: how many boxes enter suppression at most, the best ones; 0 for all.
        post_nms: how many boxes to return.
        threshold: a box is suppressed if its IoU with a better one is above it.
        min_size: smallest side in pixels of the original image.
        rng: `numpy.random`, or a `numpy.random.RandomState`.

    Returns:
        boxes float32 (post_nms, 4) in pixels of the network input, and their scores float32 (post_nms, 1).

    Raises:
        ValueError: no box is large enough, or all are NaN.
    """
    height, width = int(im_info[0] / stride), int(im_info[1] / stride)
    sources = anchor_grid(height, width, stride, anchors)
    deltas = deltas[:, :height, :width].transpose(1, 2, 0).reshape(-1, 4)
    scores = scores[:, :height, :width].transpose(1, 2, 0).ravel()
    found = box_ops.clip(box_ops.decode(sources, deltas), im_info[0], im_info[1])

    sides = found[:, 2:] - found[:, :2] + 1
    large = np.flatnonzero((sides >= min_size * im_info[2]).all(axis=1))
    if not len(large):
        raise ValueError(f"proposal: no box has sides of rpn_min_size {min_size:g} pixels or more; the training has "
                         f"diverged, or an image of {im_info[0]:g} x {im_info[1]:g} is too small")
    found, scores = found[large], scores[large]
    order = scores.argsort()[::-1]
    if pre_nms > 0:
        order = order[:pre_nms]
    found, scores = found[order].astype(np.float32), scores[order]
    kept = nms(found, scores, threshold)[:post_nms]
    if len(kept) < post_nms:
        kept = np.hstack([kept, rng.choice(kept, size=post_nms - len(kept))])
    return found[kept], scores[kept, None]


def propose_batch(cls_prob: np.ndarray, bbox_pred: np.ndarray, im_info: np.ndarray, anchors: np.ndarray,
                  post_nms: int, **options: Any) -> Tuple[np.ndarray, np.ndarray]:
    """Makes the proposals of a batch, one image after the other.

    Args:
        cls_prob: float32 (N, 2 * A, h, w); the channels are A of the background, then A of the foreground.
        bbox_pred: float32 (N, 4 * A, h, w).
        im_info: float32 (N, 3).
        anchors, post_nms, options: see `propose`.

    Returns:
        rois float32 (N * post_nms, 5), rows (image, x1, y1, x2, y2), and their scores float32 (N * post_nms, 1).
    """
    rois, scores = np.empty((len(cls_prob), post_nms, 5), np.float32), np.empty((len(cls_prob), post_nms), np.float32)
    for n, (prob, deltas, info) in enumerate(zip(cls_prob, bbox_pred, im_info)):
        boxes, best = propose(prob[len(anchors):], deltas, info, anchors, post_nms=post_nms, **options)
        rois[n, :, 0], rois[n, :, 1:], scores[n] = n, boxes, best[:, 0]
    return rois.reshape(-1, 5), scores.reshape(-1, 1)


@mx.operator.register("proposal")
class ProposalProp(NumpyOperatorProp):
    """The operator `proposal`; `propose_batch` and `propose` describe its inputs, outputs and attributes.

    The second output exists only with `output_score`.
    """

    arguments = ("cls_prob", "bbox_pred", "im_info")
    outputs = ("output",)
    draws = True

    def parse(self, feat_stride: str = "16", scales: str = "(8, 16, 32)", ratios: str = "(0.5, 1, 2)",
              output_score: str = "False", rpn_pre_nms_top_n: str = "6000", rpn_post_nms_top_n: str = "300",
              threshold: str = "0.3", rpn_min_size: str = "16") -> Callable[..., Tuple[np.ndarray, np.ndarray]]:
        """See `NumpyOperatorProp.parse`."""
        if parse_bool(output_score, "output_score"):
            self.outputs = ("output", "score")
        stride = parse_integer(feat_stride, "feat_stride", least=1)
        self._post_nms = parse_integer(rpn_post_nms_top_n, "rpn_post_nms_top_n", least=1)
        self._anchors = base_anchors(parse_numbers(ratios, "ratios"), parse_numbers(scales, "scales"), stride,
                                     np.float64)
        return partial(propose_batch, anchors=self._anchors, stride=stride,
                       pre_nms=parse_integer(rpn_pre_nms_top_n, "rpn_pre_nms_top_n"), post_nms=self._post_nms,
                       threshold=float(threshold), min_size=float(rpn_min_size))

    def infer_shape(self, in_shape: List[Shape]) -> Tuple[List[Shape], List[Shape], List[Shape]]:
        """See `NumpyOperatorProp.infer_shape`; an unknown shape of im_info follows from that of cls_prob."""
        cls_prob, bbox_pred, im_info = in_shape
        return super().infer_shape([cls_prob, bbox_pred, im_info or [*cls_prob[:1], 3]])

    def shapes(self, cls_prob: Shape, bbox_pred: Shape, im_info: Shape) -> List[Shape]:
        """See `NumpyOperatorProp.shapes`."""
        images, _, height, width = cls_prob
        anchors = len(self._anchors)
        for name, found, wanted in (("cls_prob", cls_prob, (images, 2 * anchors, height, width)),
                                    ("bbox_pred", bbox_pred, (images, 4 * anchors, height, width)),
                                    ("im_info", im_info, (images, 3))):
            if tuple(found) != wanted:
                raise ValueError(f"proposal: {name} must have the shape {wanted} for {anchors} anchors, got "
                                 f"{tuple(found)}")
        rows = images * self._post_nms
        return [(rows, 5), (rows, 1)][:len(self.outputs)]
