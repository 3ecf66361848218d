"""Builds the symbolic graphs that a configuration describes."""
from typing import Any, Dict

import mxnet as mx
from yacs.config import CfgNode

from ... import symbols
from ...errors import ConfigError
from ...symbols.light_head import HIDDEN, ROI_POOLS
from ..config import DEFAULTS

_PROPOSAL_OPERATORS = {True: "contrib", False: "custom"}
# Keys of `network` that only some graphs use, and the option of `symbols.get_symbol` that each of them sets.
_OWN_OPTIONS = {"ROI_POOL": "roi_pool", "LIGHT_HEAD_RELU": "relu", "STRIDE_IN_1X1": "stride_in_1x1"}
# Keys of `network` that have the same value in all graphs, and this value.
_ONLY_VALUES = {"NECK": "large_separable", "HIDDEN_UNITS": HIDDEN, "PADDED_POOL": False, "RPN_ALL_CELLS": False,
                "OUTPUTS": (), "POOL_LEVELS": (), "HEAD_UNITS": (), "DROPOUT": 0.5, "HEAD_RANKS": "",
                "CLASS_SCORES": "softmax"}
STRIDE = 16


def get_symbol(name: str, cfg: CfgNode, is_train: bool = True) -> mx.sym.Symbol:
    """Builds the graph of a whole detector as a configuration describes it.

    Args:
        name: one of `symbols.symbol_names()`.
        cfg: configuration, from `load_config`.
        is_train: True builds the graph of training by the keys of `TRAIN`, False that of tests by the keys of `TEST`.
            For the inputs and outputs see `symbols.DetectorGraphs`.

    Raises:
        ConfigError: the graph cannot have a value of the configuration; the message names the key.
        ModelError: the name is unknown; the message lists the known ones.
    """
    return symbols.get_symbol(name, is_train, **graph_options(name, cfg, is_train))


def get_symbol_rpn(name: str, cfg: CfgNode, is_train: bool = True) -> mx.sym.Symbol:
    """Builds the graph of the proposal network alone, for alternate training; arguments as those of `get_symbol`."""
    return symbols.get_symbol_rpn(name, is_train, **graph_options(name, cfg, is_train))


def get_symbol_rcnn(name: str, cfg: CfgNode, is_train: bool = True) -> mx.sym.Symbol:
    """Builds the graph of the detector on given RoIs, for alternate training; arguments as those of `get_symbol`."""
    return symbols.get_symbol_rcnn(name, is_train, **graph_options(name, cfg, is_train))


def graph_options(name: str, cfg: CfgNode, is_train: bool) -> Dict[str, Any]:
    """Returns the options of `symbols.get_symbol` that a configuration describes.

    Args:
        name: one of `symbols.symbol_names()`.
        cfg: configuration, from `load_config`. `dataset.NUM_CLASSES` must be the number of classes with background.
        is_train: whether the keys of `TRAIN` or those of `TEST` describe batches and proposals.

    Raises:
        ConfigError: the graph cannot have a value of the configuration; the message names the key.
        ModelError: the name is unknown; the message lists the known ones.
    """
    own = _own_options(name, cfg)
    if cfg.dataset.NUM_CLASSES < 2:
        raise ConfigError(f"dataset.NUM_CLASSES is {cfg.dataset.NUM_CLASSES}; a graph needs the number of classes, "
                          "with background")
    if cfg.network.RPN_FEAT_STRIDE not in (STRIDE, (STRIDE,)):
        raise ConfigError(f"network.RPN_FEAT_STRIDE is {cfg.network.RPN_FEAT_STRIDE}; the symbolic graphs have one map "
                          f"for the RPN, of stride {STRIDE}")
    if not cfg.TEST.BOX_REGRESSION:
        raise ConfigError(f"TEST.BOX_REGRESSION is false; the symbolic graph {name} always has the boxes of its head")
    network, train, phase = cfg.network, cfg.TRAIN, cfg.TRAIN if is_train else cfg.TEST
    return dict(
        own, num_classes=cfg.dataset.NUM_CLASSES, class_agnostic=cfg.CLASS_AGNOSTIC, norm=network.NORM,
        neck_lr_mult=train.LIGHT_HEAD_LR_MULT, anchor_ratios=network.ANCHOR_RATIOS, anchor_scales=network.ANCHOR_SCALES,
        images=phase.BATCH_IMAGES, proposal_operator=_PROPOSAL_OPERATORS.get(phase.CXX_PROPOSAL, phase.CXX_PROPOSAL),
        pre_nms=phase.RPN_PRE_NMS_TOP_N, post_nms=phase.RPN_POST_NMS_TOP_N, rpn_nms=phase.RPN_NMS_THRESH,
        rpn_min_size=phase.RPN_MIN_SIZE, rpn_batch_size=train.RPN_BATCH_SIZE, roi_batch_size=train.BATCH_ROIS,
        fg_fraction=train.FG_FRACTION, fg_iou=train.FG_THRESH, bg_iou_high=train.BG_THRESH_HI,
        bg_iou_low=train.BG_THRESH_LO, box_means=train.BBOX_MEANS, box_stds=train.BBOX_STDS,
        box_weights=train.BBOX_WEIGHTS, ohem=train.BATCH_ROIS_OHEM if train.ENABLE_OHEM else 0,
        box_loss_weight=train.BBOX_LOSS_WEIGHT)


def _own_options(name: str, cfg: CfgNode) -> Dict[str, Any]:
    """The options that only some graphs have; ConfigError for a value that this graph cannot have."""
    known, options = symbols.symbol_options(name), {}
    allowed = {key: (value,) for key, value in _ONLY_VALUES.items()}
    for key, option in _OWN_OPTIONS.items():
        if option in known:
            options[option] = cfg.network[key]
        else:
            allowed[key] = (DEFAULTS["network"][key],)
    allowed.setdefault("ROI_POOL", ROI_POOLS)
    for key, values in allowed.items():
        if cfg.network[key] not in values:
            raise ConfigError(f"network.{key} is {cfg.network[key]!r}; {name} has only "
                              f"{' and '.join(map(repr, values))}")
    return options
