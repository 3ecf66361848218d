"""Training batches as MXNet's Module takes them: with anchor targets, or with given RoIs and their targets."""
from dataclasses import replace

import mxnet as mx
import numpy as np

from ... import data
from ...operators.custom.proposal_target import targets_of_image
from ..building import build
from ..config import train_scales
from ..symbolic.graphs import FeatureSize, LABELS


def largest_image(cfg):
    """(height, width) in pixels of the largest batch that `TRAIN` and `SCALES` allow; it may also stand upright."""
    step = max(cfg.network.IMAGE_STRIDE, 1)
    short, long = (-(-max(edges) // step) * step for edges in zip(*train_scales(cfg)))
    # One wide and one tall image are padded to a square.
    return (short, long) if cfg.TRAIN.ASPECT_GROUPING or cfg.TRAIN.BATCH_IMAGES == 1 else (long, long)


class ModuleLoader(mx.io.DataIter):
    """Batches of a `data.TrainLoader` with names, for MXNet's Module.

    Args:
        loader: data.TrainLoader.
        batch_size: images, all devices together; Module cuts a batch into equal parts, one a device.
        data: (name, largest shape) of the inputs from the data, the images first.
        labels: the same of the targets.

    Iterated as any DataIter it yields one epoch after the other, each begun by `reset`; `epoch` yields one, from any
    of its batches on.
    """

    def __init__(self, loader, batch_size, data, labels):
        super().__init__(batch_size)
        self._loader = loader
        self.provide_data = [mx.io.DataDesc(*item) for item in data]
        self.provide_label = [mx.io.DataDesc(*item) for item in labels]
        self._next_epoch, self._batches = 0, None
        self.reset()

    def __len__(self):
        """Batches in an epoch."""
        return len(self._loader)

    def reset(self):
        """Begins the next epoch."""
        self._batches = self.epoch(self._next_epoch)
        self._next_epoch += 1

    def next(self):
        """The next mx.io.DataBatch; StopIteration at the end of the epoch."""
        return next(self._batches)

    def epoch(self, epoch, start=0):
        """Batches of an epoch (counted from 0), from batch `start` on, as mx.io.DataBatch."""
        return map(self._batch, self._loader.epoch(epoch, start))

    def _batch(self, arrays):
        arrays = {name: mx.nd.array(array) for name, array in self._named(*arrays).items()}
        data, labels = ([arrays[desc.name] for desc in descs] for descs in (self.provide_data, self.provide_label))
        return mx.io.DataBatch(
            data, labels, pad=0, provide_data=_descriptions(self.provide_data, data),
            provide_label=_descriptions(self.provide_label, labels))

    def _named(self, data, im_info, gt_boxes, *targets):
        """NumPy arrays by name of what a TrainLoader yields."""
        raise NotImplementedError


class AnchorLoader(ModuleLoader):
    """Batches with the targets of the proposal network, made and prefetched by the data's worker processes.

    Args:
        cfg: `SCALES`, `network`, `TRAIN`.
        graph: TrainingGraph, whole or of the proposal network alone.
        dataset: its records that have boxes are drawn from.
        batch_size: images, all devices together.

    Inputs: `data` (N, 3, H, W) and, for the whole graph, `im_info` (N, 3) and `gt_boxes` (N, M, 5), rows of -1 below
    the real ones: M is `data.padded_box_count` of the image with the most boxes, so that only the images change a
    batch's size. Labels: `label` (N, A * h * w), `bbox_target` and `bbox_weight` (N, 4 * A, h, w), see
    `operators.targets.AnchorTargets`.
    """

    def __init__(self, cfg, graph, dataset, batch_size):
        height, width = largest_image(cfg)
        cells = FeatureSize(graph.symbol, max(height, width), max(cfg.network.IMAGE_STRIDE, 1))
        h, w, anchors = cells(height), cells(width), cfg.network.NUM_ANCHORS
        rows = data.padded_box_count(max(len(data.training_boxes(record)[0])
                                         for record in build.training_records(cfg, dataset)))
        shapes = {"data": (3, height, width), "im_info": (3,), "gt_boxes": (rows, 5), "label": (anchors * h * w,),
                  "bbox_target": (4 * anchors, h, w), "bbox_weight": (4 * anchors, h, w)}
        super().__init__(build.build_train_loader(cfg, cells, dataset, batch_size), batch_size,
                         *([(name, (batch_size, *shapes[name])) for name in names]
                           for names in (graph.data_names, LABELS)))
        self._rows = rows

    def _named(self, data, im_info, gt_boxes, *targets):
        below = ((0, 0), (0, self._rows - gt_boxes.shape[1]), (0, 0))
        return dict(zip(LABELS, targets), data=data, im_info=im_info,
                    gt_boxes=np.pad(gt_boxes, below, constant_values=-1))


class RoiLoader(ModuleLoader):
    """Batches with RoIs from outside and their targets, for the second half of alternate training.

    Args:
        cfg: as for `AnchorLoader`.
        dataset: its records that have boxes are drawn from.
        proposals: {path of an image: float32 (k, 4), boxes in its own frame}; ground truths join them.
        num_classes: background counted.
        batch_size: images, all devices together.

    Inputs: `data` (N, 3, H, W), `rois` (N, K, 5), rows (image on its device, x1, y1, x2, y2). Labels: `label` (N, K),
    `bbox_target` and `bbox_weight` (N, K, 4 * regression classes). K is `TRAIN.BATCH_ROIS`, or for -1 all candidates of
    the image with the most; then rows without one have label -1 and weights 0.
    """

    def __init__(self, cfg, dataset, proposals, num_classes, batch_size):
        records = [_with_candidates(record, proposals[record.path])
                   for record in build.training_records(cfg, dataset)]
        targets = RoiTargets(cfg, num_classes, max(len(record.boxes) for record in records))
        rois, columns = targets.rois, 4 * targets.num_reg_classes
        super().__init__(
            build.loader_of(cfg, records, targets, batch_size), batch_size,
            [("data", (batch_size, 3, *largest_image(cfg))), ("rois", (batch_size, rois, 5))],
            [("label", (batch_size, rois)), ("bbox_target", (batch_size, rois, columns)),
             ("bbox_weight", (batch_size, rois, columns))])
        self._images = cfg.TRAIN.BATCH_IMAGES

    def _named(self, data, im_info, gt_boxes, rois, *targets):
        rois = np.array(rois)
        rois[:, :, 0] = (np.arange(len(rois)) % self._images)[:, None]
        return dict(zip(LABELS, targets), data=data, rois=rois)


class RoiTargets:
    """Samples the candidates of an image and says what they must learn, as the whole graph does with its own.

    Args:
        cfg: `TRAIN`.
        num_classes: background counted.
        candidates: of the image with the most, ground truths counted.

    Attributes: rois, rows an image; num_reg_classes.
    """

    def __init__(self, cfg, num_classes, candidates):
        train = cfg.TRAIN
        self._take_all = train.BATCH_ROIS == -1
        self.rois = candidates if self._take_all else train.BATCH_ROIS
        self.num_reg_classes = 2 if cfg.CLASS_AGNOSTIC else num_classes
        self._fg_fraction = train.FG_FRACTION
        self._options = dict(
            num_classes=self.num_reg_classes, means=train.BBOX_MEANS, stds=train.BBOX_STDS, weights=train.BBOX_WEIGHTS,
            fg_thresh=train.FG_THRESH, bg_thresh_hi=train.BG_THRESH_HI, bg_thresh_lo=train.BG_THRESH_LO)

    def __call__(self, im_info, boxes, input_height, input_width, rng):
        """Targets of one image.

        Args:
            im_info, input_height, input_width: not used.
            boxes: float32 (n, 5), candidates in the network-input frame; the last column is the class of a ground
                truth and 0 for a proposal.
            rng: numpy RandomState.

        Returns:
            rois (K, 5), the image's number 0; label (K,); target and weight (K, 4 * num_reg_classes); float32.
        """
        np.random.seed(rng.randint(2 ** 31))
        wanted = len(boxes) if self._take_all else self.rois
        fg_rois = wanted if self._take_all else int(np.round(self._fg_fraction * wanted))
        rois, label, target, weight = targets_of_image(boxes[:, :4], boxes[boxes[:, 4] > 0], fg_rois, wanted,
                                                       **self._options)
        below = (0, self.rois - wanted)
        rois, target, weight = (np.pad(array, (below, (0, 0))) for array in (rois, target, weight))
        return (np.insert(rois, 0, 0, axis=1), np.pad(label, below, constant_values=-1), target, weight)


def _with_candidates(record, proposals):
    """The record with its ground truths and, as boxes of class -1, the proposals: all are resized and flipped alike."""
    boxes, classes = data.training_boxes(record)
    none = np.zeros(len(boxes) + len(proposals), bool)
    return replace(record, boxes=np.concatenate([boxes, proposals]).astype(np.float32), difficult=none, crowd=none,
                   classes=np.concatenate([classes, np.full(len(proposals), -1, np.int32)]))


def _descriptions(descs, arrays):
    return [mx.io.DataDesc(desc.name, array.shape) for desc, array in zip(descs, arrays)]
