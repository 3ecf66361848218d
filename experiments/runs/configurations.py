"""Compares the configurations of runs: all keys count but those that change no result."""
import functools
import os
from operator import eq
from pathlib import Path
from typing import Any, Container, Dict, Iterable, List, Mapping, Sequence, Tuple

import yaml

from ...engine.config import KEYS, file_values, load_config, override_values, saved_config
from ...engine.config.tree import as_lists, flatten
from ...engine.config.yaml_files import BASE
from ...errors import UsageError

# Keys that do not change a result.
BOOKKEEPING = ("output_path", "gpus", "default.frequent", "default.GROUP_TIMEOUT", "TRAIN.model_prefix",
               "TRAIN.NUM_WORKERS", "TRAIN.WORKER_TIMEOUT", "TRAIN.CHECKPOINT_STEPS", "TRAIN.SAVE_EVERY_MINUTES",
               "TRAIN.KEEP_CHECKPOINTS", "TRAIN.RESUME", "TEST.NUM_WORKERS",
               *(key.name for key in KEYS.values() if key.unread))
# Keys that are counted from others, or must equal what is counted.
_COUNTED = ("network.NUM_ANCHORS", "dataset.NUM_CLASSES")
# Keys of files and folders: one place can be written in several ways.
_PLACES = ("dataset.dataset_path", "dataset.proposal_files", "network.pretrained")


def own_keys_refused(overrides: Sequence[str], own: Container[str], advice: str) -> Dict[str, Any]:
    """Returns the values of overrides for many runs, by key.

    Args:
        overrides: words KEY VALUE or KEY=VALUE.
        own: keys whose value each run has for itself.
        advice: what the error tells to do.

    Raises:
        UsageError: there is such a key among them.
        ConfigError: an unknown key or a wrong value.
    """
    values = override_values(overrides)
    refused = [key for key in values if key in own]
    if refused:
        raise UsageError(f"{', '.join(refused)} cannot be set for all runs, for each has its own: {advice}")
    return values


def differing_keys(saved: Mapping[str, Any], now: Mapping[str, Any],
                   ignored: Container[str] = BOOKKEEPING) -> List[str]:
    """Returns the keys with different values; the arguments are from `saved_config`.

    A key that `saved` lacks was added later, and counts as its default. Paths are the same where they lead to one
    place, or lie alike beside the output folders of both: all of it may have been moved.
    """
    saved = {**{key: as_lists(KEYS[key].default) for key in now}, **saved}
    return [key for key in now if key not in ignored and saved[key] != now[key]
            and not (key in _PLACES and any(map(eq, _places(saved, key), _places(now, key))))]


def differences(then: str, now: str, ignored: Sequence[str] = ()) -> List[str]:
    """Returns a line for each key by which a run would not come out the same.

    Args:
        then, now: texts of the YAML files of two configurations.
        ignored: keys that do not count, beside those of bookkeeping.
    """
    if then == now:
        return []
    saved, values = read_configuration(then), read_configuration(now)
    return [f"{key}: {saved[key]!r} then, {values[key]!r} now"
            for key in differing_keys(saved, values, (*BOOKKEEPING, *_COUNTED, *ignored))]


@functools.lru_cache(maxsize=None)
def read_configuration(text: str) -> Dict[str, Any]:
    """Returns what `saved_config` does of a run's configuration, given by the text of its YAML file.

    Keys that this version does not know are left out. A file that the text inherits from may have been moved: then it
    is the one of the same name that comes with the package. Callers must not change what is returned.
    """
    tree = yaml.safe_load(text) or {}
    base = tree.pop(BASE, None)
    known = {key: value for key, value in flatten(tree).items() if key in KEYS}
    return saved_config(load_config(None, {**(_base_values(base) if base else {}), **known}))


def changed_values(runs: Iterable[Tuple[str, str, str, Container[str]]],
                   ignored: Sequence[str] = ()) -> Dict[str, Dict[str, List[str]]]:
    """Finds what runs have in another way than they would be given it now.

    Args:
        runs: of each its name, the text of its configuration, that of the one that it would be given, and the keys
            in which it differs from the others on purpose; names may repeat. A run whose configuration is not known has
            an empty text.
        ignored: keys that do not count, beside those of bookkeeping.

    Returns:
        By key the names of the runs that have each value, in words. Several values of a key: the runs cannot be
        compared as they were meant to be.
    """
    read = [(name, read_configuration(then), read_configuration(now), own) for name, then, now, own in runs if then]
    found: Dict[str, Dict[str, List[str]]] = {}
    for name, then, now, own in read:
        for key in differing_keys(then, now, (*BOOKKEEPING, *_COUNTED, *ignored)):
            found.setdefault(key, {})
            if key in own:
                found[key].update({_words(key, then): [name], _words(key, now): [f"{name} as it is planned now"]})
    for key, values in found.items():
        for name, then, _, own in read:
            names = values.setdefault(_words(key, then), []) if key not in own else [name]
            names += [name] if name not in names else []
    return found


def changed_words(changed: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    """Returns what `changed_values` returned as words behind "with", such as "TRAIN.lr 0.1"; empty for no change."""
    return ", ".join(f"{key} {' or '.join(values)}" for key, values in changed.items())


def mixed_lines(changed: Mapping[str, Mapping[str, Sequence[str]]]) -> List[str]:
    """Returns a line for each key that has several values in what `changed_values` returned."""
    return [f"{key} is " + ", but ".join(f"{value} in {', '.join(names)}" for value, names in values.items())
            for key, values in changed.items() if len(values) > 1]


def _words(key: str, values: Mapping[str, Any]) -> str:
    value = values[key]
    return str(os.path.normpath(value) if key in _PLACES and isinstance(value, str) and value else value) or "''"


def _places(values: Mapping[str, Any], key: str) -> List[List[str]]:
    """Returns the paths of a key as absolute ones, and as they lie beside the output folder."""
    paths = values[key] if isinstance(values[key], list) else [values[key]]
    return [[path and os.path.abspath(path) for path in paths],
            [path and os.path.relpath(path, values["output_path"]) for path in paths]]


@functools.lru_cache(maxsize=None)
def _base_values(base: str) -> Dict[str, Any]:
    return file_values(base if Path(base).is_file() else "/".join(Path(base).with_suffix("").parts[-2:]))
