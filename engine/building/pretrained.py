"""Weights to start from: the file that `network.pretrained` names, what a network takes of it, and what is new."""
import logging
from pathlib import Path
from typing import Any, Collection, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from yacs.config import CfgNode

from ...data.files.json_text import parse_json
from ...data.files.opening import read_regular
from ...errors import CheckpointError
from ...gluon_models.registry import BACKBONES, composed_models
from ...gluon_models.weights import DETECTOR, NAMED_SOURCES, Weights, read_weights, with_names_of
from ...gluon_models.weights.contents import tensorflow_prefix
from ...gluon_models.weights.description import layer_of, listed, shapes_agree
from ...gluon_models.weights.published import published_sources
from ...gluon_models.weights.recognition import parameter_names, recognised_backbone
from ..checkpoints.checksums import file_checksum
from ..config import KEYS, pixel_keys, saved_config
from ..config.checking import checked_value
from ..config.tree import as_lists

_LOGGER = logging.getLogger(__name__)
_BACKBONES_OF_SYMBOLS = {"resnet_v1_101_rfcn_light": "resnet101_v1", "resnet_v1_101_rfcn": "resnet101_v1",
                         "xception_rfcn_light": "xception"}
MOST = 20  # parameters that an error names
# The layers of the classes, and those of the boxes where each class has a box of its own: they are of no use to a
# detector of other classes, be they as many.
_CLASS_LAYERS, _BOX_LAYERS = ("cls_score", "rfcn_cls"), ("bbox_pred", "rfcn_bbox")


class PretrainedReport(NamedTuple):
    """What a network took from a file of weights.

    Attributes:
        problems: a line for each parameter of the backbone that the file lacks.
        text: a table of what was taken, what is new and what was left over, and the keys of the configuration with
            which the weights were trained otherwise; empty where there is no file.
    """

    problems: List[str] = []
    text: str = ""


def pretrained_file(cfg: CfgNode) -> str:
    """Returns the path of the file of weights that `network.pretrained` names, or the name of an installed package's.

    `network.pretrained` is the path itself, the path without `.params`, a prefix, or the name of weights that a package
    brings along. For a prefix the number in the name is `network.pretrained_epoch`, for example PREFIX-0000.params.

    Raises:
        CheckpointError: there is no such file; the message says where weights of the backbone are published.
    """
    prefix = cfg.network.pretrained
    with_epoch = f"{prefix}-{cfg.network.pretrained_epoch:04d}.params"
    for path in (prefix, f"{prefix}.params", with_epoch):
        if Path(path).is_file():
            return path
    if prefix in NAMED_SOURCES or tensorflow_prefix(prefix) is not None:
        return prefix
    raise CheckpointError(f"network.pretrained: there is no file {with_epoch}, nor {prefix}. "
                          + _advice(cfg, with_epoch))


def read_pretrained(path: str) -> Weights:
    """Reads a file of weights as `read_weights` does, with what the JSON file beside it says.

    Checkpoints have one, and so have the files that `lhrcnn convert` writes. That of a detector says its model, too.
    One that cannot be read does not count, and the log says so.

    Raises:
        CheckpointError: see `read_weights`; or the file is not the one that the JSON file describes.
        ConfigError: the JSON file has a value that a key cannot have.
    """
    weights = read_weights(path)
    beside = Path(path).with_suffix(".json")
    state = _state(beside) if path.endswith(".params") and beside.is_file() else {}
    checksums = state.get("checksums")
    if isinstance(checksums, dict) and checksums.get(".params") != file_checksum(path):
        raise CheckpointError(f"{path} is damaged: it is not what was written (its checksum differs)")
    values = state.get("config", state.get("settings"))
    if values is None:
        return weights
    settings = {key: as_lists(checked_value(beside, key, value)) for key, value in values.items()
                if key in KEYS and KEYS[key].bound_to_weights}
    stated = state.get("classes")
    classes = tuple(map(str, stated)) if isinstance(stated, list) else ()
    weights = weights._replace(settings={**weights.settings, **settings}, classes=classes)
    if "config" in state and not settings.get("symbol") and settings.get("network.model") in composed_models():
        return weights._replace(model=settings["network.model"], content=DETECTOR)
    return weights


def _state(path: Path) -> Dict[str, Any]:
    """What the JSON file beside weights says; nothing where it is damaged."""
    try:
        state = parse_json(read_regular(path).decode("utf-8"))
        if isinstance(state, dict) and isinstance(state.get("config", state.get("settings", {})), dict):
            return state
        reason: Any = "it does not describe weights"
    except (ValueError, OSError) as error:
        reason = error
    _LOGGER.warning("%s does not count, so that the keys and classes of the weights beside it are not known: %s", path,
                    reason)
    return {}


