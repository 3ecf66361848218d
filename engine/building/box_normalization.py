"""Means and standard deviations of the box targets of a training set, with which the targets are normalised."""
import logging
from typing import Any, Iterable, Mapping, Tuple

import numpy as np
from yacs.config import CfgNode

from ... import data
from ...errors import DataError
from ...operators import boxes as box_ops
from ..config import with_values
from .datasets import training_records
from .roi_loader import ProposalsOf

NUMBERS = ("TRAIN.BBOX_MEANS", "TRAIN.BBOX_STDS")
_LEAST_STD = 1e-6


def with_computed_normalization(cfg: CfgNode, dataset: data.Dataset, proposals_of: ProposalsOf,
                                logger: logging.Logger) -> CfgNode:
    """Returns a configuration whose `TRAIN.BBOX_MEANS` and `TRAIN.BBOX_STDS` are those of a training set.

    Where `TRAIN.BBOX_NORMALIZATION_PRECOMPUTED` is true, the configuration stays as it is.

    Args:
        cfg: the section `TRAIN` is read.
        dataset: see `training_records`.
        proposals_of: see `build_roi_loader`.
        logger: takes a line with the numbers.

    Raises:
        DataError: see `box_target_statistics`.
    """
    if cfg.TRAIN.BBOX_NORMALIZATION_PRECOMPUTED:
        return cfg
    least_iou = cfg.TRAIN.BBOX_REGRESSION_THRESH
    means, stds, count = box_target_statistics(training_records(cfg, dataset), proposals_of, least_iou, cfg.TRAIN.FLIP)
    logger.info("box targets dx, dy, dw, dh over all classes, of boxes (%d) with an IoU of at least %g: means %s, "
                "standard deviations %s", count, least_iou, *(" ".join(f"{number:.4f}" for number in numbers)
                                                              for numbers in (means, stds)))
    return with_values(cfg, dict(zip(NUMBERS, (means, stds))))


def with_numbers_of(cfg: CfgNode, saved: Mapping[str, Any]) -> CfgNode:
    """Returns a configuration that has computed the normalisation of box targets with the numbers of a checkpoint.

    Args:
        cfg: where `TRAIN.BBOX_NORMALIZATION_PRECOMPUTED` is true, it stays as it is.
        saved: the configuration that the checkpoint holds, see `config.saved_config`.
    """
    if cfg.TRAIN.BBOX_NORMALIZATION_PRECOMPUTED or not all(key in saved for key in NUMBERS):
        return cfg
    return with_values(cfg, {key: tuple(saved[key]) for key in NUMBERS})


def box_target_statistics(records: Iterable[data.Record], proposals_of: ProposalsOf,
                          least_iou: float = 0.5, mirrored: bool = False
                          ) -> Tuple[Tuple[float, ...], Tuple[float, ...], int]:
    """Computes means and standard deviations of dx, dy, dw, dh over all foreground candidates of a training set.

    The numbers are over all classes, as section 2.3 of the Fast R-CNN paper says it; the authors' program has numbers
    of each class. Candidates are the proposals and the ground truths themselves, whose targets are 0.

    Args:
        records: the images to train on.
        proposals_of: see `build_roi_loader`.
        least_iou: a candidate counts whose IoU with some ground truth is at least this; its target is the ground truth
            that it overlaps most.
        mirrored: whether each image counts as it is and mirrored, as the images of a training with flips. A mirrored
            target has the opposite dx, so that the mean of dx is 0.

    Returns:
        Four means, four standard deviations, and the number of candidates that count.

    Raises:
        DataError: there is no such candidate, or all have the same target.
    """
    count, sums, squares = 0, np.zeros(4), np.zeros(4)
    for record in records:
        truths, _ = data.training_boxes(record)
        if not len(truths):
            continue
        candidates = np.concatenate([truths, proposals_of(record)]).astype(np.float64)
        overlaps = box_ops.iou(candidates[None], truths[None].astype(np.float64))[0]
        counts = overlaps.max(axis=1) >= least_iou
        targets = box_ops.encode(candidates[counts], truths[overlaps[counts].argmax(axis=1)].astype(np.float64))
        count, sums, squares = count + len(targets), sums + targets.sum(axis=0), squares + (targets ** 2).sum(axis=0)
    means = sums / max(count, 1)
    if mirrored:
        means[0] = 0
    stds = np.sqrt(np.maximum(squares / max(count, 1) - means ** 2, 0))
    if (stds < _LEAST_STD).any():
        raise DataError("box targets cannot be normalised by their standard deviations, because those are 0: no "
                        f"proposal other than the ground truths has an IoU of {least_iou:g} or more with one. Are the "
                        "proposals those of these images?", "proposals")
    return tuple(means.tolist()), tuple(stds.tolist()), count
