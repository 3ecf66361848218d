"""Checks of configuration values against the table of keys. Messages name the file, or the override, and the key."""
import difflib
import logging
from typing import Any, Dict, Iterable, Mapping, Set

from ...data.files.plain_names import plain_name
from ...errors import ConfigError
from .keys import KEYS, SECTIONS

LOGGER = logging.getLogger("light_head_rcnn")
# The strides of a feature pyramid, as the files of the MXNet original write them.
PYRAMID_STRIDES = (4, 8, 16, 32, 64)
_warned: Set[str] = set()


def flatten_known(source: Any, tree: Mapping[str, Any], section: str = "") -> Dict[str, Any]:
    """Returns the values of nested dicts by key, as `tree.flatten` does, and refuses keys that are not known.

    Args:
        source: file, or other origin, that errors name.
        tree: names to values and to dicts.
        section: section that the names belong to, with a dot behind it.

    Raises:
        ConfigError: an unknown key, a value in the place of a section, or the other way round.
    """
    flat: Dict[str, Any] = {}
    for name, value in tree.items():
        key = f"{section}{name}"
        if key in SECTIONS:
            if not isinstance(value, Mapping):
                raise ConfigError(f"{source}: {key} is a section and takes entries, got {value!r}")
            flat.update(flatten_known(source, value, f"{key}."))
            continue
        reject_unknown(source, key)
        if isinstance(value, Mapping) and not KEYS[key].kind.takes_mapping:
            raise ConfigError(f"{source}: {key} takes a value, not a section")
        flat[key] = value
    return flat


def reject_unknown(source: Any, key: str) -> None:
    """Raises ConfigError for a key that the table does not have; the message names the most similar one."""
    if key in KEYS:
        return
    if key in SECTIONS:
        example = next(known for known in KEYS if known.startswith(f"{key}."))
        raise ConfigError(f"{source}: {key} is a section; set its entries, such as {example}")
    section, _, leaf = key.lower().rpartition(".")

    def similarity(known: str) -> float:
        known_section, _, known_leaf = known.lower().rpartition(".")
        return difflib.SequenceMatcher(None, known_leaf, leaf).ratio() + 0.1 * (known_section == section)

    nearest = max([*KEYS, *sorted(SECTIONS)], key=similarity)
    hint = f"; did you mean {nearest}?" if similarity(nearest) > 0.6 else ""
    raise ConfigError(f"{source}: unknown key {key}{hint}")


def checked_value(source: Any, key: str, value: Any, from_text: bool = False) -> Any:
    """Returns the value of a key as the configuration holds it.

    Args:
        source: file, or other origin, that errors name.
        key: such as "TRAIN.lr".
        value: from a YAML file, from Python, or from the command line.
        from_text: whether a text must first be read as YAML.

    Raises:
        ConfigError: unknown key, or a value of another kind or out of bounds.
    """
    reject_unknown(source, key)
    try:
        return KEYS[key].coerce(value, from_text)
    except ValueError as error:
        raise ConfigError(f"{source}: {key} must be {error}, got {value!r}") from None


def without_counts(values: Mapping[str, Any]) -> Dict[str, Any]:
    """Undoes `complete`: sets the numbers of anchors and classes to 0 where they are what `complete` would count."""
    values = dict(values)
    if values.get("network.NUM_ANCHORS") == _count_anchors(values):
        values["network.NUM_ANCHORS"] = 0
    if values.get("dataset.classes") and values.get("dataset.NUM_CLASSES") == len(values["dataset.classes"]) + 1:
        values["dataset.NUM_CLASSES"] = 0
    return values


def _count_anchors(values: Mapping[str, Any]) -> int:
    ratios, scales = (values.get(key, KEYS[key].default) for key in ("network.ANCHOR_RATIOS", "network.ANCHOR_SCALES"))
    return len(ratios) * len(scales)


