"""Draws RoIs to learn from and computes their targets.

It equals `operator_py/proposal_target.py` and `core/rcnn.py` of the MXNet original.
"""
from functools import partial
from typing import Any, Callable, List, Optional, Sequence, Tuple

import mxnet as mx
import numpy as np

from .. import boxes as box_ops
from .base import NumpyOperatorProp, Shape, parse_integer, parse_numbers


def sample_rois(overlaps: np.ndarray, fg_rois: int, rois: int, fg_thresh: float = 0.5, bg_thresh_hi: float = 0.5,
                bg_thresh_lo: float = 0.0, rng: Any = np.random, region_shares: Optional[np.ndarray] = None,
                fill: bool = True) -> Tuple[np.ndarray, int]:
    """Draws RoIs of one image.

    Args:
        overlaps: float64 (n,), the IoU of each candidate with the ground truth that it overlaps most.
        fg_rois: how many foreground RoIs to draw at most.
        rois: how many RoIs to draw in all.
        fg_thresh: candidates with this overlap or more are foreground.
        bg_thresh_hi, bg_thresh_lo: candidates with an overlap in [lo, hi) are background.
        rng: `numpy.random`, whose draws are those of the MXNet original, or a `numpy.random.RandomState`.
        region_shares: float64 (n,), the largest share of each candidate's area that lies in an ignored region; None
            where the image has no such regions. Candidates with `bg_thresh_hi` or more are no background, and where
            the image has regions, nothing is drawn in addition.
        fill: where too few candidates are foreground or background, draw any candidates in addition, if need be more
            than once, as the MXNet original does.

    Returns:
        int (rois,), indices of candidates, foreground first; and how many of them are foreground. There are fewer
        indices where there is nothing to draw from.
    """
    is_known = np.full(len(overlaps), True) if region_shares is None else region_shares < bg_thresh_hi
    foreground = np.flatnonzero(overlaps >= fg_thresh)
    fg_count = min(fg_rois, len(foreground))
    if len(foreground) > fg_count:
        foreground = rng.choice(foreground, size=fg_count, replace=False)
    background = np.flatnonzero((overlaps < bg_thresh_hi) & (overlaps >= bg_thresh_lo) & is_known)
    bg_count = min(rois - fg_count, len(background))
    if len(background) > bg_count:
        background = rng.choice(background, size=bg_count, replace=False)
    kept = np.append(foreground, background)
    # What is drawn in addition becomes background, foreground among it, as in the MXNet original. Regions can leave so
    # little background that this would teach something wrong.
    while fill and region_shares is None and len(overlaps) and len(kept) < rois:
        more = min(len(overlaps), rois - len(kept))
        kept = np.append(kept, rng.choice(len(overlaps), size=more, replace=False))
    return kept, fg_count


def expand_box_targets(labels: np.ndarray, targets: np.ndarray, num_classes: int,
                       weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0)) -> Tuple[np.ndarray, np.ndarray]:
    """Writes the box target of each RoI into the columns of its class; all other columns are 0.

    Args:
        labels: (n,), classes from 1; other labels have no target.
        targets: (n, 4).
        num_classes: classes, background counted; with 2 all classes share the columns 4 to 7.
        weights: of the four numbers of a target.

    Returns:
        targets and weights, float32 (n, 4 * num_classes).
    """
    expanded = np.zeros((len(labels), num_classes, 4), np.float32)
    mask = np.zeros_like(expanded)
    rows = np.flatnonzero(labels > 0)
    columns = labels[rows].astype(int) if num_classes > 2 else 1
    expanded[rows, columns] = targets[rows]
    mask[rows, columns] = weights
    return expanded.reshape(-1, 4 * num_classes), mask.reshape(-1, 4 * num_classes)


