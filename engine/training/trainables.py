"""Makes what a configuration trains: the batches, the objective with its first weights, and the parameters."""
import logging
import math
from typing import Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple, Type, Union

import mxnet as mx
from mxnet import gluon
from yacs.config import CfgNode

from ... import data
from ...gluon_models import RoIDetector
from ..building.anchor_report import log_boxes
from ..building.initialization import (caffe_meanings, fix_parameters, initialize, log_pretrained, warn_of_fixed_layers,
                                       warn_of_idle_words)
from ..building.loaders import build_train_loader, image_stride
from ..building.network import build_losses, build_net
from ..building.roi_loader import ProposalsOf, build_roi_loader
from ..building.symbols_from_config import STRIDE
from ..config import train_scales
from ..parallel.group import ALONE, Group
from ..symbolic.graphs import FeatureSize, TrainableGraph, training_graph
from ..symbolic.weights import initial_weights, parameter_shapes, residual_gammas, split_weights
from .objectives import GivenRoisObjective, GraphObjective, LossesObjective, Objective
from .schedule import set_gluon_factors, set_graph_factors

# Side of the images, in pixels, from which the shapes of a graph's parameters are inferred; any side gives the same.
_SIDE = 224


class Trainable(NamedTuple):
    """What a trainer needs beside its optimizer and hooks."""

    objective: Objective
    loader: data.TrainLoader
    parameters: Dict[str, gluon.Parameter]


class Start(NamedTuple):
    """How a training begins."""

    contexts: Sequence[mx.Context]
    logger: logging.Logger
    fresh: bool = True  # give the network its first weights; False where a checkpoint is loaded next
    allow_partial: bool = False  # accept a file `network.pretrained` that lacks a part of the backbone
    group: Group = ALONE  # the processes that train together


def batch_images(cfg: CfgNode, start: Start) -> int:
    """Returns the number of images in a batch, all devices of all processes together."""
    return cfg.TRAIN.BATCH_IMAGES * len(start.contexts) * start.group.size


def gluon_trainable(cfg: CfgNode, dataset: data.Dataset, start: Start) -> Trainable:
    """Makes the Gluon detector `network.model` with its losses, and its batches.

    The loader is made first, so that its worker processes start meanwhile.
    """
    net = build_net(cfg, dataset.classes)
    loader = build_train_loader(cfg, net.features.feature_size, dataset, batch_images(cfg, start), net.stride,
                                start.group.shard)
    log_boxes(cfg, dataset, net.features.feature_size, net.stride, start.logger)
    return _with_first_weights(cfg, net, loader, start, LossesObjective)


def given_rois_trainable(cfg: CfgNode, dataset: data.Dataset, start: Start, proposals_of: ProposalsOf) -> Trainable:
    """Makes the Gluon detector `network.model`, which has no RPN, with its losses, and batches with given RoIs.

    Args:
        cfg: from `load_config`.
        dataset: the records to train on.
        start: how the training begins.
        proposals_of: gives the proposals of an image, see `build_roi_loader`.
    """
    net = build_net(cfg, dataset.classes)
    loader = build_roi_loader(cfg, dataset, proposals_of, len(dataset.classes) + 1,
                              batch_images(cfg, start), net.stride, fill=False, shard=start.group.shard)
    return _with_first_weights(cfg, net, loader, start, GivenRoisObjective)


def _with_first_weights(cfg: CfgNode, net: RoIDetector, loader: data.TrainLoader, start: Start,
                        objective: Type[LossesObjective]) -> Trainable:
    """Gives a Gluon detector its first weights and, where some are fixed or learn faster, the factors of these."""
    log_pretrained(start.logger, initialize(cfg, net, start.contexts, start.fresh, start.allow_partial))
    fixed = fix_parameters(net, cfg.network.FIXED_PARAMS)
    warn_of_fixed_layers(cfg, fixed, start.logger)
    warn_of_idle_words(cfg, net.collect_params(), start.logger, caffe_meanings(net))
    parameters = dict(net.collect_params().items())
    start.logger.info("%s: %.2fM parameters, %d arrays fixed", cfg.network.model,
                      sum(math.prod(p.shape) for p in parameters.values()) / 1e6, len(fixed))
    set_gluon_factors(cfg, net)
    losses = build_losses(cfg, net)
    return Trainable(objective(losses, lambda: build_net(cfg, net.classes)), loader, parameters)


