"""Checks the graph of an exported detector before MXNet reads it: it may come from a stranger.

MXNet takes places in a graph for what they say they are, and runs whatever operator a node names.
"""
import json
from typing import Any, Dict, List, Mapping, Sequence

from ....data.files.json_text import parse_json
from ....data.files.opening import read_regular
from .known_operators import OPERATORS, WRITTEN_INPUTS, attribute_problem

_MOST_BYTES = 64 << 20
_MOST_NODES, _MOST_HEADS = 100_000, 1000
_LONGEST_NAME = 1000
_KEYS = {"op", "name", "attrs", "inputs"}


def checked_graph(path: str) -> str:
    """Reads a graph, and returns it as MXNet's JSON text with nothing in it but what was checked.

    Args:
        path: the file, PREFIX-symbol.json.

    Raises:
        ValueError: it is no graph, has a node that reads what is not there, or an operator or an attribute that no
            exported detector has; the message names the node.
        OSError: it cannot be read.
    """
    data = read_regular(path, _MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES >> 20} MB")
    graph = parse_json(data.decode("utf-8"))
    nodes = graph.get("nodes") if isinstance(graph, dict) else None
    if not isinstance(nodes, list) or not 0 < len(nodes) <= _MOST_NODES:
        raise ValueError("it has no list of nodes")
    checked: List[Dict[str, Any]] = []
    outputs: List[int] = []
    for place, node in enumerate(nodes):
        checked.append(_checked_node(place, node, checked, outputs))
        outputs.append(_count_of_outputs(checked[-1]))
    names = [node["name"] for node in checked if node["op"] == "null"]
    if len(set(names)) < len(names):
        raise ValueError("two of its inputs or parameters have one name")
    heads = graph.get("heads")
    if not isinstance(heads, list) or not 0 < len(heads) <= _MOST_HEADS:
        raise ValueError("it has no list of outputs (heads)")
    for head in heads:
        _check_entry(head, len(checked), outputs, "an output of the graph")
    content = {"nodes": checked, "arg_nodes": [place for place, node in enumerate(checked) if node["op"] == "null"],
               "heads": heads}
    if isinstance(graph.get("attrs"), dict):
        version = graph["attrs"].get("mxnet_version")
        if isinstance(version, list) and len(version) == 2 and version[0] == "int" and type(version[1]) is int \
                and 0 < version[1] < 1 << 30:
            content["attrs"] = {"mxnet_version": version}
    return json.dumps(content)


def _checked_node(place: int, node: Any, before: Sequence[Mapping[str, Any]], outputs: Sequence[int],
                  ) -> Dict[str, Any]:
    name = node.get("name") if isinstance(node, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise ValueError(f"node {place} has no name")
    where, op = f"node {place} ({name[:100]!r})", node.get("op")
    if set(node) - _KEYS:
        raise ValueError(f"{where} has the entry {min(set(node) - _KEYS)[:100]!r}, which no exported detector has")
    if op != "null" and (not isinstance(op, str) or op not in OPERATORS):
        raise ValueError(f"{where} is the operator {str(op)[:100]!r}, which no exported detector has")
    attributes, inputs = node.get("attrs", {}), node.get("inputs", [])
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise ValueError(f"{where}: its attributes must be texts")
    if not isinstance(inputs, list):
        raise ValueError(f"{where} has no list of inputs")
    if op == "null":
        if inputs:
            raise ValueError(f"{where} is an input or a parameter, and has inputs")
        return {"op": op, "name": name, "inputs": [],
                "attrs": {key: value for key, value in attributes.items() if _is_harmless(key, value)}}
    problem = attribute_problem(op, attributes)
    if problem is not None:
        raise ValueError(f"{where}, {op}: {problem}")
    arity = OPERATORS[op]
    if not arity.least <= len(inputs) <= arity.most:
        raise ValueError(f"{where}, {op}, has {len(inputs)} inputs")
    for number, entry in enumerate(inputs):
        _check_entry(entry, place, outputs, f"input {number} of {where}")
        if number in WRITTEN_INPUTS.get(op, ()) and before[entry[0]]["op"] != "null":
            raise ValueError(f"input {number} of {where}, {op}, must be a parameter")
    return {"op": op, "name": name, "attrs": attributes, "inputs": inputs}


def _is_harmless(key: str, value: str) -> bool:
    """Whether an attribute of an input or a parameter is of use here: its type and how it is stored.

    Its shape comes with the array. How it would be initialised is left out, which can name a file.
    """
    return key in ("__dtype__", "__storage_type__") and value.isdecimal() and len(value) < 3


def _check_entry(entry: Any, places: int, outputs: Sequence[int], what: str) -> None:
    """Raises ValueError where an entry [node, output, version] is not one of a node before."""
    if not isinstance(entry, list) or len(entry) not in (2, 3) or not all(
            type(number) is int and 0 <= number <= _MOST_NODES for number in entry):
        raise ValueError(f"{what} is {str(entry)[:60]}, and must be the place of a node, the number of an output of it "
                         "and how often it was written to")
    if entry[0] >= places or entry[1] >= outputs[entry[0]]:
        raise ValueError(f"{what} is {entry[:2]}, and there is no such node before it, or no such output")


def _count_of_outputs(node: Mapping[str, Any]) -> int:
    if node["op"] in ("SliceChannel", "split"):
        return int(node["attrs"].get("num_outputs", "1").rstrip("L"))
    return 1 if node["op"] == "null" else OPERATORS[node["op"]].outputs
