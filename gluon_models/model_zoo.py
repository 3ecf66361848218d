"""Detectors by name: detector, backbone, data set, in GluonCV's manner."""
import inspect
from functools import partial

from gluoncv.data import COCODetection, VOCDetection

from .backbones import PyramidResNet, PyramidXception, ResNet, Xception
from .detector import TwoStageDetector
from .faster_rcnn import FasterRCNN
from .light_head_fpn import LightHeadFPN
from .light_head_rcnn import LightHeadRCNN
from .necks import FeaturePyramid
from .rfcn import RFCN


def _pyramid(backbone, *args, **options):
    return FeaturePyramid(backbone(*args, **options))


_RESNET50, _RESNET101 = partial(ResNet, 50), partial(ResNet, 101)
# Setting L: the MXNet port; setting S: paper, section 4.2.
_L = dict(mid_channels=256, rpn_channels=512)
_S = dict(mid_channels=64, rpn_channels=256)
# As wide an RPN as the pyramid's maps; one size of anchors a level, 32 to 512 pixels (Lin et al., section 4.1).
_FPN = dict(mid_channels=256, rpn_channels=256, anchor_scales=(8,))
_DETECTORS = {
    "light_head_rcnn_resnet50_v1": (LightHeadRCNN, _RESNET50, _L),
    "light_head_rcnn_resnet101_v1": (LightHeadRCNN, _RESNET101, _L),
    "light_head_rcnn_xception": (LightHeadRCNN, Xception, _S),
    "light_head_rcnn_fpn_resnet50_v1": (LightHeadFPN, partial(_pyramid, PyramidResNet, 50), _FPN),
    "light_head_rcnn_fpn_resnet101_v1": (LightHeadFPN, partial(_pyramid, PyramidResNet, 101), _FPN),
    "light_head_rcnn_fpn_xception": (LightHeadFPN, partial(_pyramid, PyramidXception), dict(_FPN, mid_channels=64)),
    "light_head_rcnn_s_resnet50_v1": (LightHeadRCNN, _RESNET50, _S),
    "rfcn_xception": (RFCN, Xception, dict(rpn_channels=256)),
    "rfcn_resnet50_v1": (RFCN, _RESNET50, {}),
    "rfcn_resnet101_v1": (RFCN, _RESNET101, {}),
    "faster_rcnn_xception": (FasterRCNN, Xception, dict(rpn_channels=256)),
    "faster_rcnn_resnet50_v1": (FasterRCNN, _RESNET50, {}),
    "faster_rcnn_resnet101_v1": (FasterRCNN, _RESNET101, {}),
}
_DATA_SETS = {"coco": COCODetection.CLASSES, "voc": VOCDetection.CLASSES}
_MODELS = {"%s_%s" % (detector, data): (detector, data) for detector in _DETECTORS for data in _DATA_SETS}


def model_names():
    """Names that `get_model` knows, sorted."""
    return sorted(_MODELS)


def model_options(name):
    """Names of the options that this model has of its own, e.g. "roi_pool", "stride_in_1x1"; a set.

    Args:
        name: one of `model_names()`.
    """
    detector, _ = _MODELS[name]
    kinds = inspect.getmro(_DETECTORS[detector][0])
    own = {option for kind in kinds[:kinds.index(TwoStageDetector)] for option in inspect.signature(kind).parameters}
    own -= {"backbone", "classes", "class_agnostic", "options"}
    return own | {"stride_in_1x1"} if "resnet" in name else own


def get_model(name, classes=None, norm="frozen", stride_in_1x1=None, **options):
    """A detector, not yet initialised.

    Args:
        name: one of `model_names()`, e.g. "light_head_rcnn_resnet101_v1_coco" (L), "light_head_rcnn_xception_coco" (S),
            "rfcn_resnet101_v1_coco" (R-FCN, the paper's B1), "faster_rcnn_resnet101_v1_coco" (two hidden layers).
        classes: names in place of the data set's, background not among them.
        norm: "frozen", batch normalisation by its moving statistics, to fine-tune a pretrained backbone as the port
            does; or "batch", by those of the batch, to train from scratch.
        stride_in_1x1: ResNet only, see `Bottleneck`; default True.
        options: of the detector, e.g. `LightHeadRCNN`: roi_pool="psroi_align", class_agnostic=False, relu="after_sum".

    Raises:
        ValueError: for an unknown name or option value; says which are known.
    """
    if name not in _MODELS:
        raise ValueError("unknown model %r; known: %s" % (name, ", ".join(model_names())))
    if norm not in ("frozen", "batch"):
        raise ValueError("norm is %r; known: frozen, batch" % norm)
    detector, data = _MODELS[name]
    build, backbone, setting = _DETECTORS[detector]
    backbone_options = dict(frozen=norm == "frozen")
    if stride_in_1x1 is not None:
        if "stride_in_1x1" not in model_options(name):
            raise ValueError("stride_in_1x1 is an option of ResNet backbones, not of %s" % name)
        backbone_options["stride_in_1x1"] = stride_in_1x1
    classes = _DATA_SETS[data] if classes is None else classes
    return build(backbone(**backbone_options), classes, **dict(setting, **options))
