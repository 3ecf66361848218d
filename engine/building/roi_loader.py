"""Training batches with RoIs that come from outside the network, and their targets, which the loader draws."""
from collections.abc import Sequence as SequenceABC
from dataclasses import replace
from typing import Callable, Sequence, Tuple

import numpy as np
from yacs.config import CfgNode

from ... import data
from ...data.proposals import unique_at_stride
from ...operators.custom.proposal_target import sample_roi_targets
from .datasets import training_records
from .loaders import train_loader_of

# Function from the record of an image to its proposals: float32 (k, 4), in the frame of the original image.
ProposalsOf = Callable[[data.Record], np.ndarray]


def build_roi_loader(cfg: CfgNode, dataset: data.Dataset, proposals_of: ProposalsOf, num_classes: int, batch_size: int,
                     distinct_stride: int = 0, fill: bool = True,
                     shard: data.Shard = data.ONE_PROCESS) -> data.TrainLoader:
    """Makes the batches that a head is trained on; each ends with the arrays of `RoiTargets`.

    Proposals are resized, mirrored and cropped with the boxes of their image. They join the record of an image only
    when it is its turn, so that beside the proposals themselves there are those of the batches under way.

    Args:
        cfg: the sections `network` and `TRAIN` are read.
        dataset: see `training_records`.
        proposals_of: gives the proposals of an image. Its ground truths are candidates too.
        num_classes: number of classes, background included.
        batch_size: images in a batch, all devices of all processes together.
        distinct_stride, fill: see `RoiTargets`.
        shard: this process among those that share each batch.
    """
    records = CandidateRecords(training_records(cfg, dataset), proposals_of, cfg.TRAIN.IGNORE_CROWD_AND_DIFFICULT)
    targets = RoiTargets(cfg, num_classes, records.most_candidates() if cfg.TRAIN.BATCH_ROIS == -1 else 0,
                         distinct_stride, fill)
    return train_loader_of(cfg, records, targets, batch_size, dataset.log, shard)


class CandidateRecords(SequenceABC):
    """Records with their proposals as boxes of class -1, so that these are resized and mirrored with the ground truths.

    Args:
        records: the images to train on.
        proposals_of: see `build_roi_loader`.
        ignore_crowd_and_difficult: see `data.training_regions`.

    Attributes:
        plain: the records as given.
    """

    def __init__(self, records: Sequence[data.Record], proposals_of: ProposalsOf, ignore_crowd_and_difficult: bool):
        self.plain, self._proposals_of, self._ignore = records, proposals_of, ignore_crowd_and_difficult

    def __len__(self) -> int:
        return len(self.plain)

    def __getitem__(self, index: int) -> data.Record:
        record = self.plain[index]
        boxes, classes = data.training_boxes(record)
        proposals = self._proposals_of(record)
        none = np.zeros(len(boxes) + len(proposals), bool)
        return replace(record, boxes=np.concatenate([boxes, proposals]).astype(np.float32),
                       classes=np.concatenate([classes, np.full(len(proposals), -1, np.int32)]), difficult=none,
                       crowd=none, ignored=none, regions=data.training_regions(record, self._ignore))

    def most_candidates(self) -> int:
        """The largest number of candidates, ground truths included, that an image has."""
        return max(len(record.boxes) for record in self)


class RoiTargets:
    """Samples RoIs among the candidates of an image and assigns their targets, as the end-to-end graph does itself.

    Args:
        cfg: the section `TRAIN` and `CLASS_AGNOSTIC` are read.
        num_classes: number of classes, background included.
        candidates: the largest number of candidates that an image has, ground truths included. It is read where
            `TRAIN.BATCH_ROIS` is -1.
        distinct_stride: of proposals that are the same box at this stride, in pixels of the network input, one is a
            candidate; ground truths all are. 0 takes all proposals.
        fill: where there is too little foreground and background, fill up with other candidates as background, as the
            MXNet original does; else with padding, as Fast R-CNN wants it: a candidate that overlaps a ground truth by
            less than `TRAIN.BG_THRESH_LO` is never drawn then.

    Attributes:
        rois: rows for each image: `TRAIN.BATCH_ROIS`, or `candidates` where that is -1.
        num_reg_classes: number of classes with box outputs of their own; 2 where boxes are class-agnostic.
    """

    def __init__(self, cfg: CfgNode, num_classes: int, candidates: int, distinct_stride: int = 0, fill: bool = True):
        train = cfg.TRAIN
        self._take_all = train.BATCH_ROIS == -1
        self.rois = candidates if self._take_all else train.BATCH_ROIS
        self.num_reg_classes = 2 if cfg.CLASS_AGNOSTIC else num_classes
        self._fg_fraction, self._distinct_stride = train.FG_FRACTION, distinct_stride
        self._options = dict(
            num_classes=self.num_reg_classes, means=train.BBOX_MEANS, stds=train.BBOX_STDS, weights=train.BBOX_WEIGHTS,
            fg_thresh=train.FG_THRESH, bg_thresh_hi=train.BG_THRESH_HI, bg_thresh_lo=train.BG_THRESH_LO, fill=fill)

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
        rows = gt_boxes[gt_boxes[:, 4] >= 0]
        if self._distinct_stride:
            distinct = unique_at_stride(rows[:, :4], 1, self._distinct_stride)
            rows = rows[np.union1d(np.flatnonzero(rows[:, 4] > 0), distinct)]
        candidates = rows[:, :4]
        wanted = len(candidates) if self._take_all else self.rois
        fg_rois = wanted if self._take_all else int(np.round(self._fg_fraction * wanted))
        rois, label, target, weight = sample_roi_targets(
            candidates, gt_boxes, fg_rois, wanted, rng=rng, **self._options)
        below = (0, self.rois - wanted)
        rois, target, weight = (np.pad(array, (below, (0, 0))) for array in (rois, target, weight))
        return (np.insert(rois, 0, 0, axis=1), np.pad(label, below, constant_values=-1), target, weight)
