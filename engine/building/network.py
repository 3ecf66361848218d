"""Builds the Gluon detector and the losses that a configuration describes."""
from typing import Any, Dict, Sequence

from yacs.config import CfgNode

from ... import gluon_models
from ...errors import ConfigError, ModelError
from ..config import DEFAULTS

# Keys of `network` that only some models use, and the option of `get_model` that each of them sets.
_MODEL_OPTIONS = {"STRIDE_IN_1X1": "stride_in_1x1", "PADDED_POOL": "padded_pool", "LIGHT_HEAD_RELU": "relu",
                  "NECK": "neck", "ROI_POOL": "roi_pool", "HIDDEN_UNITS": "hidden",
                  "FPN_CANONICAL_SIDE": "canonical_side", "OUTPUTS": "outputs"}


def build_net(cfg: CfgNode, classes: Sequence[str]) -> gluon_models.TwoStageDetector:
    """Builds the detector that `network` and `TEST` describe; its parameters are not initialised.

    Args:
        cfg: from `load_config`.
        classes: class names, background not among them.

    Raises:
        ConfigError: the model is not known, or a key of `network` that it does not use is set.
    """
    try:
        options = _model_options(cfg)
    except ModelError as error:
        raise ConfigError(f"network.model: {error}") from None
    return gluon_models.get_model(
        cfg.network.model, classes=classes, norm=cfg.network.NORM, class_agnostic=cfg.CLASS_AGNOSTIC,
        anchor_ratios=cfg.network.ANCHOR_RATIOS, anchor_scales=cfg.network.ANCHOR_SCALES,
        all_cells=cfg.network.RPN_ALL_CELLS,
        box_means=cfg.TRAIN.BBOX_MEANS, box_stds=cfg.TRAIN.BBOX_STDS,
        pre_nms=cfg.TEST.RPN_PRE_NMS_TOP_N, post_nms=cfg.TEST.RPN_POST_NMS_TOP_N, rpn_nms=cfg.TEST.RPN_NMS_THRESH,
        rpn_min_size=cfg.TEST.RPN_MIN_SIZE, **suppression_options(cfg), **options)


def suppression_options(cfg: CfgNode) -> Dict[str, Any]:
    """Returns the options of `operators.detections.suppress`, and of detectors, that `TEST` describes."""
    test = cfg.TEST
    return dict(score_threshold=test.THRESH, nms=test.NMS, max_per_image=test.max_per_image,
                soft_nms="gaussian" if test.USE_SOFTNMS else "none", soft_nms_sigma=test.SOFTNMS_THRESH)


def build_losses(cfg: CfgNode, net: gluon_models.TwoStageDetector) -> gluon_models.DetectorLosses:
    """Builds the losses that `TRAIN` describes on top of a detector; the block shares the detector's parameters."""
    train = cfg.TRAIN
    return gluon_models.DetectorLosses(
        net, pre_nms=train.RPN_PRE_NMS_TOP_N, post_nms=train.RPN_POST_NMS_TOP_N, rpn_nms=train.RPN_NMS_THRESH,
        rpn_min_size=train.RPN_MIN_SIZE, rpn_batch_size=train.RPN_BATCH_SIZE,
        ohem=train.BATCH_ROIS_OHEM if train.ENABLE_OHEM else 0, roi_batch_size=train.BATCH_ROIS,
        fg_fraction=train.FG_FRACTION, fg_iou=train.FG_THRESH, bg_iou_high=train.BG_THRESH_HI,
        bg_iou_low=train.BG_THRESH_LO, box_loss_weight=train.BBOX_LOSS_WEIGHT)


def _model_options(cfg: CfgNode) -> Dict[str, Any]:
    """Returns the options that only some models have; ConfigError where a key that the model does not use is set."""
    known, options = gluon_models.model_options(cfg.network.model), {}
    for key, option in _MODEL_OPTIONS.items():
        if option in known:
            options[option] = cfg.network[key]
        elif cfg.network[key] != DEFAULTS["network"][key]:
            raise ConfigError(f"network.{key} is {cfg.network[key]!r}, but the model {cfg.network.model} does not use "
                              "this key; leave it out")
    if options.get("neck") == "pointwise" and options["relu"] != DEFAULTS["network"]["LIGHT_HEAD_RELU"]:
        raise ConfigError(f"network.LIGHT_HEAD_RELU is {options['relu']!r}, but network.NECK pointwise, which is one "
                          "convolution with ReLU, does not use this key; leave it out")
    return options
