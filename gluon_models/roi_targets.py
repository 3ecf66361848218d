"""Training targets of the RoIs, computed inside the graph, on the device (the MXNet original's `proposal_target`).

The targets of the anchors are computed elsewhere, by the workers that load data: see `operators.anchor_targets`.
"""
from types import ModuleType
from typing import Sequence, Tuple

from ..operators import boxes as box_ops
from ..operators.arrays import Array


def assign_roi_targets(F: ModuleType, rois: Array, gt_boxes: Array, rois_per_image: int, means: Sequence[float],
                       stds: Sequence[float], fg_iou: float = 0.5, bg_iou_high: float = 0.5, bg_iou_low: float = 0.0,
                       batch_size: int = -1, fg_fraction: float = 0.25) -> Tuple[Array, Array, Array]:
    """Labels the RoIs of every image by their overlap with its ground truths, which join the RoIs themselves.

    Args:
        F: module of the operators, `mx.nd` or `mx.sym`.
        rois: float32 (N * rois_per_image, 5), rows (image in the batch, x1, y1, x2, y2), boxes in pixels of the network
            input; rows with a negative image are padding.
        gt_boxes: float32 (N, M, 5), rows (x1, y1, x2, y2, class), boxes in the same frame and classes from 1; rows of
            class `boxes.IGNORED_REGION` are regions of which nothing is known, other rows without a positive class are
            padding.
        rois_per_image: rows of `rois` of each image, padding included.
        means: four numbers that are subtracted from the box deltas.
        stds: four numbers that the deltas are then divided by.
        fg_iou: IoU from which a RoI takes the class of the ground truth that it overlaps most.
        bg_iou_high, bg_iou_low: other RoIs whose largest IoU is in [low, high) are background, unless the share `high`
            of their area or more lies in an ignored region.
        batch_size: RoIs to draw at random for every image, at most `fg_fraction` of them foreground; with -1 all RoIs
            remain, as hard example mining wants them.
        fg_fraction: see `batch_size`.

    Returns:
        rois: float32 (N, K, 5), like the argument; K = `batch_size`, or `rois_per_image` + M.
        labels: float32 (N, K), class from 1, 0 for background, -1 for RoIs to be ignored.
        targets: float32 (N, K, 4), normalised box deltas, which mean something where the label is positive.
    """
    rois = F.reshape(rois, shape=(-1, rois_per_image, 5))
    gt_coords = F.slice_axis(gt_boxes, axis=2, begin=0, end=4)
    gt_class = F.slice_axis(gt_boxes, axis=2, begin=4, end=5)
    image_of_gt = F.broadcast_like(F.reshape(F.contrib.arange_like(gt_boxes, axis=0), shape=(-1, 1, 1)), gt_class)
    # Padding rows of both become RoIs too, and are ignored.
    padding = F.concat(F.slice_axis(rois, axis=2, begin=0, end=1) < 0, gt_class <= 0, dim=1)
    padding = F.reshape(padding, shape=(0, -1))
    rois = F.concat(rois, F.concat(image_of_gt, gt_coords, dim=2), dim=1)

    coords = F.slice_axis(rois, axis=2, begin=1, end=5)
    overlap = F.broadcast_mul(box_ops.iou(coords, gt_coords, F), F.swapaxes(gt_class > 0, dim1=1, dim2=2))
    max_overlap = F.max(overlap, axis=2)
    matched = F.argmax(overlap, axis=2)
    is_fg = (max_overlap >= fg_iou) * (1 - padding)
    is_bg = (max_overlap < bg_iou_high) * (max_overlap >= bg_iou_low) * (1 - padding)
    in_region = F.broadcast_mul(box_ops.share_inside(coords, gt_coords, F) >= bg_iou_high,
                                F.swapaxes(gt_class == box_ops.IGNORED_REGION, dim1=1, dim2=2))
    is_bg = is_bg * (1 - F.max(in_region, axis=2))
    if batch_size > 0:
        is_fg, is_bg = _sample(F, is_fg, is_bg, batch_size, fg_fraction)

    matched_gt = _take_rows(F, gt_boxes, 5, matched)
    matched_class = F.reshape(F.slice_axis(matched_gt, axis=2, begin=4, end=5), shape=(0, -1))
    labels = is_fg * matched_class - (1 - is_fg) * (1 - is_bg)
    # RoIs other than foreground may match no box at all, or have no area. They become the box (0, 0, 0, 0) with itself
    # as its ground truth, which encodes to zeros.
    fg = F.expand_dims(is_fg, axis=2)
    matched_boxes = F.slice_axis(matched_gt, axis=2, begin=0, end=4)
    targets = box_ops.encode(F.broadcast_mul(fg, coords), F.broadcast_mul(fg, matched_boxes), F)
    targets = F.concat(*((part - mean) / std for part, mean, std in
                         zip(F.split(targets, num_outputs=4, axis=2), means, stds)), dim=2)
    if batch_size > 0:
        rois, labels, targets = _keep_labelled(F, rois, labels, targets, batch_size)
    return tuple(F.BlockGrad(output) for output in (rois, labels, targets))


def _random_rank(F: ModuleType, candidates: Array) -> Array:
    """The rank of every element in a random order of its row (N, R) in which the candidates, of 1, come first."""
    draw = candidates * (1 + F.random.uniform_like(candidates))
    return F.argsort(F.argsort(draw, axis=1, is_ascend=False), axis=1)


def _sample(F: ModuleType, is_fg: Array, is_bg: Array, batch_size: int, fg_fraction: float) -> Tuple[Array, Array]:
    """Draws foreground up to its share, then background up to `batch_size`; masks (N, R) both ways."""
    is_fg = is_fg * (_random_rank(F, is_fg) < int(round(fg_fraction * batch_size)))
    room = batch_size - F.sum(is_fg, axis=1, keepdims=True)
    return is_fg, is_bg * F.broadcast_lesser(_random_rank(F, is_bg), room)


def _keep_labelled(F: ModuleType, rois: Array, labels: Array, targets: Array,
                   batch_size: int) -> Tuple[Array, Array, Array]:
    """The `batch_size` rows of each image that come first when those that are not ignored stand before the others."""
    chosen = F.topk(labels >= 0, axis=1, k=batch_size)
    rows = _take_rows(F, F.concat(rois, F.expand_dims(labels, axis=2), targets, dim=2), 10, chosen)
    rois, labels, targets = (F.slice_axis(rows, axis=2, begin=begin, end=end)
                             for begin, end in ((0, 5), (5, 6), (6, 10)))
    return rois, F.reshape(labels, shape=(0, -1)), targets


def _take_rows(F: ModuleType, rows: Array, columns: int, index: Array) -> Array:
    """The rows that an index (N, K) names, of an array (N, R, columns): (N, K, columns)."""
    parts = (F.swapaxes(part, dim1=1, dim2=2) for part in F.split(rows, num_outputs=columns, axis=2))
    return F.concat(*(F.pick(F.broadcast_like(part, index, lhs_axes=(1,), rhs_axes=(1,)), index, axis=2, keepdims=True)
                      for part in parts), dim=2)