def take_pretrained(cfg: CfgNode, shapes: Mapping[str, Sequence[int]], backbone: Collection[str],
                    classes: Sequence[str] = (),
                    allow_partial: bool = False) -> Tuple[Dict[str, np.ndarray], PretrainedReport]:
    """Reads the arrays with which a network starts from the file that `network.pretrained` names.

    The file must hold the backbone. If it holds a whole detector, its other layers are taken, too, where their shapes
    fit. Where it is known that the detector has other classes, the layer of the classes is not taken, nor that of the
    boxes where each class has its own. Where its classes are not known, these layers are taken, and the report says so.

    Args:
        cfg: the section `network` is read.
        shapes: shapes of the network's parameters by name.
        backbone: names of the parameters that belong to the backbone.
        classes: names of the network's classes, background not among them.
        allow_partial: accept a file that lacks a part of the backbone.

    Returns:
        The arrays by name, and the report.

    Raises:
        CheckpointError: there is no such file, what is taken holds NaN or infinity, or, without `allow_partial`, it
            does not hold the whole backbone, or a deeper one.
    """
    path = pretrained_file(cfg)
    weights = with_names_of(read_pretrained(path), shapes)
    fitting = {name for name, shape in shapes.items()
               if name in weights.arrays and shapes_agree(shape, weights.arrays[name].shape)}
    # A layer behind the backbone is taken as a whole: a bias is of no use without its weight.
    useless = {*_layers_of_classes(cfg, weights, classes),
               *(layer_of(name) for name in shapes if name not in fitting and name not in backbone)}
    taken = {name: weights.arrays[name] for name in shapes if name in fitting and layer_of(name) not in useless}
    problems = [f"missing in the file: {name} {tuple(shapes[name])}" if name not in weights.arrays else
                f"other shape: {name} is {weights.arrays[name].shape} in the file, {tuple(shapes[name])} in the network"
                for name in shapes if name in backbone and name not in taken]
    if problems and not allow_partial:
        where = f"symbol {cfg.symbol}" if cfg.symbol else f"network.model {cfg.network.model}"
        raise CheckpointError(f"{path} ({weights.title()}) does not hold the backbone of {where}:"
                              f"{listed(problems, MOST)}{'' if cfg.symbol else _remedy(weights)}")
    if not allow_partial:
        check_depth(path, weights, _backbone(cfg))
    check_finite(path, taken)
    lines = [f"weights from {path} ({weights.title()}):", *_table(weights.arrays, shapes, set(backbone), taken),
             *_differences(cfg, weights), *_unknown_classes(cfg, weights, classes, taken), *weights.notes]
    return taken, PretrainedReport(problems, "\n".join(lines))


def check_depth(path: str, weights: Weights, wanted: str) -> None:
    """Checks that weights are not those of a deeper network, which has all layers of a backbone and others between.

    Args:
        path: of the file, for the message.
        weights: by the names of the network that takes them.
        wanted: name of the backbone. All of its layers count, also those that `network.OUTPUTS` leaves out.

    Raises:
        CheckpointError: they are.
    """
    found = recognised_backbone(weights.arrays)
    if found and wanted in BACKBONES.entries and set(parameter_names(wanted)) < set(parameter_names(found)):
        raise CheckpointError(f"{path} ({weights.title()}) holds the backbone {found}, a deeper network than {wanted}, "
                              f"which would take only some of its layers: take a model on {found}, such as "
                              f"light_head_rcnn_{found}_coco, or weights of {wanted}")


