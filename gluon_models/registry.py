"""The tables from which models are put together by name: detectors, backbones and lists of classes.

The name of a model says all three: "light_head_rcnn_resnet101_v1_coco" is the detector "light_head_rcnn" on the
backbone "resnet101_v1" with the classes "coco". What a program adds to one table combines with all of the others::

    @register_backbone("my_net", setting="S")
    class MyNet(HybridBlock): ...

    net = get_model("light_head_rcnn_my_net_voc")

A model that is not put together so is registered under its whole name, by `register_model`.
"""
from collections import Counter
from functools import partial
from itertools import product
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from mxnet.gluon import HybridBlock

from ..errors import ModelError
from ..registry import Registry

SETTINGS = ("L", "S")


class BackboneEntry(NamedTuple):
    """A registered backbone; the fields are the arguments of `register_backbone`."""

    build: Callable[..., HybridBlock]
    setting: str
    options: Tuple[str, ...]


class DetectorEntry(NamedTuple):
    """A registered detector; the fields are the arguments of `register_detector`."""

    build: Callable[..., HybridBlock]
    defaults: Mapping[str, Mapping[str, Any]]
    on_pyramid: bool
    backbones: Optional[Tuple[str, ...]]


class Parts(NamedTuple):
    """The names of what a model is put together from."""

    detector: str
    backbone: str
    classes: str


DETECTORS: Registry = Registry("detector")
BACKBONES: Registry = Registry("backbone")
PYRAMID_BACKBONES: Registry = Registry("pyramid backbone")
CLASS_LISTS: Registry = Registry("list of classes")
MODELS: Registry = Registry("model")


def register_backbone(name: str, builder: Optional[Callable[..., HybridBlock]] = None, *, setting: str = "L",
                      options: Sequence[str] = ()) -> Callable:
    """Registers a backbone of stride 16, to be used by all detectors without a feature pyramid.

    Args:
        name: part of the models' names, e.g. "resnet101_v1".
        builder: called as `builder(frozen=..., **options)`; `frozen` says whether batch normalisation uses its moving
            statistics in training, too. It returns a block with `out_channels`, the channels of its two outputs; with
            `feature_size`, the function from a side of the input in pixels to the side of the outputs in cells (data
            workers call it: it must use no arrays of MXNet); and with two outputs, the map for the RPN and the map for
            the head, both of stride 16. Without this argument the function is a decorator.
        setting: "L" for a large backbone, "S" for a small one, as in the paper (section 4): detectors choose by it how
            wide their RPN and their neck are, see `register_detector`.
        options: names of further arguments of the builder that `get_model` passes on.

    Returns:
        The builder, or the decorator.

    Raises:
        ModelError: the name is taken, or it makes the name of a model ambiguous; or an unknown setting.
    """
    return _register_backbone(BACKBONES, name, builder, setting, options)


def register_pyramid_backbone(name: str, builder: Optional[Callable[..., HybridBlock]] = None, *, setting: str = "L",
                              options: Sequence[str] = ()) -> Callable:
    """Registers the form of a backbone that all detectors with a feature pyramid use.

    Arguments, answer and errors are those of `register_backbone`, except for the block that the builder returns: it has
    four outputs, of strides 4, 8, 16 and 32; `out_channels` has four numbers, and `feature_size` returns four sides.
    The same name may stand in both tables.
    """
    return _register_backbone(PYRAMID_BACKBONES, name, builder, setting, options)


def register_both_forms(name: str, builder: Callable[..., HybridBlock], *, setting: str = "L",
                        options: Sequence[str] = ()) -> None:
    """Registers a backbone for detectors with two maps and for those with a feature pyramid.

    Arguments and errors are those of `register_backbone`, except for the builder: it is called with `outputs`
    and `output_stride`, too, see `backbones.base.Backbone`. Detectors with two maps have the option `outputs` then, see
    `get_model`.
    """
    register_backbone(name, partial(builder, outputs="two_maps"), setting=setting, options=(*options, "outputs"))
    register_pyramid_backbone(name, partial(builder, outputs="pyramid"), setting=setting, options=options)


