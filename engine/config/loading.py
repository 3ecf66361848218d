"""Configuration: defaults, a YAML file that may inherit from another, KEY VALUE overrides, all checked key by key."""
import difflib
from pathlib import Path

import yaml
from yacs.config import CfgNode

from ...errors import ConfigError
from .kinds import check_bounds, coerce, numbers_of
from .keys import DEFAULTS, FREE_ON_RESUME, KINDS

_BASE = "_BASE_"
_VOC_NAMES = ("voc", "pascalvoc")
# As the port's files write them.
PYRAMID_STRIDES = (4, 8, 16, 32, 64)


def load_config(path, overrides=()):
    """Reads a configuration.

    Parameters
    ----------
    path : str or Path
        YAML file. Its entry `_BASE_: other.yaml`, relative to the file, names one to inherit from. The port's own files
        load unchanged.
    overrides : sequence of [KEY, VALUE, KEY, VALUE, ...]
        Set last, e.g. `["TRAIN.lr", "0.01", "gpus", "0,1"]`. Texts are read as YAML reads them; sequences may be
        written `[a, b]`, `(a, b)` or `a,b`.

    Returns
    -------
    yacs.config.CfgNode
        Frozen, with every key of `defaults.DEFAULTS`; all sequences are tuples. `network.NUM_ANCHORS` is counted, and
        `dataset.NUM_CLASSES` too where the classes are named.

    Raises
    ------
    ConfigError
        File missing or unreadable, unknown key (with the nearest known one), wrong type or value.
    """
    values = _flatten(DEFAULTS)
    values.update(file_values(path))
    if isinstance(overrides, str) or len(overrides) % 2:
        raise ConfigError(f"overrides must be pairs KEY VALUE, got {overrides!r}")
    values.update(text_values(overrides))
    _complete(path, values)
    cfg = CfgNode(_unflatten(values))
    cfg.freeze()
    return cfg


def file_values(path):
    """What a YAML file and those that it inherits from set, checked: dict by key, e.g. {"TRAIN.lr": 0.01}."""
    return {key: _checked(source, key, value) for source, entries in _read_chain(Path(path))
            for key, value in entries.items()}


def text_values(overrides):
    """[KEY, VALUE, KEY, VALUE, ...] as the command line gives them, checked: dict by key."""
    return {key: _checked("override", key, value, from_text=True)
            for key, value in zip(overrides[::2], overrides[1::2])}


def overlay_text(base, values):
    """The text of a YAML file that inherits from the file `base` and sets `values`, a dict by key."""
    tree = _unflatten({key: _as_lists(value) for key, value in values.items()})
    return yaml.safe_dump(dict({_BASE: str(Path(base).resolve())}, **tree), sort_keys=False, width=120)


def with_values(cfg, values):
    """A copy of a configuration with other values.

    Args:
        values: dict by key, e.g. {"TRAIN.lr": 0.01}; known keys, values of the right kind, not checked again.
    """
    copy = cfg.clone()
    copy.defrost()
    for key, value in values.items():
        *sections, name = key.split(".")
        node = copy
        for section in sections:
            node = node[section]
        node[name] = value
    copy.freeze()
    return copy


def reject_unimplemented(cfg):
    """Raises ConfigError where a key has a value that the port knows and this project does not carry out yet."""
    for key, (allowed, hint) in _IMPLEMENTED.items():
        value = cfg
        for name in key.split("."):
            value = value[name]
        if not allowed(value):
            raise ConfigError(f"{key} is {value!r}: {hint}")
    stride = cfg.network.RPN_FEAT_STRIDE
    has_levels = "_fpn_" in cfg.network.model and not cfg.symbol
    if stride not in (16, (16,)) and not (has_levels and stride == PYRAMID_STRIDES):
        raise ConfigError("network.RPN_FEAT_STRIDE is {!r}: only 16 is implemented, and {} of the models named "
                          "light_head_rcnn_fpn_...".format(stride, list(PYRAMID_STRIDES)))