def complete(source: Any, values: Dict[str, Any]) -> Iterable[str]:
    """Counts anchors and classes, in place, and checks values that must agree with each other.

    Args:
        source: file, or other origin, that errors name.
        values: all keys and their values, each checked.

    Returns:
        The keys whose values were counted.

    Raises:
        ConfigError: values that contradict each other.
    """
    before = dict(values)
    prefix = values["TRAIN.model_prefix"]
    if not prefix or plain_name(prefix) != prefix:
        raise ConfigError(f"{source}: TRAIN.model_prefix is {prefix!r}, and must be a name without folders")
    anchors = _count_anchors(values)
    if values["network.NUM_ANCHORS"] not in (0, anchors):
        raise ConfigError(f"{source}: network.NUM_ANCHORS is {values['network.NUM_ANCHORS']}, but ANCHOR_RATIOS times "
                          f"ANCHOR_SCALES is {anchors}")
    values["network.NUM_ANCHORS"] = anchors
    classes = values["dataset.classes"]
    if len(set(classes)) != len(classes):
        raise ConfigError(f"{source}: dataset.classes holds a name twice: {', '.join(classes)}")
    if classes and values["dataset.NUM_CLASSES"] not in (0, len(classes) + 1):
        raise ConfigError(f"{source}: dataset.NUM_CLASSES is {values['dataset.NUM_CLASSES']}, but dataset.classes "
                          f"names {len(classes)}, which makes {len(classes) + 1} with background")
    if classes:
        values["dataset.NUM_CLASSES"] = len(classes) + 1
    _check_rois(source, values)
    return [key for key, value in values.items() if value != before[key]]


def _check_rois(source: Any, values: Mapping[str, Any]) -> None:
    """Raises ConfigError where the keys on proposals and on the RoIs drawn among them contradict each other."""
    given = values["dataset.proposal"] == "file"
    if given and values["symbol"]:
        raise ConfigError(f"{source}: symbol is {values['symbol']}, but symbolic graphs find their proposals "
                          "themselves: dataset.proposal must be rpn")
    rois, proposals, ohem = (values[f"TRAIN.{name}"] for name in ("BATCH_ROIS", "RPN_POST_NMS_TOP_N", "ENABLE_OHEM"))
    if given and (ohem or rois < 1):
        raise ConfigError(f"{source}: TRAIN.ENABLE_OHEM must be false where dataset.proposal is file, and "
                          f"TRAIN.BATCH_ROIS at least 1, got {str(ohem).lower()} and {rois}")
    if not given and not values["TRAIN.BBOX_NORMALIZATION_PRECOMPUTED"]:
        raise ConfigError(f"{source}: TRAIN.BBOX_NORMALIZATION_PRECOMPUTED must be true where dataset.proposal is rpn: "
                          "there are no proposals before the training from which anything could be computed")
    if not given and not 1 <= rois <= proposals and not (ohem and rois == -1):
        raise ConfigError(f"{source}: TRAIN.BATCH_ROIS must be from 1 to TRAIN.RPN_POST_NMS_TOP_N, which is "
                          f"{proposals}, {'or -1' if ohem else 'where TRAIN.ENABLE_OHEM is false'}, got {rois}")


def reject_unimplemented(source: str, values: Mapping[str, Any]) -> None:
    """Raises ConfigError where a key has a value that the MXNet original knows and this package does not implement.

    Args:
        source: file, or other origin, that errors name.
        values: all keys and their values.
    """
    for key in KEYS.values():
        if not key.implements(values[key.name]):
            allowed = " or ".join(map(repr, key.implemented))
            raise ConfigError(f"{source}: {key.name} is {values[key.name]!r}: only {allowed} is implemented")
    stride, model = values["network.RPN_FEAT_STRIDE"], values["network.model"]
    has_levels = "_fpn_" in model and not values["symbol"]
    if stride not in (16, (16,)) and not (has_levels and stride == PYRAMID_STRIDES):
        raise ConfigError(f"{source}: network.RPN_FEAT_STRIDE is {stride!r}: only 16 is implemented, and "
                          f"{list(PYRAMID_STRIDES)} for the models named light_head_rcnn_fpn_..., where symbol is "
                          f"empty; network.model is {model!r}, symbol is {values['symbol']!r}")


def warn_of_unread(values: Mapping[str, Any]) -> None:
    """Warns, once for each key, where a key that nothing reads has a value other than its default."""
    for key in KEYS.values():
        if key.unread and values[key.name] != key.default and key.name not in _warned:
            _warned.add(key.name)
            LOGGER.warning("%s is %r, but nothing reads this key: %s", key.name, values[key.name], key.meaning)
