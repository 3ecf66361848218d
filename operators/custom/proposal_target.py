"""Sampled RoIs and what they must learn (the original's `operator_py/proposal_target.py` and `core/rcnn.py`)."""
from functools import partial

import mxnet as mx
import numpy as np

from .. import boxes as box_ops
from .base import Prop, numbers


def sample_rois(overlaps, fg_rois, rois, fg_thresh=0.5, bg_thresh_hi=0.5, bg_thresh_lo=0.0, rng=np.random):
    """Draws RoIs of one image.

    Args:
        overlaps: float64 (n,), of every candidate with its best ground truth.
        fg_rois: foreground RoIs at most.
        rois: RoIs in all. Where too few candidates qualify, any may be drawn in addition, and more than once.
        fg_thresh: overlap from which a RoI is foreground.
        bg_thresh_hi, bg_thresh_lo: overlaps in [lo, hi) are background.
        rng: `numpy.random`, whose draws are the original's, or a `numpy.random.RandomState`.

    Returns:
        int (rois,), candidates, foreground first; and how many of these are foreground.
    """
    foreground = np.flatnonzero(overlaps >= fg_thresh)
    fg_count = min(fg_rois, len(foreground))
    if len(foreground) > fg_count:
        foreground = rng.choice(foreground, size=fg_count, replace=False)
    background = np.flatnonzero((overlaps < bg_thresh_hi) & (overlaps >= bg_thresh_lo))
    bg_count = min(rois - fg_count, len(background))
    if len(background) > bg_count:
        background = rng.choice(background, size=bg_count, replace=False)
    kept = np.append(foreground, background)
    while len(kept) < rois:
        more = min(len(overlaps), rois - len(kept))
        kept = np.append(kept, rng.choice(len(overlaps), size=more, replace=False))
    return kept, fg_count


def expand_targets(labels, targets, num_classes, weights=(1.0, 1.0, 1.0, 1.0)):
    """Box targets in the columns of each RoI's class, zero elsewhere.

    Args:
        labels: (n,), class from 1, others have no target.
        targets: (n, 4).
        num_classes: with background; 2 where all classes share the columns 4 to 7.
        weights: of the four numbers of a box.

    Returns:
        targets and weights, float32 (n, 4 * num_classes).
    """
    expanded = np.zeros((len(labels), num_classes, 4), np.float32)
    mask = np.zeros_like(expanded)
    rows = np.flatnonzero(labels > 0)
    columns = labels[rows].astype(int) if num_classes > 2 else 1
    expanded[rows, columns] = targets[rows]
    mask[rows, columns] = weights
    return expanded.reshape(len(labels), -1), mask.reshape(len(labels), -1)


def targets_of_image(boxes, gt_boxes, fg_rois, rois, num_classes, means, stds, weights, **options):
    """Sampled RoIs of one image with their targets.

    Args:
        boxes: float32 (n, 4), the candidates, ground truths among them.
        gt_boxes: float32 (m, 5), the same frame, classes from 1 in the last column; m may be 0.
        fg_rois, rois, options: see `sample_rois`.
        num_classes, weights: see `expand_targets`.
        means, stds: four each, subtracted from the box deltas, which are then divided by these.

    Returns:
        boxes (rois, 4); labels (rois,), classes, 0 for background; targets and weights, see `expand_targets`.
    """
    if len(gt_boxes):
        overlaps = box_ops.iou(boxes[None].astype(np.float64), gt_boxes[None, :, :4].astype(np.float64))[0]
        matched, best = gt_boxes[overlaps.argmax(axis=1)], overlaps.max(axis=1)
    else:
        matched, best = np.insert(boxes, 4, 0, axis=1), np.zeros(len(boxes))
    kept, fg_count = sample_rois(best, fg_rois, rois, **options)
    boxes, matched = boxes[kept], matched[kept]
    labels = matched[:, 4].copy()
    labels[fg_count:] = 0
    deltas = (box_ops.encode(boxes, matched[:, :4]) - np.array(means)) / np.array(stds)
    return (boxes, labels) + expand_targets(labels, deltas, num_classes, weights)


