"""The original `mx.sym` graphs, node for node, by name. Here alone a configuration is unpacked into plain arguments."""
from functools import partial

from mxnet.name import NameManager

from ..operators import custom  # noqa: F401  (registers the operators that the graphs name)
from .detector import Detector
from .light_head import HIDDEN, light_head
from .resnet import resnet_v1
from .rfcn import rfcn
from .xception import xception

__all__ = ["get_symbol", "get_symbol_rcnn", "get_symbol_rpn", "symbol_names"]

_PROPOSAL_OPERATORS = {True: "contrib", False: "custom"}


def symbol_names():
    """Names that `get_symbol` knows, sorted."""
    return sorted(_BUILDERS)


def get_symbol(name, cfg, is_train=True):
    """The whole detector as one graph; inputs and outputs: `Detector.train`, `Detector.test`.

    Args:
        name: one of `symbol_names()`: "resnet_v1_101_rfcn_light" (Light-Head R-CNN, setting L), "xception_rfcn_light"
            (setting S), "resnet_v1_101_rfcn" (R-FCN, B1 of the paper's ablation).
        cfg: configuration as `experiments.engine.config.load_config` reads it.
        is_train: with targets and losses, by the entries of `cfg.TRAIN`; else the outputs, by those of `cfg.TEST`.

    Returns:
        mx.sym.Symbol. With the port's values it equals the port's graph, node for node, but for the configuration
        that the port's `proposal_target` carries: ours has plain attributes.

    Raises:
        ValueError: unknown name (lists the known ones), or a value of `cfg` that no graph can be built of.
    """
    return _graph(name, cfg, is_train, "train" if is_train else "test")


def get_symbol_rpn(name, cfg, is_train=True):
    """The proposal network alone, for alternate training; see `get_symbol`, `Detector.train_rpn` and `.test_rpn`."""
    return _graph(name, cfg, is_train, "train_rpn" if is_train else "test_rpn")


def get_symbol_rcnn(name, cfg, is_train=True):
    """The detector on given RoIs, for alternate training; see `get_symbol`, `Detector.train_rcnn` and `.test_rcnn`.

    The port's `get_symbol_rfcn`, but that its light file has R-FCN's head there: the graph of `resnet_v1_101_rfcn`."""
    return _graph(name, cfg, is_train, "train_rcnn" if is_train else "test_rcnn")


def _graph(name, cfg, is_train, kind):
    if name not in _BUILDERS:
        raise ValueError("unknown symbol %r; known: %s" % (name, ", ".join(symbol_names())))
    for key, values in _VALUES[name].items():
        if cfg.network[key] not in values:
            raise ValueError("network.%s is %r; %s has only %s"
                             % (key, cfg.network[key], name, " and ".join(map(repr, values))))
    # A manager of its own: the numbers in automatic names begin at 0, whatever was built before.
    with NameManager():
        return getattr(_BUILDERS[name](cfg, is_train), kind)()


def _light_resnet(cfg, is_train):
    return Detector(_resnet(cfg), _light(cfg, mid_channels=256), rpn_channels=512,
                    **_settings(cfg, is_train, box_sigma=2.0))


def _light_xception(cfg, is_train):
    return Detector(partial(xception, frozen=_frozen(cfg)), _light(cfg, mid_channels=64), rpn_channels=256,
                    **_settings(cfg, is_train, box_sigma=2.0))


def _rfcn_resnet(cfg, is_train):
    head = partial(rfcn, lr_mult=cfg.TRAIN.LIGHT_HEAD_LR_MULT, stride=cfg.network.RCNN_FEAT_STRIDE)
    return Detector(_resnet(cfg), head, rpn_channels=512, **_settings(cfg, is_train, box_sigma=1.0))


_BUILDERS = {"resnet_v1_101_rfcn_light": _light_resnet, "resnet_v1_101_rfcn": _rfcn_resnet,
             "xception_rfcn_light": _light_xception}
# The values of `cfg.network` that the graphs have; of other keys all that the configuration allows.
_LIGHT = dict(NECK=("large_separable",), ROI_POOL=("psroi_pool", "psroi_align"), HIDDEN_UNITS=(HIDDEN,))
_VALUES = {"resnet_v1_101_rfcn_light": _LIGHT,
           "resnet_v1_101_rfcn": dict(_LIGHT, ROI_POOL=("psroi_pool",), LIGHT_HEAD_RELU=("inside",)),
           "xception_rfcn_light": dict(_LIGHT, STRIDE_IN_1X1=(True,))}


def _frozen(cfg):
    return cfg.network.NORM == "frozen"


def _resnet(cfg):
    return partial(resnet_v1, depth=101, frozen=_frozen(cfg), stride_in_1x1=cfg.network.STRIDE_IN_1X1)


def _light(cfg, mid_channels):
    return partial(light_head, mid_channels=mid_channels, lr_mult=cfg.TRAIN.LIGHT_HEAD_LR_MULT,
                   relu=cfg.network.LIGHT_HEAD_RELU, roi_pool=cfg.network.ROI_POOL,
                   stride=cfg.network.RCNN_FEAT_STRIDE)


def _stride(strides):
    """One stride, by itself or as the only one of a list."""
    strides = (strides,) if isinstance(strides, int) else tuple(strides)
    if len(strides) != 1:
        raise ValueError("network.RPN_FEAT_STRIDE is %r; these graphs have one map, and one stride" % (strides,))
    return strides[0]


def _settings(cfg, is_train, box_sigma):
    """Arguments of `Detector` that all detectors share."""
    num_classes = cfg.dataset.NUM_CLASSES
    if num_classes < 2:
        raise ValueError("dataset.NUM_CLASSES is %d; a graph needs the number of classes, background counted"
                         % num_classes)
    network, train, phase = cfg.network, cfg.TRAIN, cfg.TRAIN if is_train else cfg.TEST
    normalized = train.BBOX_NORMALIZATION_PRECOMPUTED
    return dict(
        num_classes=num_classes, num_reg_classes=2 if cfg.CLASS_AGNOSTIC else num_classes,
        num_anchors=network.NUM_ANCHORS, images=phase.BATCH_IMAGES, rpn_batch_size=train.RPN_BATCH_SIZE,
        proposals=dict(
            operator=_PROPOSAL_OPERATORS.get(phase.CXX_PROPOSAL, phase.CXX_PROPOSAL),
            feature_stride=_stride(network.RPN_FEAT_STRIDE), scales=network.ANCHOR_SCALES, ratios=network.ANCHOR_RATIOS,
            pre_nms=phase.RPN_PRE_NMS_TOP_N, post_nms=phase.RPN_POST_NMS_TOP_N, threshold=phase.RPN_NMS_THRESH,
            min_size=phase.RPN_MIN_SIZE),
        targets=dict(
            batch_rois=train.BATCH_ROIS, fg_fraction=train.FG_FRACTION, fg_thresh=train.FG_THRESH,
            bg_thresh_hi=train.BG_THRESH_HI, bg_thresh_lo=train.BG_THRESH_LO,
            means=train.BBOX_MEANS if normalized else (0.0,) * 4, stds=train.BBOX_STDS if normalized else (1.0,) * 4,
            weights=train.BBOX_WEIGHTS),
        losses=dict(
            ohem=train.ENABLE_OHEM, rois=train.BATCH_ROIS_OHEM if train.ENABLE_OHEM else train.BATCH_ROIS,
            box_sigma=box_sigma, box_loss_weight=train.BBOX_LOSS_WEIGHT))
