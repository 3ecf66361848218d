"""Writes weights from elsewhere as files of this package: parameters, what is known about them, and a configuration."""
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import mxnet as mx

from ...data.class_names import COCO_CLASSES, VOC_CLASSES
from ...errors import CheckpointError, ModelError, UsageError
from ...gluon_models import needs_proposals
from ...gluon_models.registry import BACKBONES, composed_models
from ...gluon_models.weights import DETECTOR, Weights, with_channels_reversed, with_names_of
from ...gluon_models.weights.description import layer_of, listed, shapes_agree
from ..checkpoints.arrays import write_arrays
from ..checkpoints.parameters import own_parameters, role
from ..config import load_config, pixel_keys, saved_config, values_text
from ..files import atomic_write, write_json
from .network import build_net
from .pretrained import MOST, all_settings, check_depth, check_finite, read_pretrained

_FORMAT = 1  # of the JSON files of checkpoints
# The detector that the configuration beside the weights of a backbone trains.
_DETECTOR = "light_head_rcnn"
_OTHER_ANCHORS = ("\nIts RPN has another number of anchors: name the backbone alone, as in --model resnet101_v1, or "
                  "write a configuration with its network.ANCHOR_SCALES and network.ANCHOR_RATIOS and name the file "
                  "as network.pretrained, of which all that fits is taken")
# The keys that weights of a backbone want; those of other layers are left to the detector's defaults.
_OF_BACKBONES = ("network.STRIDE_IN_1X1", "network.PADDED_POOL", *pixel_keys((), ()))
# What the bundled configurations of Fast R-CNN have.
_ON_GIVEN_PROPOSALS = {"dataset.proposal": "file", "TRAIN.ENABLE_OHEM": False, "TRAIN.BATCH_ROIS": 64}
_ITS_PROPOSALS = ("It classifies proposals from outside: find them with lhrcnn proposals, and name their files, "
                  "dataset.proposal_files=FILE,FILE.")


class Conversion(NamedTuple):
    """What was written.

    Attributes:
        files: paths of the parameters, of the JSON file and of the configuration.
        is_detector: whether it is a whole detector, else a backbone.
        text: what the file was, and what of it was taken and left over.
        on_proposals: whether the detector classifies proposals from outside, whose files have to be named.
    """

    files: Tuple[str, str, str]
    is_detector: bool
    text: str
    on_proposals: bool


class _Target(NamedTuple):
    """What the weights shall fit: shapes by name, values of keys of the configuration, and whether it is a detector."""

    shapes: Mapping[str, Optional[Sequence[int]]]
    settings: Dict[str, Any]
    is_detector: bool
    classes: Tuple[str, ...]