def propose_targets(rois, gt_boxes, images, batch_rois, fg_fraction, **options):
    """Sampled RoIs of every image of a batch with their targets; ground truths join the candidates.

    Args:
        rois: float32 (images * n, 5), rows (image, x1, y1, x2, y2), images one after the other; rows of image -1 are
            padding.
        gt_boxes: float32 (images * m, 5), boxes and classes from 1, images one after the other; rows of class 0 or
            less are padding.
        images: in the batch.
        batch_rois: RoIs to draw from all images together; -1 keeps all, n + m an image, those in place of padding
            with label -1 and weights 0.
        fg_fraction: share of those drawn that are foreground, at most.
        options: of `targets_of_image`.

    Returns:
        rois (K, 5), labels (K,), targets and weights (K, 4 * num_classes), float32; K = batch_rois or
        images * (n + m).
    """
    outputs = []
    for n, (proposals, truths) in enumerate(zip(np.split(rois, images), np.split(gt_boxes, images))):
        if not np.isin(proposals[:, 0], (n, -1)).all():
            raise ValueError("proposal_target: rois of image %d must stand together, in the order of the images" % n)
        real = truths[truths[:, 4] > 0]
        boxes = np.concatenate([proposals[proposals[:, 0] == n, 1:], real[:, :4]])
        rows = len(proposals) + len(truths) if batch_rois == -1 else batch_rois // images
        wanted = len(boxes) if batch_rois == -1 else rows
        fg_rois = wanted if batch_rois == -1 else int(np.round(fg_fraction * wanted))
        boxes, labels, targets, weights = targets_of_image(boxes, real, fg_rois, wanted, **options)
        padding = rows - wanted
        boxes, targets, weights = (np.pad(array, ((0, padding), (0, 0))) for array in (boxes, targets, weights))
        outputs.append((np.insert(boxes, 0, n, axis=1), np.pad(labels, (0, padding), constant_values=-1), targets,
                        weights))
    return tuple(np.concatenate(column) for column in zip(*outputs))


@mx.operator.register("proposal_target")
class ProposalTargetProp(Prop):
    """Operator `proposal_target`; inputs, outputs and attributes: see `propose_targets`.

    Where the original's graph carries its pickled configuration in the attribute `cfg`, this one has the numbers that
    it uses, and refuses `cfg`.
    """

    arguments = ("rois", "gt_boxes")
    outputs = ("rois_output", "label", "bbox_target", "bbox_weight")

    def parse(self, num_classes, batch_images, batch_rois, fg_fraction="0.25", fg_thresh="0.5", bg_thresh_hi="0.5",
              bg_thresh_lo="0.0", bbox_means="(0, 0, 0, 0)", bbox_stds="(0.1, 0.1, 0.2, 0.2)",
              bbox_weights="(1, 1, 1, 1)", cfg=None):
        if cfg is not None:
            raise ValueError("proposal_target: a pickled configuration (attribute cfg) can run code and is not read; "
                             "build the graph anew by symbols.get_symbol: its parameters load unchanged")
        images = int(batch_images)
        self._num_classes, self._batch_rois = int(num_classes), int(batch_rois)
        if self._batch_rois != -1 and (self._batch_rois < 1 or self._batch_rois % images):
            raise ValueError("batch_rois must be -1 or divisible by batch_images, got %s and %s"
                             % (batch_rois, batch_images))
        return partial(
            propose_targets, images=images, batch_rois=self._batch_rois, fg_fraction=float(fg_fraction),
            num_classes=self._num_classes, means=numbers(bbox_means, "bbox_means", 4),
            stds=numbers(bbox_stds, "bbox_stds", 4), weights=numbers(bbox_weights, "bbox_weights", 4),
            fg_thresh=float(fg_thresh), bg_thresh_hi=float(bg_thresh_hi), bg_thresh_lo=float(bg_thresh_lo))

    def shapes(self, rois, gt_boxes):
        rows = rois[0] + gt_boxes[0] if self._batch_rois == -1 else self._batch_rois
        columns = 4 * self._num_classes
        return [(rows, 5), (rows,), (rows, columns), (rows, columns)]
