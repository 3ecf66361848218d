"""Nested dicts of configuration values, as YAML files have them, and flat ones by key, such as {"TRAIN.lr": 0.01}."""
from typing import Any, Dict, Iterator, Mapping, Tuple


def flatten(tree: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the values of nested dicts by key, in their order; the names of sections are joined by dots."""
    return dict(_leaves(tree, ""))


def _leaves(tree: Mapping[str, Any], section: str) -> Iterator[Tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{section}{name}.")
        else:
            yield f"{section}{name}", value


def nest(flat: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns nested dicts of values by key: the inverse of `flatten`."""
    tree: Dict[str, Any] = {}
    for key, value in flat.items():
        *sections, name = key.split(".")
        node = tree
        for section in sections:
            node = node.setdefault(section, {})
        node[name] = value
    return tree


def as_lists(value: Any) -> Any:
    """Returns a value with lists in the place of tuples, at any depth, as JSON and YAML have them."""
    return [as_lists(item) for item in value] if isinstance(value, (tuple, list)) else value
