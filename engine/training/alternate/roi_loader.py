"""Training batches with given RoIs and their targets, for the stages of alternate training that train the head."""
from dataclasses import replace
from typing import Mapping, Tuple

import numpy as np
from yacs.config import CfgNode

from .... import data
from ....operators.custom.proposal_target import sample_roi_targets
from ...building.datasets import training_records
from ...building.loaders import train_loader_of


def build_roi_loader(cfg: CfgNode, dataset: data.Dataset, proposals: Mapping[str, np.ndarray], num_classes: int,
                     batch_size: int) -> data.TrainLoader:
    """Makes the batches that the head is trained on; each ends with the arrays of `RoiTargets`.

    Args:
        cfg: the sections `network` and `TRAIN` are read.
        dataset: see `training_records`.
        proposals: boxes float32 (k, 4) in the frame of their image, by the path of the image. The ground truths are
            candidates too.
        num_classes: number of classes, background included.
        batch_size: images in a batch, all devices together.
    """
    records = [_with_candidates(record, proposals[record.path], cfg.TRAIN.IGNORE_CROWD_AND_DIFFICULT)
               for record in training_records(cfg, dataset)]
    targets = RoiTargets(cfg, num_classes, max(len(record.boxes) for record in records))
    return train_loader_of(cfg, records, targets, batch_size, dataset.log)


class RoiTargets:
    """Samples RoIs among the candidates of an image and assigns their targets, as the end-to-end graph does itself.

    Args:
        cfg: the section `TRAIN` and `CLASS_AGNOSTIC` are read.
        num_classes: number of classes, background included.
        candidates: the largest number of candidates that an image has, ground truths included.

    Attributes:
        rois: rows for each image: `TRAIN.BATCH_ROIS`, or `candidates` where that is -1.
        num_reg_classes: number of classes with box outputs of their own; 2 where boxes are class-agnostic.
    """

    def __init__(self, cfg: CfgNode, num_classes: int, candidates: int):
        train = cfg.TRAIN
        self._take_all = train.BATCH_ROIS == -1
        self.rois = candidates if self._take_all else train.BATCH_ROIS
        self.num_reg_classes = 2 if cfg.CLASS_AGNOSTIC else num_classes
        self._fg_fraction = train.FG_FRACTION
        self._options = dict(
            num_classes=self.num_reg_classes, means=train.BBOX_MEANS, stds=train.BBOX_STDS, weights=train.BBOX_WEIGHTS,
            fg_thresh=train.FG_THRESH, bg_thresh_hi=train.BG_THRESH_HI, bg_thresh_lo=train.BG_THRESH_LO)

    def __call__(self, im_info: np.ndarray, gt_boxes: np.ndarray, input_height: int, input_width: int,
                 rng: np.random.RandomState) -> Tuple[np.ndarray, ...]:
        """Samples the targets of one image.

        Args:
            im_info, input_height, input_width: not needed here.
            gt_boxes: candidates float32 (n, 5) in the frame of the network input; the last column is the class of a
                ground truth, and 0 for a proposal. Rows of class `IGNORED_REGION` are no candidates, but regions of
                which nothing is known.
            rng: draws the sample.

        Returns:
            rois (K, 5), whose first column is filled in on the device; label (K,); target and weight
            (K, 4 * num_reg_classes); float32. Rows without a candidate have label -1 and weights 0.
        """
        candidates = gt_boxes[gt_boxes[:, 4] >= 0, :4]
        wanted = len(candidates) if self._take_all else self.rois
        fg_rois = wanted if self._take_all else int(np.round(self._fg_fraction * wanted))
        rois, label, target, weight = sample_roi_targets(
            candidates, gt_boxes, fg_rois, wanted, rng=rng, **self._options)
        below = (0, self.rois - wanted)
        rois, target, weight = (np.pad(array, (below, (0, 0))) for array in (rois, target, weight))
        return (np.insert(rois, 0, 0, axis=1), np.pad(label, below, constant_values=-1), target, weight)


def _with_candidates(record: data.Record, proposals: np.ndarray, ignore_crowd_and_difficult: bool) -> data.Record:
    """Adds proposals to a record as boxes of class -1, so that they are resized and flipped with its ground truths."""
    boxes, classes = data.training_boxes(record)
    none = np.zeros(len(boxes) + len(proposals), bool)
    return replace(record, boxes=np.concatenate([boxes, proposals]).astype(np.float32),
                   classes=np.concatenate([classes, np.full(len(proposals), -1, np.int32)]), difficult=none, crowd=none,
                   ignored=none, regions=data.training_regions(record, ignore_crowd_and_difficult))
