"""Says which boxes a training has, and how well the anchors of its configuration cover them."""
import logging
from typing import Callable, Sequence

from yacs.config import CfgNode

from ... import data
from ..config import train_scales
from .anchor_coverage import AnchorCoverage, Coverage, Sides, sample_boxes
from .datasets import empty_images_line
from .loaders import image_stride

# A training is warned of where fewer boxes than this share have an anchor of the IoU `FITTING_IOU`. The anchors of
# bccd_s reach 97 % of the blood cells that they were made for, and 58 % of the kangaroos and 56 % of the masks, which
# are then learnt badly; those of the MXNet original reach 77 % of COCO's boxes at its size of images.
FITTING_IOU, LEAST_SHARE = 0.5, 0.7


def training_coverage(cfg: CfgNode, records: Sequence[data.Record], feature_size: Callable[[int], Sides],
                      stride: Sides) -> AnchorCoverage:
    """Samples the boxes of records, to find the best anchors of each.

    Args:
        cfg: the sections `network` and `TRAIN` are read.
        records: the images to train on.
        feature_size, stride: see `AnchorCoverage`.
    """
    sample = sample_boxes(records, train_scales(cfg), image_stride(cfg), seed=cfg.seed)
    return AnchorCoverage(sample, feature_size, stride, cfg.TRAIN.RPN_POSITIVE_OVERLAP)


def coverage_sentence(found: Coverage) -> str:
    """Returns a sentence that says which shares of the boxes have anchors that fit them."""
    text = f"{100 * found.share:.0f} % of the boxes have an anchor of IoU {found.positive_iou:g} or more"
    if found.positive_iou != FITTING_IOU:
        text += f", {100 * found.share_of(FITTING_IOU):.0f} % one of {FITTING_IOU:g} or more"
    return text


def log_boxes(cfg: CfgNode, dataset: data.Dataset, feature_size: Callable[[int], Sides], stride: Sides,
              logger: logging.Logger) -> None:
    """Logs at the start of a training which images have no boxes, and how well the anchors cover the boxes.

    Where the anchors hardly cover them, that is a warning.

    Args:
        cfg: the sections `dataset`, `network` and `TRAIN` are read.
        dataset: at least one record has a box to train on.
        feature_size, stride: see `AnchorCoverage`.
        logger: takes the lines.
    """
    empty = empty_images_line(cfg, dataset)
    if empty is not None:
        logger.info("%s", empty)
    coverage = training_coverage(cfg, dataset.records, feature_size, stride)
    found = coverage(cfg.network.ANCHOR_RATIOS, cfg.network.ANCHOR_SCALES)
    logger.info("anchors: %s", coverage_sentence(found))
    if found.share_of(FITTING_IOU) < LEAST_SHARE:
        logger.warning("the anchors do not fit the boxes well, which costs detections: `lhrcnn data anchors %s` "
                       "shows which boxes they miss, and suggests others", cfg.dataset.dataset_path)
