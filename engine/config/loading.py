"""Loading of configurations: defaults, a YAML file that may inherit from others, and overrides, checked key by key."""
from pathlib import Path
from typing import Any, Dict, Iterable, Mapping, Tuple, Union

import yaml
from yacs.config import CfgNode

from .checking import checked_value, complete, reject_unimplemented, warn_of_unread, without_counts
from .keys import KEYS
from .overrides import SOURCE, Overrides, override_values
from .tree import as_lists, flatten, nest
from .yaml_files import BASE, find_file, read_chain

DEFAULT, COUNTED = "default", "counted"


def load_config(path: Union[None, str, Path] = None, overrides: Overrides = ()) -> CfgNode:
    """Loads a configuration.

    Args:
        path: YAML file, whose entry `_BASE_: other.yaml`, relative to the file, names one to inherit from; files of
            the MXNet original load unchanged. Where there is no such file, the name of a configuration that comes
            with the package, such as "bccd_s" or "paper/b1". None for the defaults.
        overrides: set last: words, such as `["TRAIN.lr", "0.01", "gpus=0,1"]`, or a dict, such as `{"TRAIN.lr":
            0.01}`; see `override_values`.

    Returns:
        Frozen yacs.config.CfgNode with every key of the table of keys; all sequences are tuples.
        `network.NUM_ANCHORS` is counted, and `dataset.NUM_CLASSES`, too, where the classes are named.

    Raises:
        ConfigError: a file that is missing or cannot be read, an unknown key (the message names the most similar one),
            a wrong value, or one that this package does not implement.

    Example:
        >>> load_config("shapes_s", {"TRAIN.end_epoch": 3}).TRAIN.end_epoch
        3
    """
    return load_with_sources(path, overrides)[0]


def load_with_sources(path: Union[None, str, Path] = None,
                      overrides: Overrides = ()) -> Tuple[CfgNode, Dict[str, str]]:
    """Loads a configuration as `load_config` does, and tells where the value of each key comes from.

    Returns:
        The configuration, and a dict from each key to its source: the path of a file, "override", "default" or
        "counted".
    """
    layers = [(str(file), checked) for file, checked in _file_layers(path)] if path is not None else []
    return build_config([*layers, (SOURCE, override_values(overrides))], str(path) if path is not None else SOURCE)


def build_config(layers: Iterable[Tuple[str, Mapping[str, Any]]], name: str) -> Tuple[CfgNode, Dict[str, str]]:
    """Lays values over the defaults and checks them together.

    Args:
        layers: sources and their values by key, each checked; later ones win.
        name: what errors call the whole configuration.

    Returns:
        The configuration, and the source of the value of each key.

    Raises:
        ConfigError: values that contradict each other, or that this package does not implement.
    """
    values = {key.name: key.default for key in KEYS.values()}
    sources = dict.fromkeys(values, DEFAULT)
    for source, entries in layers:
        values.update(entries)
        sources.update(dict.fromkeys(entries, source))
    sources.update(dict.fromkeys(complete(name, values), COUNTED))
    reject_unimplemented(name, values)
    warn_of_unread(values)
    cfg = CfgNode(nest(values))
    cfg.freeze()
    return cfg, sources


def file_values(path: Union[str, Path]) -> Dict[str, Any]:
    """Returns by key the values, checked, that a YAML file or a bundled configuration sets, inherited ones included.

    Raises:
        ConfigError: see `load_config`.
    """
    return {key: value for _, entries in _file_layers(path) for key, value in entries.items()}


def _file_layers(path: Union[str, Path]) -> Iterable[Tuple[Path, Dict[str, Any]]]:
    return [(file, {key: checked_value(file, key, value) for key, value in entries.items()})
            for file, entries in read_chain(find_file(path))]


def overlay_text(base: Union[str, Path], values: Mapping[str, Any]) -> str:
    """Returns the text of a YAML file that inherits from the file `base` and sets `values` by key."""
    tree = nest({key: as_lists(value) for key, value in values.items()})
    return yaml.safe_dump({BASE: str(Path(base).resolve()), **tree}, sort_keys=False, width=120)


def values_text(values: Mapping[str, Any], comment: str) -> str:
    """Returns the text of a YAML file that inherits from none and sets `values` by key.

    Args:
        values: by key.
        comment: lines that stand above them.
    """
    tree = nest({key: as_lists(value) for key, value in values.items()})
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + yaml.safe_dump(tree, sort_keys=False, width=120, default_flow_style=None)


def with_overrides(cfg: CfgNode, overrides: Overrides) -> CfgNode:
    """Returns a frozen copy of a configuration with overrides, checked and counted as `load_config` does.

    Args:
        cfg: from `load_config`.
        overrides: see `load_config`.

    Raises:
        ConfigError: see `load_config`.
    """
    return build_config([(DEFAULT, without_counts(flatten(cfg))), (SOURCE, override_values(overrides))], SOURCE)[0]


def with_values(cfg: CfgNode, values: Mapping[str, Any]) -> CfgNode:
    """Returns a frozen copy of a configuration with other values, for code that knows them to be right.

    Args:
        cfg: from `load_config`.
        values: new values by key, such as {"TRAIN.lr": 0.01}. Keys must be known and values of the right kinds; this is
            not checked.
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
