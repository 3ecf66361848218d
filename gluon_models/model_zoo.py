"""Detectors by name: detector, backbone, data set, in GluonCV's manner."""
from gluoncv.data import COCODetection, VOCDetection

from .backbones import ResNet, Xception
from .detector import LightHeadRCNN

# Setting L: the MXNet port; setting S: paper, section 4.2.
_L = dict(mid_channels=256, rpn_channels=512)
_S = dict(mid_channels=64, rpn_channels=256)
_BACKBONES = {
    "resnet50_v1": (lambda **options: ResNet(50, **options), _L),
    "resnet101_v1": (lambda **options: ResNet(101, **options), _L),
    "xception": (Xception, _S),
}
_DATA_SETS = {"coco": COCODetection.CLASSES, "voc": VOCDetection.CLASSES}
_MODELS = {"light_head_rcnn_%s_%s" % (backbone, data): (backbone, data)
           for backbone in _BACKBONES for data in _DATA_SETS}


def model_names():
    """Names that `get_model` knows, sorted."""
    return sorted(_MODELS)


def get_model(name, classes=None, norm="frozen", stride_in_1x1=None, **options):
    """A detector, not yet initialised.

    Args:
        name: one of `model_names()`, e.g. "light_head_rcnn_resnet101_v1_coco" (L), "light_head_rcnn_xception_coco" (S).
        classes: names in place of the data set's, background not among them.
        norm: "frozen", batch normalisation by its moving statistics, to fine-tune a pretrained backbone as the port
            does; or "batch", by those of the batch, to train from scratch.
        stride_in_1x1: ResNet only, see `Bottleneck`; default True.
        options: of `LightHeadRCNN`, e.g. roi_pool="psroi_align", class_agnostic=False, relu="after_sum".

    Raises:
        ValueError: for an unknown name or option value; says which are known.
    """
    if name not in _MODELS:
        raise ValueError("unknown model %r; known: %s" % (name, ", ".join(model_names())))
    if norm not in ("frozen", "batch"):
        raise ValueError("norm is %r; known: frozen, batch" % norm)
    backbone, data = _MODELS[name]
    build, setting = _BACKBONES[backbone]
    backbone_options = dict(frozen=norm == "frozen")
    if stride_in_1x1 is not None:
        if not backbone.startswith("resnet"):
            raise ValueError("stride_in_1x1 is an option of ResNet backbones, not of %s" % backbone)
        backbone_options["stride_in_1x1"] = stride_in_1x1
    classes = _DATA_SETS[data] if classes is None else classes
    return LightHeadRCNN(build(**backbone_options), classes, **dict(setting, **options))