def convert(source: str, target: str, model: Optional[str] = None, bgr: Optional[bool] = None) -> Conversion:
    """Converts weights of any format that is understood, see `gluon_models.weights.read_weights`.

    Three files are written: the parameters, TARGET.params; TARGET.json, which says what they are, so that a whole
    detector is a checkpoint; and TARGET.yaml, a configuration that tests the detector, or trains one that starts with
    the backbone.

    Args:
        source: the file, or a name of `NAMED_SOURCES`.
        target: path of the parameter file, with or without ".params".
        model: name of the backbone or of the detector that shall take the weights; None finds it out.
        bgr: whether the network was trained to read blue, green, red, for which its first convolution is turned round,
            or red, green, blue; None leaves it to what is known of the file.

    Raises:
        CheckpointError: the file cannot be read, or does not have all parameters of the model, or those of a deeper
            one, or they hold NaN.
        ModelError: an unknown model.
        UsageError: the target is a folder, or the source itself.
    """
    base = target[:-len(".params")] if target.endswith(".params") else target
    files = base + ".params", base + ".json", base + ".yaml"
    _check_target(source, target, files)
    weights = read_pretrained(source)
    name = model or weights.model
    if not name:
        raise CheckpointError(f"{source} holds arrays of no network that is known here; its first names: "
                              + ", ".join(list(weights.arrays)[:3]) + ". Name the model that they belong to: "
                              "--model NAME")
    goal = _target(source, name, weights)
    weights = with_names_of(weights, goal.shapes)
    _check(source, name, weights, goal.shapes)
    check_depth(source, weights, composed_models()[goal.settings["network.model"]].backbone)
    check_finite(source, {own: weights.arrays[own] for own in goal.shapes})
    if bgr is not None and bgr != weights.turned:
        weights = with_channels_reversed(weights)
    on_proposals = needs_proposals(goal.settings["network.model"])
    if on_proposals:
        weights = weights._replace(notes=(*weights.notes, _ITS_PROPOSALS))
    if goal.is_detector and not weights.classes:
        weights = weights._replace(notes=(*weights.notes, _on_unknown_classes(goal.classes, files[1])))
    # What is converted becomes a Gluon model, even where a symbolic graph was trained.
    settings = {**{key: value for key, value in all_settings(weights).items()
                   if key != "symbol" and (goal.is_detector or key in _OF_BACKBONES)}, **goal.settings}
    configuration = _configuration(files, source, weights, settings, goal.is_detector)
    write_arrays(files[0], {role(own) + own: mx.nd.array(weights.arrays[own]) for own in goal.shapes})
    _write_state(files, weights, settings, goal)
    with atomic_write(files[2]) as temporary:
        Path(temporary).write_text(configuration, encoding="utf-8")
    left = list(dict.fromkeys(layer_of(own) for own in weights.arrays if own not in goal.shapes))
    lines = [f"{source}: {weights.title()}", f"  {'taken':<10} {len(goal.shapes)} arrays of {name}",
             f"  {'left over':<10} {', '.join(left[:12]) or 'nothing'}"
             + (f" and {len(left) - 12} more" if len(left) > 12 else ""), *weights.notes]
    return Conversion(files, goal.is_detector, "\n".join(lines), on_proposals)


def _check_target(source: str, target: str, files: Tuple[str, str, str]) -> None:
    parameters, state, _ = files
    if os.path.isdir(target) or os.path.basename(target) in ("", ".params"):
        folder = target if os.path.isdir(target) else os.path.dirname(target)
        raise UsageError(f"{target!r} names no file: name the parameter file to write, such as "
                         + os.path.join(folder, "NAME.params"))
    if os.path.exists(source) and os.path.realpath(source) == os.path.realpath(parameters):
        raise UsageError(f"{parameters} is the file that is to be converted: name another to write")
    there = [file for file in files if os.path.lexists(file)]
    if there and not _is_of_a_conversion(state):
        raise UsageError(f"{there[0]} is there, and no earlier conversion wrote it: name another file to write")


