"""Detectors by name: detector, backbone, data set, in GluonCV's manner."""
from functools import partial

from gluoncv.data import COCODetection, VOCDetection

from .backbones import ResNet, Xception
from .light_head_rcnn import LightHeadRCNN
from .rfcn import RFCN

_RESNET50, _RESNET101 = partial(ResNet, 50), partial(ResNet, 101)
# Setting L: the MXNet port; setting S: paper, section 4.2.
_L = dict(mid_channels=256, rpn_channels=512)
_S = dict(mid_channels=64, rpn_channels=256)
_DETECTORS = {
    "light_head_rcnn_resnet50_v1": (LightHeadRCNN, _RESNET50, _L),
    "light_head_rcnn_resnet101_v1": (LightHeadRCNN, _RESNET101, _L),
    "light_head_rcnn_xception": (LightHeadRCNN, Xception, _S),
    "rfcn_resnet101_v1": (RFCN, _RESNET101, {}),
}
_DATA_SETS = {"coco": COCODetection.CLASSES, "voc": VOCDetection.CLASSES}
_MODELS = {"%s_%s" % (detector, data): (detector, data) for detector in _DETECTORS for data in _DATA_SETS}


def model_names():
    """Names that `get_model` knows, sorted."""
    return sorted(_MODELS)


def get_model(name, classes=None, norm="frozen", stride_in_1x1=None, **options):
    """A detector, not yet initialised.

    Args:
        name: one of `model_names()`, e.g. "light_head_rcnn_resnet101_v1_coco" (L), "light_head_rcnn_xception_coco" (S),
            "rfcn_resnet101_v1_coco" (R-FCN, the paper's B1).
        classes: names in place of the data set's, background not among them.
        norm: "frozen", batch normalisation by its moving statistics, to fine-tune a pretrained backbone as the port
            does; or "batch", by those of the batch, to train from scratch.
        stride_in_1x1: ResNet only, see `Bottleneck`; default True.
        options: of `LightHeadRCNN` or `RFCN`, e.g. roi_pool="psroi_align", class_agnostic=False, relu="after_sum".

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
        if "resnet" not in name:
            raise ValueError("stride_in_1x1 is an option of ResNet backbones, not of %s" % name)
        backbone_options["stride_in_1x1"] = stride_in_1x1
    classes = _DATA_SETS[data] if classes is None else classes
    return build(backbone(**backbone_options), classes, **dict(setting, **options))
