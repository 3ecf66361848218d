"""Puts support vector machines in the place of the class layer of a Fast R-CNN (arXiv 1504.08083, section 5.4)."""
import logging
from typing import Iterator

import mxnet as mx
import numpy as np
from yacs.config import CfgNode

from ... import data
from ...data.proposals import ProposalSet, scaled_proposals, unique_at_stride
from ...errors import DataError, UsageError
from ...gluon_models import FastRCNN
from ...progress import ProgressBar
from ..building.loaders import build_test_loader
from ..checkpoints.parameters import own_parameters
from ..config import with_values
from ..inference.changed_networks import network_of_arrays
from ..inference.loading import TrainedNetwork
from .svms import ImageFeatures, class_layer, label_rois, train_machines


def with_machines(trained: TrainedNetwork, dataset: data.Dataset, proposals: ProposalSet, context: mx.Context,
                  logger: logging.Logger) -> TrainedNetwork:
    """Trains a support vector machine for each class on the features that the class layer reads.

    Boxes and features stay those of the detector; its scores become the logistic function of the machines' margins
    (`network.CLASS_SCORES: one_vs_rest`).

    Args:
        trained: a Fast R-CNN, see `load_network`; its network stays as it is.
        dataset: the images to train on, with the classes of the detector.
        proposals: with an entry of each image.
        context: the device.
        logger: takes the numbers of examples.

    Returns:
        The new detector, its configuration, and the path of the old one.

    Raises:
        UsageError: the detector is none on given proposals, has support vector machines already, or has other classes.
        DataError: an image cannot be read, or a class has no ground truth.
        LibraryError: scikit-learn is not installed.
    """
    net, cfg = trained.net, trained.cfg
    if not getattr(net, "needs_proposals", False):
        raise UsageError(f"{trained.path} is no Fast R-CNN: support vector machines are trained on the features of "
                         "given proposals")
    if cfg.network.CLASS_SCORES != "softmax":
        raise UsageError(f"{trained.path} has support vector machines already: name the detector that they were "
                         "trained on")
    if tuple(dataset.classes) != tuple(net.classes):
        raise UsageError(f"{trained.path} knows the classes {', '.join(net.classes)}, and the data set has "
                         f"{', '.join(dataset.classes)}: name them by dataset.classes")
    present = {number for record in dataset.records for number in data.training_boxes(record)[1].tolist()}
    missing = [name for number, name in enumerate(net.classes) if number not in present]
    if missing:
        raise DataError(f"{dataset.name} has no box of {', '.join(missing)} to train a support vector machine on")
    logger.info("training support vector machines for %s", ", ".join(net.classes))
    machines = train_machines(lambda: _passes(cfg, net, dataset, proposals, context), len(net.classes), cfg.seed)
    logger.info("examples: %s", "; ".join(
        f"{name}: {positives:,} ground truths, {negatives:,} hard negatives"
        for name, positives, negatives in zip(net.classes, machines.positives, machines.negatives)))
    cfg = with_values(cfg, {"network.CLASS_SCORES": "one_vs_rest"})
    arrays = {name: parameter.data(context) for name, parameter in own_parameters(net).items()}
    arrays["cls_score_weight"], arrays["cls_score_bias"] = map(mx.nd.array, class_layer(machines))
    return TrainedNetwork(network_of_arrays(cfg, net.classes, arrays, [context]), cfg, trained.path)


def _passes(cfg: CfgNode, net: FastRCNN, dataset: data.Dataset, proposals: ProposalSet,
            context: mx.Context) -> Iterator[ImageFeatures]:
    """Yields the features of every image, at the first of the test scales."""
    with ProgressBar(total=len(dataset.records), disable=None, unit="image", desc="features") as bar:
        for batch in build_test_loader(cfg, dataset):
            for _, error in batch.unread:
                dataset.log.report_once(error.kind, str(error))
            bar.update(len(batch.indices) + len(batch.unread))
            for place, index in enumerate(batch.indices):
                images, im_info = batch.views[0]
                record = dataset.records[index]
                yield _features(cfg, net, mx.nd.array(images[place:place + 1], ctx=context), im_info[place, 2], record,
                                proposals.of(record))


def _features(cfg: CfgNode, net: FastRCNN, x: mx.nd.NDArray, scale: float, record: data.Record,
              proposals: np.ndarray) -> ImageFeatures:
    """The features of an image's ground truths and of its proposals, those of one box at the map's stride once."""
    boxes, classes = data.training_boxes(record)
    regions = data.training_regions(record, cfg.TRAIN.IGNORE_CROWD_AND_DIFFICULT)
    chosen = proposals[:cfg.TRAIN.PROPOSALS]
    rois = np.concatenate([boxes, chosen[unique_at_stride(chosen, scale, net.stride)]])
    overlaps, truths = label_rois(rois, boxes, classes, regions, len(net.classes))
    with_image = np.insert(scaled_proposals(rois, scale), 0, 0, axis=1).astype(np.float32)
    _, head_map = net.features(x)
    values = net.head.hidden_values(mx.nd, net.pool(mx.nd, head_map, mx.nd.array(with_image, ctx=x.context)))
    return ImageFeatures(values.asnumpy(), overlaps, truths)
