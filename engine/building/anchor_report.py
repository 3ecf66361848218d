"""Says which boxes a training has, and how well the anchors of its configuration cover them."""
import logging
import shlex
from typing import Callable, List, Sequence

import yaml
from yacs.config import CfgNode

from ... import data
from ...errors import DataError
from ..config import train_scales
from .anchor_coverage import AnchorCoverage, Coverage, Sides, sample_boxes
from .anchor_suggestion import Anchors, suggest_anchors
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
        logger.warning("warning: the anchors do not fit the boxes well, which costs detections; lhrcnn data anchors %s "
                       "--cfg FILE, with this configuration, shows which boxes they miss, and suggests others",
                       shlex.quote(cfg.dataset.dataset_path))


def anchor_report(cfg: CfgNode, name: str, dataset: data.Dataset, feature_size: Callable[[int], Sides],
                  stride: Sides) -> str:
    """Returns how well the anchors cover the boxes of a data set, by their size, and anchors that cover them better.

    Args:
        cfg: the sections `network` and `TRAIN` are read.
        name: of the configuration.
        dataset: the images.
        feature_size, stride: see `AnchorCoverage`.

    Raises:
        DataError: there is no box to train on.
    """
    coverage = training_coverage(cfg, dataset.records, feature_size, stride)
    count, used = coverage.sample.count, len(coverage.sample.boxes)
    if not count:
        raise DataError(f"{dataset.path}: no image of the set {dataset.image_set} has a box to train on", "no boxes")
    present = Anchors(cfg.network.ANCHOR_RATIOS, cfg.network.ANCHOR_SCALES)
    suggested = suggest_anchors(coverage, present)
    found, better = coverage(*present), coverage(*suggested)
    sizes = " or ".join(f"{short} x {long}" for short, long in train_scales(cfg))
    texts = [f"{dataset.path}, set {dataset.image_set}: {count} boxes to train on"
             + (f", of which {used} are drawn" if used < count else "") + f"; images are resized to {sizes} pixels",
             f"{_described(present, stride)}, those of {name}:\n\n{coverage_table(found)}\n\n"
             f"{coverage_sentence(found)}; {_only_best(cfg, found)}"]
    if suggested == present:
        texts.append("No anchors were found that cover more boxes or are fewer.")
    else:
        entries = {"network": {"ANCHOR_RATIOS": list(suggested.ratios), "ANCHOR_SCALES": list(suggested.scales)}}
        texts.append(f"A suggestion, {_described(suggested, stride)}:\n\n{coverage_table(better)}\n\n"
                     f"{coverage_sentence(better)}\n\n" + yaml.safe_dump(entries, default_flow_style=None).rstrip())
    return "\n\n".join(texts + _advice(better, stride))


def coverage_table(found: Coverage) -> str:
    """Returns a table with a row for each range of the boxes' sides, and one for all boxes."""
    lines = [f"  side in pixels  boxes  IoU {found.positive_iou:g} or more  mean IoU"]
    rows = [(f"{begin:g} to {end:g}", count, part) for begin, end, count, part in found.by_side()]
    for label, count, part in [*rows, ("all", len(found.best), found)]:
        lines.append(f"  {label:<14}  {count:>5}  {100 * part.share:>13.0f} %  {part.mean:>8.2f}")
    return "\n".join(lines)


def _described(anchors: Anchors, stride: Sides) -> str:
    count = len(anchors.ratios) * len(anchors.scales)
    where = "of each level's map" if isinstance(stride, tuple) else "of the map"
    return f"{count} anchor{'s' * (count > 1)} in each cell {where}"


def _only_best(cfg: CfgNode, found: Coverage) -> str:
    """Says what becomes of the boxes that are not covered."""
    others = found.best[found.best < found.positive_iou]
    if cfg.TRAIN.RPN_CLOBBER_POSITIVES:
        others = others[others < cfg.TRAIN.RPN_NEGATIVE_OVERLAP]
        return f"{100 * len(others) / len(found.best):.0f} % are not learnt by the RPN"
    return (f"{100 * (others > 0).sum() / len(found.best):.0f} % are learnt by their best anchor alone, "
            f"{100 * found.share_without:.0f} % by none")


def _advice(found: Coverage, stride: Sides) -> List[str]:
    """Says what helps where no anchors do: larger images, for boxes that are smaller than a cell."""
    cell = min(stride) if isinstance(stride, tuple) else stride
    small = (found.sides < 2 * cell) & (found.best < FITTING_IOU)
    if small.mean() < 0.05:
        return []
    return [f"{100 * small.mean():.0f} % of the boxes are too small for any anchor, since the cells are {cell} pixels "
            "wide: a larger size of images helps, see --size"]
