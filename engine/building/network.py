"""Builds the Gluon detector and the losses that a configuration describes."""
from typing import Any, Dict, Sequence, Union

from yacs.config import CfgNode

from ... import gluon_models
from ...errors import ConfigError, ModelError
from ...gluon_models.low_rank import split_dense_layers
from ..config import DEFAULTS
from ..config.kinds import layer_ranks

# Keys of `network` that only some models use, and the option of `get_model` that each of them sets.
_MODEL_OPTIONS = {"STRIDE_IN_1X1": "stride_in_1x1", "PADDED_POOL": "padded_pool", "LIGHT_HEAD_RELU": "relu",
                  "NECK": "neck", "ROI_POOL": "roi_pool", "FPN_CANONICAL_SIDE": "canonical_side", "OUTPUTS": "outputs",
                  "POOL_LEVELS": "pool_levels", "DROPOUT": "dropout"}
# The same for models that find proposals themselves, and for those on given proposals.
_OF_TWO_STAGES = {**_MODEL_OPTIONS, "HIDDEN_UNITS": "hidden", "HEAD_UNITS": ""}
_OF_GIVEN_ROIS = {**_MODEL_OPTIONS, "HIDDEN_UNITS": "", "HEAD_UNITS": "hidden"}


def build_net(cfg: CfgNode, classes: Sequence[str]) -> gluon_models.RoIDetector:
    """Builds the detector that `network` and `TEST` describe; its parameters are not initialised.

    Args:
        cfg: from `load_config`.
        classes: class names, background not among them.

    Raises:
        ConfigError: the model is not known, a key of `network`, or `TEST.PYRAMID`, that it does not use is set, or
            `dataset.proposal` does not say where its proposals come from.
    """
    network, name = cfg.network, cfg.network.model
    try:
        given, options = gluon_models.needs_proposals(name), _model_options(cfg)
    except ModelError as error:
        raise ConfigError(f"network.model: {error}") from None
    if given != (cfg.dataset.proposal == "file"):
        raise ConfigError(f"dataset.proposal is {cfg.dataset.proposal!r}, but the model {name} " + (
            "finds no proposals itself: set it to file, and name the files in dataset.proposal_files" if given else
            "finds its proposals itself: set it to rpn"))
    if cfg.TEST.PYRAMID and not given:
        raise ConfigError(f"TEST.PYRAMID is true, but the model {name} finds its proposals itself, and classifies them "
                          "at the size at which it finds them: set it to false")
    if not given:
        options.update(
            anchor_ratios=network.ANCHOR_RATIOS, anchor_scales=network.ANCHOR_SCALES, all_cells=network.RPN_ALL_CELLS,
            pre_nms=cfg.TEST.RPN_PRE_NMS_TOP_N, post_nms=cfg.TEST.RPN_POST_NMS_TOP_N,
            rpn_nms=cfg.TEST.RPN_NMS_THRESH, rpn_min_size=cfg.TEST.RPN_MIN_SIZE)
    try:
        net = gluon_models.get_model(
            name, classes=classes, norm=network.NORM, class_agnostic=cfg.CLASS_AGNOSTIC, box_means=cfg.TRAIN.BBOX_MEANS,
            box_stds=cfg.TRAIN.BBOX_STDS, class_scores=network.CLASS_SCORES,
            box_regression=cfg.TEST.BOX_REGRESSION, **suppression_options(cfg), **options)
    except ModelError as error:
        if not network.OUTPUTS or not str(error).startswith("outputs"):
            raise
        raise ConfigError(f"network.OUTPUTS is {list(network.OUTPUTS)}, but of the backbone of {name}, {error}; "
                          "network.OUTPUTS=[] takes the maps that the model has by default") from None
    if network.HEAD_RANKS:
        try:
            split_dense_layers(net.head, layer_ranks(network.HEAD_RANKS))
        except ModelError as error:
            raise ConfigError(f"network.HEAD_RANKS: {error}") from None
    return net


def suppression_options(cfg: CfgNode) -> Dict[str, Any]:
    """Returns the options of `operators.detections.suppress`, and of detectors, that `TEST` describes."""
    test = cfg.TEST
    return dict(score_threshold=test.THRESH, nms=test.NMS, max_per_image=test.max_per_image,
                soft_nms="gaussian" if test.USE_SOFTNMS else "none", soft_nms_sigma=test.SOFTNMS_THRESH)


def build_losses(cfg: CfgNode, net: gluon_models.RoIDetector,
                 ) -> Union[gluon_models.DetectorLosses, gluon_models.FastRCNNLosses]:
    """Builds the losses that `TRAIN` describes on top of a detector; the block shares the detector's parameters."""
    train = cfg.TRAIN
    if cfg.network.CLASS_SCORES != "softmax":
        raise ConfigError(f"network.CLASS_SCORES is {cfg.network.CLASS_SCORES}: a training learns softmax; lhrcnn svm "
                          "puts support vector machines in the place of the class layer of a trained detector")
    if net.needs_proposals:
        return gluon_models.FastRCNNLosses(net, box_loss_weight=train.BBOX_LOSS_WEIGHT)
    return gluon_models.DetectorLosses(
        net, pre_nms=train.RPN_PRE_NMS_TOP_N, post_nms=train.RPN_POST_NMS_TOP_N, rpn_nms=train.RPN_NMS_THRESH,
        rpn_min_size=train.RPN_MIN_SIZE, rpn_batch_size=train.RPN_BATCH_SIZE,
        ohem=train.BATCH_ROIS_OHEM if train.ENABLE_OHEM else 0, roi_batch_size=train.BATCH_ROIS,
        fg_fraction=train.FG_FRACTION, fg_iou=train.FG_THRESH, bg_iou_high=train.BG_THRESH_HI,
        bg_iou_low=train.BG_THRESH_LO, box_loss_weight=train.BBOX_LOSS_WEIGHT)


def _model_options(cfg: CfgNode) -> Dict[str, Any]:
    """Returns the options that only some models have; ConfigError where a key that the model does not use is set."""
    known, options = gluon_models.model_options(cfg.network.model), {}
    given = gluon_models.needs_proposals(cfg.network.model)
    for key, option in (_OF_GIVEN_ROIS if given else _OF_TWO_STAGES).items():
        if option in known:
            options[option] = cfg.network[key]
        elif cfg.network[key] != DEFAULTS["network"][key]:
            raise ConfigError(f"network.{key} is {cfg.network[key]!r}, but the model {cfg.network.model} does not use "
                              f"this key; leave it out, or set it back to {DEFAULTS['network'][key]!r}")
    if options.get("neck") == "pointwise" and options["relu"] != DEFAULTS["network"]["LIGHT_HEAD_RELU"]:
        raise ConfigError(f"network.LIGHT_HEAD_RELU is {options['relu']!r}, but network.NECK pointwise, which is one "
                          "convolution with ReLU, does not use this key; leave it out, or set it back to "
                          f"{DEFAULTS['network']['LIGHT_HEAD_RELU']!r}")
    return options
