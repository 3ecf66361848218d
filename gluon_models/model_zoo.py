"""Detectors by name. A name says the detector, the backbone and the classes, in GluonCV's manner."""
import difflib
from functools import partial
from typing import Any, Callable, FrozenSet, List, Optional, Sequence, Set

from mxnet.gluon import HybridBlock

from ..data.class_names import COCO_CLASSES, VOC_CLASSES
from ..errors import ModelError
from ..registry import check_options, option_names
# These modules register the models that this package brings.
from . import backbones, fast_rcnn, faster_rcnn, light_head_fpn, light_head_rcnn, registry, rfcn  # noqa: F401
from .detector import TwoStageDetector
from .necks import FeaturePyramid
from .roi_detector import RoIDetector

NORMS = ("frozen", "batch")
# Arguments of `get_model` of their own, which the builder of a whole model takes, too.
_OWN_ARGUMENTS = {"classes", "norm"}

registry.register_classes("coco", COCO_CLASSES)
registry.register_classes("voc", VOC_CLASSES)


def model_names() -> List[str]:
    """Returns the names that `get_model` knows, sorted."""
    return sorted([*registry.composed_models(), *registry.MODELS.names()])


def backbone_names() -> List[str]:
    """Returns the names of all backbones, sorted; each is a part of the names of models."""
    return sorted({*registry.BACKBONES.names(), *registry.PYRAMID_BACKBONES.names()})


def model_options(name: str) -> Set[str]:
    """Returns the names of the options that this model has and other detectors lack, e.g. "roi_pool", "stride_in_1x1".

    Args:
        name: one of `model_names()`.

    Raises:
        ModelError: the name is not known.
    """
    return set(_options(name) - option_names(TwoStageDetector, TwoStageDetector))


def needs_proposals(name: str) -> bool:
    """Returns whether a model classifies given proposals and finds none itself, see `RoIDetector`.

    Args:
        name: one of `model_names()`.

    Raises:
        ModelError: the name is not known.
    """
    parts = registry.composed_models().get(name)
    builder = _builder(name) if parts is None else registry.DETECTORS.get(parts.detector).build
    return getattr(builder, "needs_proposals", False)


def get_model(name: str, classes: Optional[Sequence[str]] = None, norm: str = "frozen",
              **options: Any) -> RoIDetector:
    """Builds a detector; its parameters are not yet initialised.

    Example:
        >>> net = get_model("light_head_rcnn_resnet101_v1_coco", roi_pool="psroi_align")
        >>> net.initialize()
        >>> ids, scores, boxes = net(mx.nd.zeros((1, 3, 600, 800)))  # (1, 100, 1), (1, 100, 1), (1, 100, 4)

    Args:
        name: one of `model_names()`, e.g. "light_head_rcnn_resnet101_v1_coco" (the paper's setting L),
            "light_head_rcnn_xception_coco" (setting S), "rfcn_resnet101_v1_coco" (R-FCN, the paper's B1),
            "faster_rcnn_resnet101_v1_coco" (two hidden layers), "fast_rcnn_resnet50_v1_voc" (Fast R-CNN, whose RoIs
            are a third input).
        classes: names of the classes, background not among them, in place of those that the name says.
        norm: "frozen": batch normalisation uses its moving statistics in training, too, to fine-tune a pretrained
            backbone as the MXNet original does. "batch": it uses those of the batch, to train from scratch.
        options: options of the detector and of its backbone: see `RoIDetector` for those that all detectors have,
            `TwoStageDetector` for those of all that have an RPN, and the detector's class, e.g. `LightHeadRCNN`, for
            its own. ResNet has `stride_in_1x1`, see `Bottleneck`.
            Detectors with two maps have `outputs`: the names of the stages, both of stride 16, that the RPN and the
            head read, such as ("stage5", "stage5"); stages behind them are not built. Empty for the backbone's own.

    Raises:
        ModelError: an unknown name, an unknown option, or an unknown value of one; the message says which are known.
    """
    if "pretrained" in options:
        raise ModelError("get_model downloads no weights and so has no option 'pretrained': load a file of weights by "
                         "the detector's method load_parameters, or name a file of weights by the key "
                         "network.pretrained of the configuration of a training")
    known = _options(name)
    check_options(name, options, known)
    if norm not in NORMS:
        raise ModelError(f"norm is {norm!r}; known: {', '.join(NORMS)}")
    return _builder(name)(classes=classes, norm=norm, **options)


def _options(name: str) -> FrozenSet[str]:
    """The names of all options of a model; ModelError for an unknown name."""
    parts = registry.composed_models().get(name)
    if parts is None:
        return option_names(_builder(name), TwoStageDetector) - _OWN_ARGUMENTS
    detector = registry.DETECTORS.get(parts.detector)
    backbone = registry.backbone_table(detector).get(parts.backbone)
    return option_names(detector.build, TwoStageDetector).union(backbone.options)


def _builder(name: str) -> Callable[..., HybridBlock]:
    """The function of `classes`, `norm` and options that builds a model; ModelError for an unknown name."""
    parts = registry.composed_models().get(name)
    if parts is not None:
        return partial(_compose, parts)
    if name not in registry.MODELS.entries:
        raise ModelError(_unknown_model(name))
    return registry.MODELS.get(name)


def _unknown_model(name: str) -> str:
    """Says what names there are, the most similar first; several hundred would be no help."""
    examples = [known for known in model_names() if known.endswith("_coco")]  # one of each detector and backbone
    similar = difflib.get_close_matches(name, examples, 3, 0.3)
    return (f"unknown model {name!r}; known: {', '.join(similar)}, ..., that is DETECTOR_BACKBONE_CLASSES of the "
            f"detectors {', '.join(registry.DETECTORS.names())}, the backbones {', '.join(backbone_names())}, and the "
            f"classes {', '.join(registry.CLASS_LISTS.names())}")


def _compose(parts: registry.Parts, classes: Optional[Sequence[str]], norm: str, **options: Any) -> HybridBlock:
    """Puts a detector on a backbone."""
    detector = registry.DETECTORS.get(parts.detector)
    entry = registry.backbone_table(detector).get(parts.backbone)
    for_backbone = {option: options.pop(option) for option in entry.options if option in options}
    backbone = _build_backbone(partial(entry.build, frozen=norm == "frozen"), **for_backbone)
    for attribute in ("out_channels", "feature_size"):
        if not hasattr(backbone, attribute):
            raise ModelError(f"the backbone {parts.backbone!r} has no attribute {attribute}; see register_backbone")
    if detector.on_pyramid:
        backbone = FeaturePyramid(backbone)
    classes = registry.CLASS_LISTS.get(parts.classes) if classes is None else classes
    return detector.build(backbone, classes, **{**detector.defaults.get(entry.setting, {}), **options})


def _build_backbone(build: Callable[..., HybridBlock], outputs: Sequence[str] = (), **options: Any) -> HybridBlock:
    """The backbone with its own maps, or with those of the stages that `outputs` names."""
    if not outputs:
        return build(**options)
    if isinstance(outputs, str) or len(outputs) != 2:
        raise ModelError(f"outputs is {outputs!r}; name two stages, that of the RPN and that of the head")
    backbone = build(outputs=tuple(outputs), output_stride=16, **options)
    if backbone.strides != (16, 16):
        fitting = ", ".join(stage.name for stage in build(**options).stages if stage.stride == 16)
        raise ModelError(f"outputs is {list(outputs)}, stages of strides {backbone.strides[0]} and "
                         f"{backbone.strides[1]}; this detector needs two of stride 16: {fitting}")
    return backbone
