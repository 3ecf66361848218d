"""From a configuration to the things that it names: data sets, network, training graph, loaders."""
from pathlib import Path

import mxnet as mx

from ...errors import CheckpointError, ConfigError
from ... import data, gluon_models
from ...operators.targets import AnchorTargets
from ..checkpoints.checkpoint import load_parameters
from ..config import dataset_kind, pixel_means, pixel_stds, test_scales, train_scales
from ..config.keys import DEFAULTS

NEW_LAYER_STD = 0.01
# Pixels of the network input a cell of the maps.
STRIDE = 16
# Keys of `network` and the options, which not all models have, that they give.
_OWN_OPTIONS = {"STRIDE_IN_1X1": "stride_in_1x1", "LIGHT_HEAD_RELU": "relu", "NECK": "neck", "ROI_POOL": "roi_pool",
                "HIDDEN_UNITS": "hidden", "FPN_CANONICAL_SIDE": "canonical_side"}


def build_dataset(cfg, image_set, with_labels=True):
    """The data set's records of an image set, e.g. `cfg.dataset.image_set`.

    Raises:
        DataError: broken entries, unless `dataset.ON_ERROR` is "skip".
        ConfigError: `dataset.NUM_CLASSES` is not the number of the data set's classes and background.
    """
    dataset = data.load_dataset(dataset_kind(cfg), cfg.dataset.dataset_path, image_set,
                                classes=cfg.dataset.classes or None, on_error=cfg.dataset.ON_ERROR,
                                with_labels=with_labels)
    if cfg.dataset.NUM_CLASSES not in (0, len(dataset.classes) + 1):
        raise ConfigError("dataset.NUM_CLASSES is %d, but %s has %d classes and background; set it to %d, or 0 to count"
                          % (cfg.dataset.NUM_CLASSES, cfg.dataset.dataset_path, len(dataset.classes),
                             len(dataset.classes) + 1))
    return dataset


def build_test_set(cfg, classes):
    """The records of `dataset.test_image_set`, to test a training on; None where no set is named.

    Args:
        classes: names, those of the set trained on.

    Raises:
        ConfigError: the classes are others. See also `build_dataset`.
    """
    if not cfg.dataset.test_image_set:
        return None
    test_set = build_dataset(cfg, cfg.dataset.test_image_set)
    if test_set.classes != classes:
        raise ConfigError("the sets have different classes: %s in %s, %s in %s; name them in dataset.classes" % (
            ", ".join(classes), cfg.dataset.image_set, ", ".join(test_set.classes), cfg.dataset.test_image_set))
    return test_set


def build_net(cfg, classes):
    """The detector that `network` and `TEST` describe, its parameters not yet initialised.

    Args:
        classes: names, background not among them.

    Raises:
        ConfigError: the model is not known, or has no use for a value of `network`.
    """
    if cfg.network.model not in gluon_models.model_names():
        raise ConfigError("network.model: unknown model %r; known: %s"
                          % (cfg.network.model, ", ".join(gluon_models.model_names())))
    options = _own_options(cfg)
    return gluon_models.get_model(
        cfg.network.model, classes=classes, norm=cfg.network.NORM, class_agnostic=cfg.CLASS_AGNOSTIC,
        anchor_ratios=cfg.network.ANCHOR_RATIOS, anchor_scales=cfg.network.ANCHOR_SCALES,
        box_means=cfg.TRAIN.BBOX_MEANS, box_stds=cfg.TRAIN.BBOX_STDS,
        pre_nms=cfg.TEST.RPN_PRE_NMS_TOP_N, post_nms=cfg.TEST.RPN_POST_NMS_TOP_N, rpn_nms=cfg.TEST.RPN_NMS_THRESH,
        rpn_min_size=cfg.TEST.RPN_MIN_SIZE, **suppression(cfg), **options)


def _own_options(cfg):
    """The options that only some models have; ConfigError for a value that the model has no use for."""
    known, options = gluon_models.model_options(cfg.network.model), {}
    for key, option in _OWN_OPTIONS.items():
        if option in known:
            options[option] = cfg.network[key]
        elif cfg.network[key] != DEFAULTS["network"][key]:
            raise ConfigError("network.%s is %r, of which the model %s has no use; leave it out"
                              % (key, cfg.network[key], cfg.network.model))
    if options.get("neck") == "pointwise" and options["relu"] != DEFAULTS["network"]["LIGHT_HEAD_RELU"]:
        raise ConfigError("network.LIGHT_HEAD_RELU is %r, of which network.NECK pointwise has no use: it is one "
                          "convolution with ReLU; leave it out" % options["relu"])
    return options


def suppression(cfg):
    """How `TEST` chooses detections among candidates: options of a detector, and of `operators.detections.suppress`."""
    test = cfg.TEST
    return dict(score_threshold=test.THRESH, nms=test.NMS, max_per_image=test.max_per_image,
                soft_nms="gaussian" if test.USE_SOFTNMS else "none", soft_nms_sigma=test.SOFTNMS_THRESH)


def initialize(cfg, net, ctx, pretrained=True, allow_partial=False):
    """Random weights, then the backbone of `network.pretrained` where it names one.

    New layers are normal with standard deviation 0.01 and biases 0 (the port). Without a pretrained backbone only the
    output layers are, and all others are by He et al. A pyramid's layers begin as `FeaturePyramid` says.

    Args:
        pretrained: False where a checkpoint replaces all weights anyway.
        allow_partial: take what there is of the pretrained backbone.

    Returns:
        Lines that say what of it there is not.

    Raises:
        CheckpointError: the pretrained file is not there or, without `allow_partial`, does not hold the whole backbone.
    """
    he, normal = mx.init.MSRAPrelu(factor_type="in", slope=0), mx.init.Normal(NEW_LAYER_STD)
    for block in (net.rpn.score, net.rpn.box) + net.head.output_layers:
        block.initialize(normal, ctx=ctx)
    net.features.initialize(he, ctx=ctx)
    for block in (net.rpn.conv, net.neck) + net.head.hidden_layers:
        block.initialize(normal if cfg.network.pretrained else he, ctx=ctx)
    if cfg.network.pretrained and pretrained:
        path = pretrained_file(cfg)
        return backbone_misfits(path, load_parameters(path, net.backbone, allow_partial=True), allow_partial)
    return []


