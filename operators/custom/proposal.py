"""Proposals of the region proposal network (the original's `operator_py/proposal.py`)."""
from functools import partial

import mxnet as mx
import numpy as np

from .. import boxes as box_ops
from ..anchors import anchor_grid, base_anchors
from .base import Prop, flag, numbers


def nms(boxes, scores, threshold):
    """Greedy non-maximum suppression.

    Args:
        boxes: float32 (n, 4), inclusive ends.
        scores: float32 (n,).
        threshold: boxes that overlap a kept one by more are dropped.

    Returns:
        list of int, kept rows, best first.
    """
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1 + 1) * (y2 - y1 + 1)
    # The original's order, also of equal scores.
    order = scores.argsort()[::-1]
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        width = np.maximum(0, np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest]) + 1)
        height = np.maximum(0, np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest]) + 1)
        shared = width * height
        order = rest[shared / (areas[best] + areas[rest] - shared) <= threshold]
    return kept


def propose(scores, deltas, im_info, anchors, stride, pre_nms, post_nms, threshold, min_size):
    """Proposals of one image.

    Draws from `numpy.random` where fewer than `post_nms` boxes survive: these repeat at random.

    Args:
        scores: float32 (A, h, w), of the foreground.
        deltas: float32 (4 * A, h, w), 4 an anchor.
        im_info: float32 (3,), height, width and scale of the image in the network input. Cells beyond
            height / stride and width / stride, rounded down, are ignored.
        anchors: float64 (A, 4), those of the cell at (0, 0).
        stride: pixels a cell.
        pre_nms, post_nms: boxes before and after suppression; 0 takes all.
        threshold: overlap above which the lower score is suppressed.
        min_size: smallest side in pixels of the original image.

    Returns:
        boxes float32 (post_nms, 4) in the frame of the network input, and scores float32 (post_nms, 1).

    Raises:
        ValueError: no box is large enough (or all are NaN).
    """
    height, width = int(im_info[0] / stride), int(im_info[1] / stride)
    sources = anchor_grid(height, width, stride, anchors)
    deltas = deltas[:, :height, :width].transpose(1, 2, 0).reshape(-1, 4)
    scores = scores[:, :height, :width].transpose(1, 2, 0).ravel()
    found = box_ops.clip(box_ops.decode(sources, deltas), im_info[0], im_info[1])

    sides = found[:, 2:] - found[:, :2] + 1
    large = np.flatnonzero((sides >= min_size * im_info[2]).all(axis=1))
    if not len(large):
        raise ValueError("proposal: no box has sides of rpn_min_size %g pixels or more; diverged, or an image of "
                         "%g x %g is too small" % (min_size, im_info[0], im_info[1]))
    found, scores = found[large], scores[large]
    order = scores.argsort()[::-1]
    if pre_nms > 0:
        order = order[:pre_nms]
    found, scores = found[order].astype(np.float32), scores[order]
    kept = nms(found, scores, threshold)
    if post_nms > 0:
        kept = kept[:post_nms]
    if len(kept) < post_nms:
        kept = np.hstack([kept, np.random.choice(kept, size=post_nms - len(kept))])
    return found[kept], scores[kept, None]


def propose_batch(cls_prob, bbox_pred, im_info, anchors, **options):
    """Proposals of a batch, images one after the other.

    Args:
        cls_prob: float32 (N, 2 * A, h, w), channels background x A then foreground x A.
        bbox_pred: float32 (N, 4 * A, h, w).
        im_info: float32 (N, 3).
        anchors, options: see `propose`.

    Returns:
        rois float32 (N * post_nms, 5), rows (image, x1, y1, x2, y2), and their scores float32 (N * post_nms, 1).
    """
    found = [propose(prob[len(anchors):], deltas, info, anchors, **options)
             for prob, deltas, info in zip(cls_prob, bbox_pred, im_info)]
    return (np.concatenate([np.insert(boxes, 0, n, axis=1) for n, (boxes, _) in enumerate(found)]),
            np.concatenate([scores for _, scores in found]))


@mx.operator.register("proposal")
class ProposalProp(Prop):
    """Operator `proposal`; inputs, outputs and attributes: see `propose_batch` and `propose`. The second output is
    there with output_score only."""

    arguments = ("cls_prob", "bbox_pred", "im_info")
    outputs = ("output",)

    def parse(self, feat_stride="16", scales="(8, 16, 32)", ratios="(0.5, 1, 2)", output_score="False",
              rpn_pre_nms_top_n="6000", rpn_post_nms_top_n="300", threshold="0.3", rpn_min_size="16"):
        if flag(output_score, "output_score"):
            self.outputs = ("output", "score")
        stride, self._post_nms = int(feat_stride), int(rpn_post_nms_top_n)
        if self._post_nms < 1:
            raise ValueError("rpn_post_nms_top_n must be at least 1, got %s" % rpn_post_nms_top_n)
        self._anchors = base_anchors(numbers(ratios, "ratios"), numbers(scales, "scales"), stride, np.float64)
        return partial(propose_batch, anchors=self._anchors, stride=stride, pre_nms=int(rpn_pre_nms_top_n),
                       post_nms=self._post_nms, threshold=float(threshold), min_size=float(rpn_min_size))

    def infer_shape(self, in_shape):
        cls_prob, bbox_pred, im_info = in_shape
        return super().infer_shape([cls_prob, bbox_pred, im_info or [*cls_prob[:1], 3]])

    def shapes(self, cls_prob, bbox_pred, im_info):
        images, channels, height, width = cls_prob
        anchors = len(self._anchors)
        for name, found, wanted in (("cls_prob", cls_prob, (images, 2 * anchors, height, width)),
                                    ("bbox_pred", bbox_pred, (images, 4 * anchors, height, width)),
                                    ("im_info", im_info, (images, 3))):
            if tuple(found) != wanted:
                raise ValueError("proposal: %s must have the shape %s for %d anchors, got %s"
                                 % (name, wanted, anchors, tuple(found)))
        rows = images * self._post_nms
        return [(rows, 5), (rows, 1)][:len(self.outputs)]
