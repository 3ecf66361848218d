"""Compares the configuration that a checkpoint holds with the one that continues, tests or exports it."""
import re
from typing import Any, Dict, List, Mapping, Optional, Tuple

from yacs.config import CfgNode

from .checking import LOGGER, checked_value, without_counts
from .keys import KEYS
from .loading import build_config
from .overrides import SOURCE, Overrides, override_values
from .tree import as_lists, flatten

_CHECKPOINT = "the checkpoint's configuration"
# The Gluon models that the symbolic graphs equal: one reads the weights of the other.
_MODELS_OF_SYMBOLS = {"resnet_v1_101_rfcn_light": "light_head_rcnn_resnet101_v1",
                      "resnet_v1_101_rfcn": "rfcn_resnet101_v1",
                      "xception_rfcn_light": "light_head_rcnn_xception"}
_ARCHITECTURE_KEYS = ("symbol", "network.model")
# What each schedule of the learning rate reads that the other does not.
_KEYS_OF_SCHEDULES = {"step": ("TRAIN.lr_step", "TRAIN.lr_factor"), "cosine": ("TRAIN.end_epoch",)}


def saved_config(cfg: CfgNode) -> Dict[str, Any]:
    """Returns all keys with their values as JSON can hold them, for a checkpoint."""
    return {key: as_lists(value) for key, value in sorted(flatten(cfg).items())}


def training_keys(cfg: CfgNode) -> Dict[str, Any]:
    """Returns, of `saved_config`, the keys on which the losses of a training, or the weights that it saves, depend."""
    schedules = dict(_KEYS_OF_SCHEDULES)
    read = schedules.pop(cfg.TRAIN.lr_schedule)
    unread = [key for keys in schedules.values() for key in keys]
    return {key: value for key, value in saved_config(cfg).items()
            if key in read or not KEYS[key].free_on_resume and key not in unread}


def changed_keys(saved: Mapping[str, Any], cfg: CfgNode) -> List[str]:
    """Compares the configuration of a checkpoint with the one that is to continue its training.

    Args:
        saved: from `saved_config`, or from `training_keys` in a checkpoint of an earlier version. A key that it lacks
            was added to the table later, and counts as its default.
        cfg: configuration to go on with.

    Returns:
        A line of text for each difference in a key that is not free on resume; empty where there is none.
    """
    now, saved = training_keys(cfg), _with_defaults(saved)
    return [_difference(key, saved[key], now[key]) for key in now if saved[key] != now[key]]


def weight_conflicts(saved: Optional[Mapping[str, Any]], cfg: CfgNode) -> List[str]:
    """Compares the configuration that weights were trained with to the configuration that is going to use them.

    Only keys that the weights depend on are compared: with other values of these a detector gives wrong answers without
    an error. Sizes, thresholds, data and everything that only training reads may differ.

    Args:
        saved: see `changed_keys`; None or empty where the checkpoint holds no configuration, which conflicts with none.
        cfg: configuration to test, detect or export with.

    Returns:
        A line of text for each difference; empty where there is none.
    """
    if not saved:
        return []
    now, saved = saved_config(cfg), _with_defaults(saved)
    lines = []
    if _architecture(saved) != _architecture(now):
        lines += [_difference(key, saved[key], now[key]) for key in _ARCHITECTURE_KEYS if saved[key] != now[key]]
    return lines + [_difference(key.name, saved[key.name], now[key.name]) for key in KEYS.values()
                    if key.bound_to_weights and key.name not in _ARCHITECTURE_KEYS and saved[key.name] != now[key.name]]


def config_from_checkpoint(saved: Mapping[str, Any], overrides: Overrides = ()) -> CfgNode:
    """Returns the configuration that a checkpoint was trained with.

    Args:
        saved: from `saved_config`. A checkpoint of an earlier version has only `training_keys`, without the keys of
            tests and paths; these are the defaults then, and a line of the log says so.
        overrides: values to change, see `override_values`.

    Raises:
        ConfigError: the checkpoint holds a key that this version does not know, or see `load_config`.
    """
    values = without_counts({key: checked_value(_CHECKPOINT, key, value) for key, value in saved.items()})
    if "output_path" not in saved:
        LOGGER.warning("the checkpoint was written by an earlier version, which did not store the keys of TEST and the "
                       "paths: those have their defaults; name the configuration file, or set them by KEY=VALUE")
    return build_config([(_CHECKPOINT, values), (SOURCE, override_values(overrides))], _CHECKPOINT)[0]


def _with_defaults(saved: Mapping[str, Any]) -> Dict[str, Any]:
    return {**{key.name: as_lists(key.default) for key in KEYS.values()},
            **{key: as_lists(value) for key, value in saved.items()}}


def _difference(key: str, saved: Any, now: Any) -> str:
    return f"{key}: {saved!r} in the checkpoint, {now!r} now"


def _architecture(values: Mapping[str, Any]) -> Tuple[str, bool]:
    """Returns a name that is the same for models with the same layers, and whether it is a symbol without such a model.

    The data set at the end of a model's name says only which classes it has by default.
    """
    symbol = values["symbol"]
    if symbol:
        return _MODELS_OF_SYMBOLS.get(symbol, symbol), symbol not in _MODELS_OF_SYMBOLS
    return re.sub("_(coco|voc)$", "", values["network.model"]), False