def lr_steps(cfg):
    """Epochs, not whole ones necessarily, at which the learning rate is multiplied by `TRAIN.lr_factor`."""
    return numbers_of(cfg.TRAIN.lr_step)


def gpu_ids(cfg):
    """Ids of the devices of `gpus`, a tuple of ints."""
    return tuple(int(number) for number in numbers_of(cfg.gpus))


def train_scales(cfg):
    """Pairs (shorter edge, bound on the longer edge) in pixels, one of which is drawn for each training batch."""
    return cfg.TRAIN.SCALES or _scales(cfg)


def test_scales(cfg):
    """Pairs (shorter edge, bound on the longer edge) in pixels at which images are tested."""
    return cfg.TEST.SCALES or cfg.TEST_SCALES or _scales(cfg)[:1]


def pixel_means(cfg):
    """Means to subtract, in the network's order red, green, blue: the port's files write blue, green, red."""
    return cfg.network.PIXEL_MEANS[::-1]


def pixel_stds(cfg):
    """Standard deviations to divide by, in the network's order red, green, blue."""
    return cfg.network.PIXEL_STDS[::-1]


def dataset_kind(cfg):
    """The data set's kind as `data.load_dataset` knows it: the port's "PascalVOC" is "voc"; case does not matter."""
    kind = cfg.dataset.dataset.lower()
    return "voc" if kind in _VOC_NAMES else kind


def checkpoint_prefix(cfg):
    """Path that the names of a run's checkpoints start with."""
    return str(Path(cfg.output_path) / cfg.TRAIN.model_prefix)


def training_keys(cfg):
    """The keys on which the sequence of losses depends, as a flat dict that JSON can hold."""
    def free(key):
        return any(key == name or key.startswith(name + ".") for name in FREE_ON_RESUME)

    return {key: _as_lists(value) for key, value in sorted(_flatten(cfg).items()) if not free(key)}


def changed_keys(saved, cfg):
    """What differs between `training_keys` of a checkpoint and of `cfg`, one line of text a key."""
    now = training_keys(cfg)
    return [f"{key}: {saved.get(key)!r} in the checkpoint, {now.get(key)!r} now"
            for key in sorted(set(saved) | set(now)) if saved.get(key) != now.get(key)]


def _read_chain(path):
    """[(file, {flat key: value})] of a file and those it inherits from, the most basic first."""
    chain, seen = [], []
    while True:
        if path.resolve() in seen:
            raise ConfigError(f"{path}: {_BASE} leads back to a file that inherits from it")
        seen.append(path.resolve())
        tree = _read_yaml(path)
        base = tree.pop(_BASE, None)
        chain.insert(0, (path, _flatten(tree, path)))
        if base is None:
            return chain
        if not isinstance(base, str):
            raise ConfigError(f"{path}: {_BASE} must name one YAML file, got {base!r}")
        path = path.parent / base


def _read_yaml(path):
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"configuration file {path} does not exist") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} must hold KEY: VALUE entries, got {type(tree).__name__}")
    return tree


def _flatten(tree, source=None, parents=()):
    """{"TRAIN.lr": value} of nested dicts. With `source`, every key must be a known one."""
    flat = {}
    for name, value in tree.items():
        key = ".".join(parents + (str(name),))
        if source is not None and (key in _SECTIONS) != isinstance(value, dict):
            if key in _SECTIONS:
                raise ConfigError(f"{source}: {key} is a section and takes entries, got {value!r}")
            _reject_unknown(source, key)
            raise ConfigError(f"{source}: {key} takes a value, not a section")
        if isinstance(value, dict):
            flat.update(_flatten(value, source, parents + (str(name),)))
        else:
            flat[key] = value
    return flat


def _unflatten(flat):
    tree = {}
    for key, value in flat.items():
        *sections, name = key.split(".")
        node = tree
        for section in sections:
            node = node.setdefault(section, {})
        node[name] = value
    return tree


def _sections(tree, parents=()):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield ".".join(parents + (name,))
            yield from _sections(value, parents + (name,))


