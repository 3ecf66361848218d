"""Parsing of YAML from strangers: plain values alone, within bounds, and one kind of error."""
from typing import Any, Dict, Optional, Set, Tuple

import yaml

MOST_CHARACTERS = 10_000_000
# Aliases let a short text stand for a tree of any size: each is counted with all that it stands for.
MOST_NODES = 1_000_000
DEEPEST = 100  # sections within sections


def parse_yaml(text: str, loader: type = yaml.SafeLoader) -> Any:
    """Returns the value that a text stands for.

    Args:
        text: one document of YAML.
        loader: `yaml.SafeLoader`, or `yaml.BaseLoader`, which leaves all words as texts.

    Raises:
        yaml.YAMLError: it is no YAML, asks for objects of Python, or breaks a bound of this module.
    """
    parser = loader(text)
    try:
        return construct(parser, compose(parser, text))
    finally:
        parser.dispose()


def compose(parser: Any, text: str) -> Optional[yaml.Node]:
    """Returns the tree of nodes of a text, which is within the bounds; see `parse_yaml`.

    Args:
        parser: a loader of PyYAML for `text`.
        text: the document.
    """
    if len(text) > MOST_CHARACTERS:
        raise yaml.YAMLError(f"it has {len(text):,} characters, more than {MOST_CHARACTERS:,}")
    try:
        node = parser.get_single_node()
    except RecursionError:
        raise yaml.YAMLError(_too_deep()) from None
    if node is not None:
        _count(node)
    return node


def construct(parser: Any, node: Optional[yaml.Node]) -> Any:
    """Returns the value of a tree of nodes that `compose` returned."""
    try:
        return None if node is None else parser.construct_document(node)
    except yaml.YAMLError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        # PyYAML checks by patterns alone what looks like a number or a date, such as 2026-99-99.
        raise yaml.YAMLError(f"a value cannot be understood: {error}") from None


def _count(root: yaml.Node) -> None:
    """Raises YAMLError where a tree, written out without aliases, is too large, too deep, or without end."""
    measured: Dict[int, Tuple[int, int]] = {}  # number of nodes, and how deep they lie in each other
    begun: Set[int] = set()
    todo = [(root, False)]
    while todo:
        node, has_measured_children = todo.pop()
        inner = _inner(node)
        if has_measured_children:
            begun.discard(id(node))
            size = 1 + sum(measured[id(one)][0] for one in inner)
            depth = 1 + max((measured[id(one)][1] for one in inner), default=0)
            if size > MOST_NODES:
                raise yaml.YAMLError(f"its aliases make more than {MOST_NODES:,} values of it")
            if depth > DEEPEST:
                raise yaml.YAMLError(_too_deep())
            measured[id(node)] = size, depth
        elif id(node) in begun:
            raise yaml.YAMLError("an alias stands within what it stands for, so that it has no end")
        elif id(node) not in measured:
            begun.add(id(node))
            todo.append((node, True))
            todo += [(one, False) for one in inner]


def _inner(node: yaml.Node) -> Tuple[yaml.Node, ...]:
    if isinstance(node, yaml.MappingNode):
        return tuple(one for pair in node.value for one in pair)
    return tuple(node.value) if isinstance(node, yaml.SequenceNode) else ()


def _too_deep() -> str:
    return f"its sections lie more than {DEEPEST} deep in each other"