def check_finite(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises CheckpointError where arrays hold NaN or infinity; it names the first of them."""
    broken = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if broken:
        raise CheckpointError(f"{path}: {len(broken)} of {len(arrays)} arrays hold NaN or infinity, so that the file "
                              f"is damaged, or its training has failed:{listed(broken)}")


def _remedy(weights: Weights) -> str:
    """Says which model takes weights that do not fit the one of the configuration."""
    if not weights.model:
        return ""
    model = weights.model if weights.content == DETECTOR else f"light_head_rcnn_{weights.model}_coco"
    return (f"\nFor these weights set network.model={model}, or another detector on that backbone, and "
            "network.OUTPUTS=[] where the configuration names stages")


def holds_whole(weights: Weights, shapes: Mapping[str, Sequence[int]]) -> bool:
    """Returns whether weights have all parameters of a network, with their shapes."""
    return all(name in weights.arrays and shapes_agree(shape, weights.arrays[name].shape)
               for name, shape in shapes.items())


def _advice(cfg: CfgNode, wanted: str) -> str:
    backbone = _backbone(cfg)
    sources = published_sources(backbone)
    scratch = "To train from random weights: network.pretrained= network.NORM=batch network.FIXED_PARAMS=[]"
    if not sources:
        return ("Name a file of weights by network.pretrained=FILE; docs/weights.md says which are understood and "
                f"where they are published. lhrcnn pretrain trains a backbone on images by class.\n{scratch}")
    return (f"ImageNet weights of {backbone} are published; get one of:\n  " + "\n  ".join(sources)
            + "\nThen name the file, network.pretrained=FILE, or convert it once:\n"
            f"  lhrcnn convert FILE --to {wanted}\nThe page docs/weights.md has all of this. {scratch}")


def _backbone(cfg: CfgNode) -> str:
    """Name of the backbone of the model or of the graph; empty where it is not known."""
    parts = composed_models().get(cfg.network.model)
    return _BACKBONES_OF_SYMBOLS.get(cfg.symbol, "") if cfg.symbol else parts.backbone if parts else ""


def _layers_of_classes(cfg: CfgNode, weights: Weights, classes: Sequence[str]) -> Tuple[str, ...]:
    """The layers that are of no use, since they are for other classes."""
    is_known = bool(weights.classes and classes)
    return _output_layers(cfg) if is_known and tuple(classes) != tuple(weights.classes) else ()


def _output_layers(cfg: CfgNode) -> Tuple[str, ...]:
    return _CLASS_LAYERS if cfg.CLASS_AGNOSTIC else _CLASS_LAYERS + _BOX_LAYERS


def _unknown_classes(cfg: CfgNode, weights: Weights, classes: Sequence[str], taken: Collection[str]) -> List[str]:
    """A line on layers that are taken although it is not known for which classes they are."""
    layers = [layer for layer in _output_layers(cfg) if f"{layer}_weight" in taken]
    if weights.classes or not classes or not layers:
        return []
    return [f"warning: the file does not say its classes, which are as many: {' and '.join(layers)} "
            f"{'is' if len(layers) == 1 else 'are'} taken as if for the same. If they are others, name them under "
            "\"classes\" in the JSON file that lhrcnn convert writes with such weights: then the network learns these "
            "layers anew."]


def _table(saved: Mapping[str, np.ndarray], shapes: Mapping[str, Sequence[int]], backbone: Collection[str],
           taken: Collection[str]) -> List[str]:
    """Three rows: taken, new, left over."""
    others = list(dict.fromkeys(layer_of(name) for name in shapes if name not in backbone))
    whole = [layer for layer in others if all(name in taken for name in shapes if layer_of(name) == layer)]
    new = [layer for layer in others if layer not in whole]
    lacking = len(backbone) - sum(name in taken for name in backbone)
    left: Dict[str, str] = {}
    for name in saved:
        if name not in taken:
            left.setdefault(layer_of(name), "" if name not in shapes else " (for other classes, or of another shape)")
    rows = [("taken", [f"{len(backbone) - lacking} of {len(backbone)} arrays of the backbone", *whole]),
            ("new", ([f"{lacking} arrays of the backbone"] if lacking else []) + new),
            ("left over", [layer + why for layer, why in left.items()])]
    return [f"  {title:<10} {_shortened(words) or 'nothing'}" for title, words in rows]


def _shortened(words: Sequence[str], most: int = 12) -> str:
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def _differences(cfg: CfgNode, weights: Weights) -> List[str]:
    """Lines on the keys of the configuration that have other values than those with which the weights were trained."""
    now = saved_config(cfg)
    lines = [f"  {key}: {value} there, {now[key]} here" for key, value in all_settings(weights).items()
             if KEYS[key].bound_to_weights and key not in ("network.model", "symbol") and value != now[key]]
    return ["warning: keys on which the use of these weights depends had other values in their training:",
            *lines] if lines else []


def all_settings(weights: Weights) -> Dict[str, Any]:
    """Returns the values of keys of the configuration that weights want, those of the pixels among them."""
    pixels = {} if weights.pixels is None else pixel_keys(weights.pixels.means, weights.pixels.stds)
    return {**pixels, **weights.settings}


def whole_detector(cfg: CfgNode) -> Optional[Weights]:
    """Returns the weights of `network.pretrained` where they are those of a whole detector, else None."""
    if not cfg.network.pretrained:
        return None
    weights = read_pretrained(pretrained_file(cfg))
    return weights if weights.content == DETECTOR else None