def graph_trainable(cfg: CfgNode, dataset: data.Dataset, start: Start, part: str = "end2end",
                    loader: Optional[data.TrainLoader] = None,
                    weights: Optional[Mapping[str, mx.nd.NDArray]] = None) -> Trainable:
    """Makes the symbolic graph `symbol`, or for alternate training a part of it, and its batches.

    Args:
        cfg: from `load_config`.
        dataset: the records to train on.
        start: how the training begins.
        part: "end2end", "rpn" (the proposal network) or "rcnn" (the head on given RoIs).
        loader: batches for the part "rcnn"; None makes those of the other parts.
        weights: arrays by name to begin with, in place of the backbone of `network.pretrained`.
    """
    num_classes = len(dataset.classes) + 1
    graph = training_graph(cfg, num_classes, part)
    if loader is None:
        feature_size = graph_feature_size(cfg, graph.symbol)
        loader = build_train_loader(cfg, feature_size, dataset, batch_images(cfg, start), shard=start.group.shard)
        log_boxes(cfg, dataset, feature_size, STRIDE, start.logger)
    shapes = {name: shape for name, shape in
              parameter_shapes(graph.symbol, _input_shapes(cfg, graph, num_classes)).items() if name not in graph.names}
    fixed = [name for name in split_weights(graph.symbol, shapes)[0]
             if any(word in name for word in cfg.network.FIXED_PARAMS)]
    warn_of_idle_words(cfg, shapes, start.logger)
    if weights is None:
        warn_of_fixed_layers(cfg, fixed, start.logger)
    start.logger.info("%s, %s: %.2fM parameters, %d arrays fixed", cfg.symbol, part,
                      sum(map(math.prod, shapes.values())) / 1e6, len(fixed))
    if start.fresh:
        values, report = initial_weights(cfg, shapes, residual_gammas(graph.symbol), weights, start.allow_partial,
                                         dataset.classes)
        log_pretrained(start.logger, report)
    else:
        values = {name: mx.nd.zeros(shape) for name, shape in shapes.items()}
    objective = GraphObjective(cfg, graph, dataset.classes, start.contexts, values, fixed)
    set_graph_factors(cfg, objective.block)
    return Trainable(objective, loader, dict(objective.block.collect_params().items()))


def anchor_map(cfg: CfgNode, classes: Sequence[str]) -> Tuple[Callable, Union[int, Tuple[int, ...]]]:
    """Returns the map of the RPN that a configuration trains, without training it.

    Args:
        cfg: from `load_config`.
        classes: class names, background not among them.

    Returns:
        feature_size and stride, see `AnchorTargets`.
    """
    if cfg.symbol:
        return graph_feature_size(cfg, training_graph(cfg, len(classes) + 1).symbol), STRIDE
    net = build_net(cfg, classes)
    return net.features.feature_size, net.stride


def graph_feature_size(cfg: CfgNode, symbol: mx.sym.Symbol) -> FeatureSize:
    """Returns the function that `AnchorTargets` needs, for a graph and the sizes of training images."""
    step = image_stride(cfg)
    sizes = [one for size in train_scales(cfg) for one in data.jittered_sizes(size, cfg.TRAIN.SCALE_JITTER)]
    longest = max(-(-long_edge // step) * step for _, long_edge in sizes)
    return FeatureSize(symbol, longest, step)


def _input_shapes(cfg: CfgNode, graph: TrainableGraph, num_classes: int) -> Dict[str, Tuple[int, ...]]:
    """Shapes of the inputs for one size of images; the shapes of the parameters do not depend on the size."""
    images, rois = cfg.TRAIN.BATCH_IMAGES, max(cfg.TRAIN.BATCH_ROIS, 1)
    shapes = {"data": (images, 3, _SIDE, _SIDE), "im_info": (images, 3), "gt_boxes": (images, 1, 5),
              "rois": (images, rois, 5)}
    if graph.part == "rcnn":
        columns = 4 * (2 if cfg.CLASS_AGNOSTIC else num_classes)
        shapes.update(label=(images, rois), bbox_target=(images, rois, columns), bbox_weight=(images, rois, columns))
    return {name: shapes[name] for name in graph.names if name in shapes}