def register_detector(name: str, builder: Optional[Callable[..., HybridBlock]] = None, *,
                      defaults: Optional[Mapping[str, Mapping[str, Any]]] = None, on_pyramid: bool = False,
                      backbones: Optional[Sequence[str]] = None) -> Callable:
    """Registers a detector, to be put on all backbones with all lists of classes.

    Args:
        name: the first part of the models' names, e.g. "light_head_rcnn".
        builder: called as `builder(backbone, classes, **options)`; it returns a `TwoStageDetector`. Where it is a
            function with a `**` argument, that takes the options of `TwoStageDetector`. Without this argument the
            function is a decorator.
        defaults: {setting of the backbone, "L" or "S": {option: value}}, in place of the builder's own defaults.
        on_pyramid: whether the detector reads the maps of a `FeaturePyramid`, on a backbone of
            `register_pyramid_backbone`.
        backbones: names of the only backbones that the detector goes with.

    Returns:
        The builder, or the decorator.

    Raises:
        ModelError: the name is taken, or it makes the name of a model ambiguous.
    """
    def register(builder: Callable) -> Callable:
        only = None if backbones is None else tuple(backbones)
        _add(DETECTORS, name, DetectorEntry(builder, dict(defaults or {}), on_pyramid, only))
        return builder

    return register if builder is None else register(builder)


def register_classes(name: str, classes: Sequence[str]) -> None:
    """Registers a list of classes.

    Args:
        name: the last part of the models' names, e.g. "coco".
        classes: names of the classes in the order of their ids; background is not among them.

    Raises:
        ModelError: the name is taken, or it makes the name of a model ambiguous.
    """
    _add(CLASS_LISTS, name, tuple(classes))


def register_model(name: str, builder: Optional[Callable[..., HybridBlock]] = None) -> Callable:
    """Registers a model that is not put together from a detector, a backbone and a list of classes.

    Args:
        name: the whole name, as `get_model` shall know it.
        builder: called as `builder(classes=..., norm=..., **options)` with the arguments of `get_model`; `classes` is
            None where they were not given. It returns a `TwoStageDetector`. Where it has a `**` argument, that takes
            the options of `TwoStageDetector`. Without this argument the function is a decorator.

    Returns:
        The builder, or the decorator.

    Raises:
        ModelError: the name is taken.
    """
    def register(builder: Callable) -> Callable:
        _add(MODELS, name, builder)
        return builder

    return register if builder is None else register(builder)


def backbone_table(detector: DetectorEntry) -> Registry:
    """Returns the table of the backbones that a detector can be put on."""
    return PYRAMID_BACKBONES if detector.on_pyramid else BACKBONES


def composed_models() -> Dict[str, Parts]:
    """Returns all models that the tables make: {name of the model: names of its parts}."""
    return {"_".join(parts): parts for parts in _combinations()}


def _combinations() -> List[Parts]:
    return [Parts(name, backbone, classes) for name, detector in DETECTORS.entries.items()
            for backbone, classes in product(backbone_table(detector).entries, CLASS_LISTS.entries)
            if detector.backbones is None or backbone in detector.backbones]


def _register_backbone(table: Registry, name: str, builder: Optional[Callable], setting: str,
                       options: Sequence[str]) -> Callable:
    if setting not in SETTINGS:
        raise ModelError(f"the setting of backbone {name!r} is {setting!r}; known: {', '.join(SETTINGS)}")

    def register(builder: Callable) -> Callable:
        _add(table, name, BackboneEntry(builder, setting, tuple(options)))
        return builder

    return register if builder is None else register(builder)


def _add(table: Registry, name: str, entry: Any) -> None:
    """Adds an entry to a table; ModelError if two models would have one name then."""
    table.add(name, entry)
    names = ["_".join(parts) for parts in _combinations()] + MODELS.names()
    twice = sorted(model for model, times in Counter(names).items() if times > 1)
    if twice:
        del table.entries[name]
        raise ModelError(f"with the {table.kind} {name!r} two models would be named {twice[0]!r}; choose another name")