def _is_of_a_conversion(state: str) -> bool:
    """Whether this JSON file lies beside converted weights; that of a training says not where its weights are from."""
    try:
        return "from" in json.loads(Path(state).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def _target(source: str, name: str, weights: Weights) -> _Target:
    detector = f"{_DETECTOR}_{name}_coco" if name in BACKBONES.entries else name
    if detector not in composed_models():
        raise ModelError(f"unknown model {name!r}; known backbones: {', '.join(BACKBONES.names())}; and the detectors "
                         "that light_head_rcnn.model_names() lists")
    settings: Dict[str, Any] = {"network.model": detector}
    if needs_proposals(detector):
        settings.update(_ON_GIVEN_PROPOSALS)
    scores_of, boxes_of = ("rfcn_cls", "rfcn_bbox") if "rfcn_cls_bias" in weights.arrays else ("cls_score", "bbox_pred")
    has_classes = all(f"{layer}_bias" in weights.arrays for layer in (scores_of, boxes_of))
    if name not in BACKBONES.entries and has_classes != (weights.content == DETECTOR):
        raise CheckpointError(f"{source} ({weights.title()}) "
                              + (f"is not known to be all of {name}, although it has {scores_of} and {boxes_of}, the "
                                 "output layers of a detector: put the JSON file of its training beside it"
                                 if has_classes else f"lacks {scores_of}_bias or {boxes_of}_bias")
                              + f"; or name the backbone alone: --model {composed_models()[detector].backbone}")
    if weights.content != DETECTOR or name in BACKBONES.entries:
        settings.update(_stages(weights, composed_models()[detector].backbone))
        net = build_net(load_config(None, settings), ("object",)).backbone
        shapes = {own: parameter.shape for own, parameter in own_parameters(net).items()}
        # Fast R-CNN starts with the hidden layers of the classifier, too.
        shapes.update({own: array.shape for own, array in weights.arrays.items()
                       if layer_of(own) in getattr(net, "hidden_names", ())})
        return _Target(shapes, settings, False, ())
    bins = 49 if scores_of == "rfcn_cls" else 1
    scores, boxes = (len(weights.arrays[f"{layer}_bias"]) // bins for layer in (scores_of, boxes_of))
    settings["CLASS_AGNOSTIC"] = weights.settings.get("CLASS_AGNOSTIC", boxes == 8 and scores != 2)
    cfg = load_config(None, {**{key: value for key, value in weights.settings.items() if key != "symbol"}, **settings})
    classes = weights.classes or next((names for names in (COCO_CLASSES, VOC_CLASSES) if len(names) == scores - 1), ())
    net = build_net(cfg, [str(number) for number in range(scores - 1)])
    return _Target({own: parameter.shape for own, parameter in own_parameters(net).items()}, settings, True,
                   tuple(classes))


def _on_unknown_classes(classes: Sequence[str], state: str) -> str:
    """What a user should know where a file does not say its classes."""
    taken = (f"they are as many as {'COCO' if tuple(classes) == tuple(COCO_CLASSES) else 'VOC'} has, and are taken for "
             "those" if classes else "a network of as many takes the output layers as if for the same")
    return f"The file does not say its classes: {taken}. If they are others, name them under \"classes\" in {state}."


def _stages(weights: Weights, backbone: str) -> Dict[str, Any]:
    """`network.OUTPUTS` of weights of this backbone, which may end with the stages that it names."""
    stages, parts = weights.settings.get("network.OUTPUTS"), composed_models().get(weights.model)
    known = parts.backbone if parts else weights.model
    return {"network.OUTPUTS": stages} if stages and known in ("", backbone) else {}


def _check(source: str, name: str, weights: Weights, shapes: Mapping[str, Optional[Sequence[int]]]) -> None:
    """Raises CheckpointError where weights do not have all parameters of a model."""
    problems: List[str] = []
    for own, shape in shapes.items():
        if own not in weights.arrays:
            problems.append(f"missing in the file: {own} {shape}")
        elif not shapes_agree(shape, weights.arrays[own].shape):
            problems.append(f"other shape: {own} is {weights.arrays[own].shape} in the file, {shape} in the network")
    if problems:
        raise CheckpointError(f"{source} ({weights.title()}) does not fit {name}:{listed(problems, MOST)}"
                              + (_OTHER_ANCHORS if all(": rpn_" in line for line in problems) else ""))


def _write_state(files: Tuple[str, str, str], weights: Weights, settings: Mapping[str, Any], goal: _Target) -> None:
    """Writes the JSON file: of a detector that of a checkpoint, of a backbone the keys of the configuration alone."""
    state: Dict[str, Any] = {"format": _FORMAT, "epoch": 0, "step": 0, "classes": list(goal.classes),
                             "from": weights.format, "sizes": {".params": Path(files[0]).stat().st_size}}
    if goal.is_detector:
        state["config"] = saved_config(load_config(None, settings))
    else:
        state["settings"] = {key: settings[key] for key in (*_OF_BACKBONES, "network.OUTPUTS") if key in settings}
    write_json(files[1], state)


def _configuration(files: Tuple[str, str, str], source: str, weights: Weights, settings: Mapping[str, Any],
                   is_detector: bool) -> str:
    """The text of the configuration; ConfigError for values that it cannot have."""
    name, path = Path(files[0]).stem, Path(files[0]).resolve()
    use = (f"lhrcnn test --cfg {files[2]} dataset.dataset_path=DATA\nlhrcnn train --cfg {files[2]} "
           "dataset.dataset_path=DATA" if is_detector else f"lhrcnn train --cfg {files[2]} dataset.dataset_path=DATA")
    comment = "\n".join([f"{source} ({weights.title()}), converted.", use, *weights.notes])
    values = {"output_path": f"./output/{name}", **settings, "network.pretrained": str(path),
              "TRAIN.model_prefix": name}
    load_config(None, values)
    return values_text(values, comment)