def pretrained_file(cfg):
    """The file of parameters that `network.pretrained` names; CheckpointError where it is not there."""
    path = "%s-%04d.params" % (cfg.network.pretrained, cfg.network.pretrained_epoch)
    if not Path(path).is_file():
        raise CheckpointError("network.pretrained: there is no file %s" % path)
    return path


def backbone_misfits(path, problems, allow_partial=False):
    """The misfits, of those of a file with a backbone, that are more than an array of no use.

    Raises CheckpointError with all of them unless `allow_partial`.
    """
    # A classifier's file holds its last layer too.
    problems = [line for line in problems if not line.startswith("unknown")]
    if problems and not allow_partial:
        raise CheckpointError("%s does not hold the backbone:\n  %s" % (path, "\n  ".join(problems)))
    return problems


def fix_parameters(net, words):
    """Keeps parameters out of training whose names contain one of the words (`network.FIXED_PARAMS`).

    Returns:
        The names, sorted.
    """
    fixed = sorted(name for name, parameter in net.collect_params().items()
                   if any(word in name for word in words) and parameter.grad_req != "null")
    for name in fixed:
        net.collect_params()[name].grad_req = "null"
    return fixed


def build_training_graph(cfg, net):
    """The losses that `TRAIN` describes, on top of a detector."""
    train = cfg.TRAIN
    return gluon_models.TrainingGraph(
        net, pre_nms=train.RPN_PRE_NMS_TOP_N, post_nms=train.RPN_POST_NMS_TOP_N, rpn_nms=train.RPN_NMS_THRESH,
        rpn_min_size=train.RPN_MIN_SIZE, rpn_batch=train.RPN_BATCH_SIZE,
        ohem=train.BATCH_ROIS_OHEM if train.ENABLE_OHEM else 0, roi_batch=train.BATCH_ROIS,
        fg_fraction=train.FG_FRACTION, fg_iou=train.FG_THRESH, bg_iou_high=train.BG_THRESH_HI,
        bg_iou_low=train.BG_THRESH_LO, box_loss_weight=train.BBOX_LOSS_WEIGHT)


def log_misfits(logger, problems):
    """Says what of a file of parameters was not taken over."""
    if problems:
        logger.info("not taken over, of a file that does not fit:\n  %s", "\n  ".join(problems))


def warn_of_fixed_noise(cfg, fixed, logger):
    """Says so where `network.FIXED_PARAMS` fixes parameters, the names in `fixed`, that nothing was loaded into."""
    if fixed and not cfg.network.pretrained:
        logger.info("warning: network.pretrained is empty, so that network.FIXED_PARAMS fixes random weights; "
                    "to train from scratch: network.FIXED_PARAMS [] network.NORM batch")


def build_train_loader(cfg, feature_size, dataset, batch_size, stride=STRIDE):
    """Batches with targets of the RPN; its workers start at once.

    Args:
        feature_size, stride: of the RPN's map, or of its levels; see `AnchorTargets`.
        batch_size: images, all devices together.
    """
    train = cfg.TRAIN
    targets = AnchorTargets(
        feature_size, stride, cfg.network.ANCHOR_RATIOS, cfg.network.ANCHOR_SCALES,
        batch_size=train.RPN_BATCH_SIZE, positive_fraction=train.RPN_FG_FRACTION,
        positive_iou=train.RPN_POSITIVE_OVERLAP, negative_iou=train.RPN_NEGATIVE_OVERLAP,
        clobber_positives=train.RPN_CLOBBER_POSITIVES, as_port=bool(cfg.symbol))
    return loader_of(cfg, training_records(cfg, dataset), targets, batch_size)


def training_records(cfg, dataset):
    """The records that have a box to train on; DataError where there is none."""
    records = data.with_targets(dataset.records)
    if not records:
        raise data.DataError("%s: no image of %s has a box to train on"
                             % (cfg.dataset.dataset_path, cfg.dataset.image_set), "no boxes")
    return records


def loader_of(cfg, records, targets, batch_size):
    """Training batches of records as `TRAIN` describes them, with any targets; its workers start at once.

    Args:
        targets: see `data.TrainLoader`.
        batch_size: images, all devices together.
    """
    train = cfg.TRAIN
    sampler = data.TrainSampler(records, batch_size, train_scales(cfg), flip=train.FLIP, shuffle=train.SHUFFLE,
                                group_by_aspect=train.ASPECT_GROUPING, seed=cfg.seed)
    return data.TrainLoader(records, sampler, targets, pixel_means(cfg), pixel_stds(cfg),
                            stride=max(cfg.network.IMAGE_STRIDE, 1), num_workers=train.NUM_WORKERS)


def build_test_loader(cfg, dataset, devices=1, scale=None):
    """Test batches of `TEST.BATCH_IMAGES` images a device.

    Args:
        scale: pair (shorter edge, bound on the longer edge), pixels; default: the first of the test scales.
    """
    short_edge, long_edge = scale or test_scales(cfg)[0]
    return data.TestLoader(dataset.records, cfg.TEST.BATCH_IMAGES * devices, short_edge, long_edge, pixel_means(cfg),
                           pixel_stds(cfg), stride=max(cfg.network.IMAGE_STRIDE, 1))
