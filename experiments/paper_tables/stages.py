"""The graph of a detector cut into stages, each of which can be counted and run by itself."""
import json
from typing import Any, Dict, List, Optional, Set, Tuple

import mxnet as mx

from ...engine.checkpoints.parameters import role
from ...gluon_models import TwoStageDetector
from ..benchmarks.counting import Shape, infer_shapes, read_tree

# The stages in the order in which they run. body: the backbone. neck: everything that is computed once an image for the
# RoIs, R-FCN's score maps included. rpn: the region proposal network. warping: pooling of the RoIs. head: what is
# computed for each RoI after that. post: what follows the logits and the deltas.
STAGES = ("body", "neck", "rpn", "warping", "head", "post")
WARPING_OPS = ("ps_roi_align", "ps_roi_pool", "roi_max_pool", "ROIPooling", "_contrib_ROIAlign",
               "_contrib_PSROIPooling")
DATA, IM_INFO = "data", "im_info"
# (number of the node, number of its output)
Entry = Tuple[int, int]


class StagedGraph:
    """The graph of a detector for one image, each of its nodes in one of `STAGES`.

    Args:
        net: the detector; its parameters need no values.
        height, width: of the network input, in pixels.

    Attributes:
        nodes: the nodes as MXNet's JSON writes them, in topological order.
        stage: the stage of each node, None for variables.
        shapes: the shapes of the outputs of each node.
        auxiliary: names of the variables that are not trained (moving statistics).
    """

    def __init__(self, net: TwoStageDetector, height: int, width: int):
        logits_and_deltas: List[mx.sym.Symbol] = []
        classify = net.classify

        def listen(*arguments: Any) -> List[mx.sym.Symbol]:
            logits_and_deltas.extend(classify(*arguments))
            return logits_and_deltas[-2:]

        net.classify = listen
        try:
            outputs = net(mx.sym.var(DATA), mx.sym.var(IM_INFO))
        finally:
            del net.classify
        self._graph = mx.sym.Group(list(outputs))
        self._tree = read_tree(self._graph)
        self.nodes: List[Dict[str, Any]] = self._tree["nodes"]
        self.auxiliary: Set[str] = {name for name in net.collect_params() if role(name) == "aux:"}
        self.shapes: List[List[Shape]] = infer_shapes(self._graph, self.nodes,
                                                      **{DATA: (1, 3, height, width), IM_INFO: (1, 3)})
        self._params = net.collect_params()
        self.stage: List[Optional[str]] = self._find_stages(net, {_name_of(symbol) for symbol in logits_and_deltas})

    def _find_stages(self, net: TwoStageDetector, last: Set[str]) -> List[Optional[str]]:
        """Returns the stage of each node.

        A node belongs to the latest stage among those of its inputs and of the blocks whose parameters it reads. What
        comes after a node of `last` (the logits and deltas) is "post", whatever it reads.
        """
        blocks = (("body", net.features), ("rpn", net.rpn), ("neck", net.neck), ("head", net.head))
        owners = {name: stage for stage, block in blocks for name in block.collect_params()}
        stages: List[Optional[str]] = []
        is_post: List[bool] = []
        for node in self.nodes:
            if node["op"] == "null":
                stages.append(None)
                is_post.append(False)
                continue
            inputs = [entry[0] for entry in node["inputs"]]
            candidates = [stages[i] for i in inputs if stages[i]]
            is_post.append(any(is_post[i] or self.nodes[i]["name"] in last for i in inputs))
            for i in inputs:
                owner = owners.get(self.nodes[i]["name"])
                if owner == "head" and not {"warping", "head"} & set(candidates):
                    owner = "neck"  # R-FCN's head computes its score maps before the warping.
                candidates += [owner] if owner else []
            if not candidates:
                candidates = ["rpn" if all(self.nodes[i]["name"] == IM_INFO for i in inputs) else "body"]
            stage = max(candidates, key=STAGES.index)
            if node["op"] in WARPING_OPS:
                stage = "warping"
            elif stage == "warping":
                stage = "head"
            stages.append("post" if is_post[-1] else stage)
        return stages

    def parameters(self, stage: str) -> Set[str]:
        """Returns the names of the parameters that a stage's nodes read, moving statistics included."""
        return {self.nodes[i]["name"] for number, node in enumerate(self.nodes) if self.stage[number] == stage
                for i, _, _ in node["inputs"] if self.nodes[i]["name"] in self._params}

    def inputs(self, stage: str) -> List[Entry]:
        """Returns what a stage reads of other stages, `DATA` and `IM_INFO` included, sorted."""
        entries = set()
        for number, node in enumerate(self.nodes):
            if self.stage[number] == stage:
                entries |= {(i, output) for i, output, _ in node["inputs"]
                            if self.stage[i] != stage and self.nodes[i]["name"] not in self._params}
        return sorted(entries)

    def outputs(self, stage: str) -> List[Entry]:
        """Returns what other stages read of a stage, and what of it the detector returns, sorted."""
        entries = {tuple(head[:2]) for head in self._tree["heads"]}
        entries.update(*(self.inputs(other) for other in STAGES if other != stage))
        return sorted(entry for entry in entries if self.stage[entry[0]] == stage)

    def shape(self, entry: Entry) -> Shape:
        """Returns the shape of an output of a node."""
        return self.shapes[entry[0]][entry[1]]

    def name(self, entry: Entry) -> str:
        """Returns the name by which the block of a stage takes an output of a node."""
        node = self.nodes[entry[0]]
        return node["name"] if node["op"] == "null" else f"{node['name']}_{entry[0]}_out{entry[1]}"

    def symbol(self, stage: str) -> Tuple[mx.sym.Symbol, List[str]]:
        """Returns a stage as a symbol of its own, and the names of its inputs.

        Its outputs are those of `outputs(stage)`, its inputs those of `inputs(stage)`, each in that order.
        """
        cut = {entry: self.name(entry) for entry in self.inputs(stage)}
        nodes: List[Dict[str, Any]] = []
        places: Dict[Any, int] = {}

        def add(key: Any, node: Dict[str, Any]) -> List[int]:
            if key not in places:
                places[key] = len(nodes)
                nodes.append(node)
            return [places[key], 0, 0]

        for number, node in enumerate(self.nodes):
            if self.stage[number] != stage:
                continue
            entries = []
            for i, output, version in node["inputs"]:
                if (i, output) in cut:
                    entries.append(add((i, output), _make_variable(cut[i, output])))
                elif self.stage[i] is None:
                    entries.append(add((i, 0), self.nodes[i]))
                else:
                    entries.append([places[i, None], output, version])
            add((number, None), dict(node, inputs=entries))
        heads = [[places[i, None], output, 0] for i, output in self.outputs(stage)]
        variables = [place for place, node in enumerate(nodes) if node["op"] == "null"]
        text = json.dumps(dict(self._tree, nodes=nodes, heads=heads, arg_nodes=variables,
                               node_row_ptr=list(range(len(nodes) + 1))))
        return mx.sym.load_json(text), [cut[entry] for entry in self.inputs(stage)]

    def block(self, stage: str) -> mx.gluon.SymbolBlock:
        """Returns the stage as a hybridized block with the detector's parameters; see `symbol` for what it takes."""
        symbol, names = self.symbol(stage)
        block = mx.gluon.SymbolBlock(symbol, [mx.sym.var(name, dtype="float32") for name in names], params=self._params)
        block.hybridize()
        return block


def _make_variable(name: str) -> Dict[str, Any]:
    return {"op": "null", "name": name, "attrs": {"__dtype__": "0"}, "inputs": []}


def _name_of(symbol: mx.sym.Symbol) -> str:
    """Returns the name of the node that computes a symbol of one output."""
    return read_tree(symbol)["nodes"][-1]["name"]