def sample_roi_targets(boxes: np.ndarray, gt_boxes: np.ndarray, fg_rois: int, rois: int, num_classes: int,
                       means: Sequence[float], stds: Sequence[float], weights: Sequence[float], **options: Any
                       ) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draws RoIs of one image and computes their targets.

    Args:
        boxes: float32 (n, 4), the candidates, ground truths among them, in any frame; n may be 0.
        gt_boxes: float32 (m, 5), boxes in the same frame, then classes: from 1 for ground truths,
            `boxes.IGNORED_REGION` for regions of which nothing is known; other rows are padding. m may be 0.
        fg_rois, rois, options: see `sample_rois`. A candidate that is no foreground and of whose area the share
            `bg_thresh_hi` or more lies in a region is not drawn.
        num_classes, weights: see `expand_box_targets`.
        means, stds: four numbers each; `means` are subtracted from the box deltas, which are then divided by `stds`.

    Returns:
        boxes (rois, 4) in the same frame; labels (rois,), the classes, 0 for background; box targets and weights
        (rois, 4 * num_classes). Where there are too few candidates to draw from, the last rows are padding: boxes of
        zeros with label -1 and weights 0.
    """
    sources = boxes[None].astype(np.float64)
    truths, regions = gt_boxes[gt_boxes[:, 4] > 0], gt_boxes[gt_boxes[:, 4] == box_ops.IGNORED_REGION]
    if len(truths):
        overlaps = box_ops.iou(sources, truths[None, :, :4].astype(np.float64))[0]
        matched, best = truths[overlaps.argmax(axis=1)], overlaps.max(axis=1)
    else:
        matched, best = np.insert(boxes, 4, 0, axis=1), np.zeros(len(boxes))
    if len(regions):
        shares = box_ops.share_inside(sources, regions[None, :, :4].astype(np.float64))[0]
        options["region_shares"] = shares.max(axis=1)
    kept, fg_count = sample_rois(best, fg_rois, rois, **options)
    boxes, matched = boxes[kept], matched[kept]
    labels = matched[:, 4].copy()
    labels[fg_count:] = 0
    deltas = (box_ops.encode(boxes, matched[:, :4]) - np.array(means)) / np.array(stds)
    below = (0, rois - len(kept))
    boxes, deltas = (np.pad(rows, (below, (0, 0))) for rows in (boxes, deltas))
    labels = np.pad(labels, below, constant_values=-1)
    return (boxes, labels) + expand_box_targets(labels, deltas, num_classes, weights)


def sample_batch_targets(rois: np.ndarray, gt_boxes: np.ndarray, images: int, batch_rois: int, fg_fraction: float,
                         num_classes: int, **options: Any
                         ) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draws RoIs of every image of a batch and computes their targets. Ground truths join the candidates.

    Args:
        rois: float32 (images * n, 5), rows (image, x1, y1, x2, y2), images one after the other; rows whose image is -1
            are padding.
        gt_boxes: float32 (images * m, 5), boxes and classes, see `sample_roi_targets`, images one after the other.
        images: how many images the batch has.
        batch_rois: how many RoIs to draw from all images together, or -1 to keep all n + m of each image, padding with
            label -1 and weights 0.
        fg_fraction: the largest share of foreground among those drawn.
        num_classes, options: see `sample_roi_targets`.

    Returns:
        rois (K, 5), labels (K,), box targets and weights (K, 4 * num_classes), float32, where K is batch_rois or
        images * (n + m). The rows of an image with too few candidates end with padding.

    Raises:
        ValueError: the RoIs of an image do not stand together, or images are not in order.
    """
    total = len(rois) + len(gt_boxes) if batch_rois == -1 else batch_rois
    rows = total // images
    all_rois, all_labels = np.zeros((total, 5), np.float32), np.full(total, -1, np.float32)
    all_targets, all_weights = np.zeros((2, total, 4 * num_classes), np.float32)
    for n, (proposals, truths) in enumerate(zip(np.split(rois, images), np.split(gt_boxes, images))):
        if not np.isin(proposals[:, 0], (n, -1)).all():
            raise ValueError(f"proposal_target: rois of image {n} must stand together, in the order of the images")
        real = truths[truths[:, 4] > 0]
        boxes = np.concatenate([proposals[proposals[:, 0] == n, 1:], real[:, :4]])
        wanted = len(boxes) if batch_rois == -1 else rows
        fg_rois = wanted if batch_rois == -1 else int(np.round(fg_fraction * wanted))
        all_rois[n * rows:(n + 1) * rows, 0] = n
        here = slice(n * rows, n * rows + wanted)
        all_rois[here, 1:], all_labels[here], all_targets[here], all_weights[here] = sample_roi_targets(
            boxes, truths, fg_rois, wanted, num_classes, **options)
    return all_rois, all_labels, all_targets, all_weights


@mx.operator.register("proposal_target")
class ProposalTargetProp(NumpyOperatorProp):
    """The operator `proposal_target`; `sample_batch_targets` describes its inputs, outputs and attributes.

    Graphs of the MXNet original carry their whole configuration, pickled, in the attribute `cfg`. This operator has an
    attribute for each number that it uses instead, and refuses `cfg`.
    """

    arguments = ("rois", "gt_boxes")
    outputs = ("rois_output", "label", "bbox_target", "bbox_weight")
    draws = True

    def parse(self, num_classes: str, batch_images: str, batch_rois: str, fg_fraction: str = "0.25",
              fg_thresh: str = "0.5", bg_thresh_hi: str = "0.5", bg_thresh_lo: str = "0.0",
              bbox_means: str = "(0, 0, 0, 0)", bbox_stds: str = "(0.1, 0.1, 0.2, 0.2)",
              bbox_weights: str = "(1, 1, 1, 1)", cfg: Optional[str] = None
              ) -> Callable[..., Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """See `NumpyOperatorProp.parse`."""
        if cfg is not None:
            raise ValueError("proposal_target: a pickled configuration (attribute cfg) can run code and is not read; "
                             "build the graph anew by symbols.get_symbol: its parameters load unchanged")
        images = parse_integer(batch_images, "batch_images", least=1)
        self._num_classes = parse_integer(num_classes, "num_classes", least=2)
        self._batch_rois = parse_integer(batch_rois, "batch_rois")
        if self._batch_rois != -1 and (self._batch_rois < 1 or self._batch_rois % images):
            raise ValueError(f"batch_rois must be -1 or divisible by batch_images, got {batch_rois} and "
                             f"{batch_images}")
        return partial(
            sample_batch_targets, images=images, batch_rois=self._batch_rois, fg_fraction=float(fg_fraction),
            num_classes=self._num_classes, means=parse_numbers(bbox_means, "bbox_means", 4),
            stds=parse_numbers(bbox_stds, "bbox_stds", 4), weights=parse_numbers(bbox_weights, "bbox_weights", 4),
            fg_thresh=float(fg_thresh), bg_thresh_hi=float(bg_thresh_hi), bg_thresh_lo=float(bg_thresh_lo))

    def shapes(self, rois: Shape, gt_boxes: Shape) -> List[Shape]:
        """See `NumpyOperatorProp.shapes`."""
        rows = rois[0] + gt_boxes[0] if self._batch_rois == -1 else self._batch_rois
        columns = 4 * self._num_classes
        return [(rows, 5), (rows,), (rows, columns), (rows, columns)]
