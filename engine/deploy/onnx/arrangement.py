"""Writes convolutions in the forms that OpenVINO computes fastest in bfloat16.

In bfloat16 a processor with matrix instructions (AMX) waits for numbers more than for products. Two kinds of layers
wait longest, of which the thin map has both:

- A tall kernel, such as 15x1, takes 2 to 3 times as long as a wide one of as many weights. It becomes a wide one on the
  map with rows and columns exchanged.
- Weights that do not stay in a core's cache are read anew for every row of the map. The input is split into groups of
  channels, each with a convolution of its own, and these are added up.
"""
import copy
from typing import TYPE_CHECKING, List, Sequence

import numpy as np

from .builder import import_onnx

if TYPE_CHECKING:
    import onnx

# The largest weights of one convolution, in bytes of bfloat16.
MOST_BYTES = 4_000_000
_ACTIVATIONS = ("Relu", "Clip")


def arrange(model: "onnx.ModelProto", most_bytes: int = MOST_BYTES) -> "onnx.ModelProto":
    """Returns a detector with such convolutions; it answers as before, but for rounding.

    Args:
        model: of `detector_model`; it is not changed.
        most_bytes: a convolution with larger weights is split, unless its kernel is a single cell.
    """
    result = copy.deepcopy(model)
    writer = _Writer(result.graph)
    for node in _turned(copy.deepcopy(list(model.graph.node)), writer):
        if writer.is_convolution(node):
            writer.nodes += _split(node, writer, most_bytes)
        else:
            writer.nodes.append(node)
    writer.finish()
    import_onnx("onnx.checker").check_model(result, full_check=True)
    return result


def _turned(nodes: Sequence["onnx.NodeProto"], writer: "_Writer") -> List["onnx.NodeProto"]:
    """Nodes with wide kernels in the place of tall ones.

    An activation behind a convolution stays directly behind it, so that an engine computes them together.
    """
    reads = [value for node in nodes for value in node.input]
    activations = {node.input[0]: node.output[0] for node in nodes if node.op_type in _ACTIVATIONS}
    answer, ends = [], set()
    for node in nodes:
        if writer.is_convolution(node):
            weight = writer.weight(node)
            if weight.shape[2] > 1 == weight.shape[3]:
                x, = node.input[:1]
                node.input[0], node.input[1] = f"{node.name}/exchanged", writer.constant(
                    f"{node.name}/weight_exchanged", weight.transpose(0, 1, 3, 2))
                answer.append(writer.exchange(x, node.input[0]))
                for attribute in node.attribute:  # one number a side, or one for the near and the far end of each
                    if attribute.name in ("kernel_shape", "strides", "dilations", "pads"):
                        attribute.ints[:] = [number for pair in zip(attribute.ints[1::2], attribute.ints[::2])
                                             for number in pair]
                output = node.output[0]
                ends.add(activations[output] if output in activations and reads.count(output) == 1 else output)
        answer.append(node)
        output = node.output[0]
        if output in ends:
            node.output[0] = f"{output}/exchanged_back"
            answer.append(writer.exchange(node.output[0], output))
    return answer


def _split(node: "onnx.NodeProto", writer: "_Writer", most_bytes: int) -> List["onnx.NodeProto"]:
    """A convolution, or where its weights are large the sum of several."""
    weight, parts = writer.weight(node), 1
    while weight[0, 0].size > 1 and 2 * weight.size / parts > most_bytes and weight.shape[1] % (2 * parts) == 0:
        parts *= 2
    if parts == 1:
        return [node]
    groups = [f"{node.name}/group{number}" for number in range(parts)]
    answer = [writer.node("Split", [node.input[0]], groups, axis=1)]
    total = ""
    for number, (group, part) in enumerate(zip(groups, np.split(weight, parts, axis=1))):
        conv = copy.deepcopy(node)
        conv.name = conv.output[0] = f"{node.name}/part{number}"
        conv.input[0], conv.input[1] = group, writer.constant(f"{conv.name}_weight", part)
        answer.append(conv)
        if number:
            del conv.input[2:]  # the first has the bias
            total_before, total = total, node.output[0] if number == parts - 1 else f"{node.name}/sum{number}"
            answer.append(writer.node("Add", [total_before, conv.output[0]], [total]))
        else:
            total = conv.output[0]
    return answer


class _Writer:
    """A graph whose nodes are written anew, with its constants."""

    def __init__(self, graph: "onnx.GraphProto"):
        self._onnx, self._helper = import_onnx(), import_onnx("onnx.helper")
        self._graph = graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self.nodes: List["onnx.NodeProto"] = []

    def is_convolution(self, node: "onnx.NodeProto") -> bool:
        """Whether a node is a convolution of all channels with constant weights."""
        return node.op_type == "Conv" and node.input[1] in self._constants and all(
            attribute.i == 1 for attribute in node.attribute if attribute.name == "group")

    def weight(self, node: "onnx.NodeProto") -> np.ndarray:
        """The weights of a convolution."""
        return self._onnx.numpy_helper.to_array(self._constants[node.input[1]])

    def constant(self, name: str, value: np.ndarray) -> str:
        """Adds a constant; returns its name."""
        self._constants[name] = self._onnx.numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(self, op_type: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: object,
             ) -> "onnx.NodeProto":
        """A node, named after its first output."""
        return self._helper.make_node(op_type, inputs, outputs, name=f"{outputs[0]}/{op_type}", **attributes)

    def exchange(self, value: str, result: str) -> "onnx.NodeProto":
        """A node that exchanges rows and columns of a map."""
        return self.node("Transpose", [value], [result], perm=[0, 1, 3, 2])

    def finish(self) -> None:
        """Puts the nodes and those constants that they read into the graph."""
        read = {value for node in self.nodes for value in node.input}.union(
            value.name for value in (*self._graph.input, *self._graph.output))
        bodies = [attribute.g for node in self.nodes for attribute in node.attribute if attribute.HasField("g")]
        read.update(value for body in bodies for node in body.node for value in node.input)
        del self._graph.node[:]
        self._graph.node.extend(self.nodes)
        del self._graph.initializer[:]
        self._graph.initializer.extend(tensor for name, tensor in self._constants.items() if name in read)
