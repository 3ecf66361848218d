"""Graphs as lists of nodes, the dumps of the graphs of the MXNet original, and differences between the two."""
import json
from pathlib import Path


def nodes_of(symbol):
    """[(op, name, attributes, names of the inputs)] of a symbol, in the order of its JSON."""
    nodes = json.loads(symbol.tojson())["nodes"]
    return [(node["op"], node["name"], node.get("attrs", {}), [nodes[index]["name"] for index, *_ in node["inputs"]])
            for node in nodes]


def original_graph(kind):
    """The MXNet original's graph of Light-Head R-CNN on ResNet-101, for images of 224x320, 81 classes and 12 anchors.

    Args:
        kind: "test" or "train".

    Returns:
        nodes as those of `nodes_of`; shapes of the inputs and of the outputs, {name: shape}.
    """
    dump = json.loads((Path(__file__).parent / "mxnet_original_graphs.json").read_text())
    nodes = [(op, name, dump["attrs"][attrs], inputs)
             for op, name, attrs, *inputs in dump["common"] + dump[kind]["nodes"]]
    given, outputs = ({name: tuple(shape) for name, shape in dump[kind][key].items()} for key in ("given", "outputs"))
    return nodes, given, outputs


def differences(found, expected):
    """A line for every node that is missing, too much, or other than expected."""
    lines = [f"{len(found)} nodes, expected {len(expected)}"] if len(found) != len(expected) else []
    return lines + [f"node {i} is\n  {a}, expected\n  {b}" for i, (a, b) in enumerate(zip(found, expected)) if a != b]