_KNOWN = _flatten(DEFAULTS)
_SECTIONS = frozenset(_sections(DEFAULTS))


def _reject_unknown(source, key):
    if key in _KNOWN:
        return
    section, _, leaf = key.lower().rpartition(".")

    def likeness(known):
        known_section, _, known_leaf = known.lower().rpartition(".")
        return difflib.SequenceMatcher(None, known_leaf, leaf).ratio() + 0.1 * (known_section == section)

    nearest = max(list(_KNOWN) + sorted(_SECTIONS), key=likeness)
    hint = f"; did you mean {nearest}?" if likeness(nearest) > 0.6 else ""
    raise ConfigError(f"{source}: unknown key {key}{hint}")


def _checked(source, key, value, from_text=False):
    """`value` as the type that `key` has, or a ConfigError."""
    if key in _SECTIONS:
        raise ConfigError("{}: {} is a section; set its entries, such as {}".format(
            source, key, next(known for known in _KNOWN if known.startswith(key + "."))))
    _reject_unknown(source, key)
    kind, argument = KINDS.get(key, (type(_KNOWN[key]).__name__, None))
    try:
        return check_bounds(key, coerce(value, kind, argument, from_text))
    except ValueError as error:
        raise ConfigError(f"{source}: {key} must be {error}, got {value!r}") from None


def _complete(path, values):
    """Counts what can be counted and checks values that must agree with others."""
    anchors = len(values["network.ANCHOR_RATIOS"]) * len(values["network.ANCHOR_SCALES"])
    if values["network.NUM_ANCHORS"] not in (0, anchors):
        raise ConfigError("{}: network.NUM_ANCHORS is {}, but ANCHOR_RATIOS times ANCHOR_SCALES is {}".format(
            path, values["network.NUM_ANCHORS"], anchors))
    values["network.NUM_ANCHORS"] = anchors
    classes = values["dataset.classes"]
    if len(set(classes)) != len(classes):
        raise ConfigError("{}: dataset.classes holds a name twice: {}".format(path, ", ".join(classes)))
    if classes and values["dataset.NUM_CLASSES"] not in (0, len(classes) + 1):
        raise ConfigError("{}: dataset.NUM_CLASSES is {}, but dataset.classes names {}, which makes {} with background"
                          .format(path, values["dataset.NUM_CLASSES"], len(classes), len(classes) + 1))
    if classes:
        values["dataset.NUM_CLASSES"] = len(classes) + 1
    rois, proposals = values["TRAIN.BATCH_ROIS"], values["TRAIN.RPN_POST_NMS_TOP_N"]
    ohem = values["TRAIN.ENABLE_OHEM"]
    if not 1 <= rois <= proposals and not (ohem and rois == -1):
        raise ConfigError("{}: TRAIN.BATCH_ROIS must be from 1 to TRAIN.RPN_POST_NMS_TOP_N, which is {}, {}, got {}"
                          .format(path, proposals, "or -1" if ohem else "where TRAIN.ENABLE_OHEM is false", rois))


def _scales(cfg):
    return (cfg.SCALES,) if isinstance(cfg.SCALES[0], int) else cfg.SCALES


def _only(wanted):
    return lambda value: value == wanted, f"only {wanted!r} is implemented"


def _all_ones(value):
    return set(value) == {1.0}


# key -> (whether a value is implemented, what to say where it is not)
_IMPLEMENTED = {
    "network.RCNN_FEAT_STRIDE": _only(16),
    "dataset.proposal": _only("rpn"),
    "TRAIN.RPN_POSITIVE_WEIGHT": _only(-1.0),
    "TRAIN.BBOX_WEIGHTS": (_all_ones, "only 1.0 four times is implemented"),
    "TRAIN.RPN_BBOX_WEIGHTS": (_all_ones, "only 1.0 four times is implemented"),
    "TRAIN.BBOX_NORMALIZATION_PRECOMPUTED": _only(True),
    "TEST.HAS_RPN": _only(True),
}


def _as_lists(value):
    return [_as_lists(item) for item in value] if isinstance(value, tuple) else value
