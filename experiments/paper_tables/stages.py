"""A detector's graph cut into stages, each of which can be counted and run by itself."""
import json

import mxnet as mx

# In the order in which they run. The neck is all that is computed once an image for the RoIs, R-FCN's score maps
# included; the head is what is computed for each RoI after warping; post is all that follows logits and deltas.
STAGES = ("body", "neck", "rpn", "warping", "head", "post")
WARPING_OPS = ("ps_roi_align", "ps_roi_pool", "ROIPooling", "_contrib_ROIAlign", "_contrib_PSROIPooling")
DATA, IM_INFO = "data", "im_info"


class StagedGraph:
    """The graph of a detector for one image, every node in one of `STAGES`.

    Args:
        net: TwoStageDetector; its parameters need no values.
        height, width: of the network input, pixels.

    Attributes:
        nodes: as in MXNet's JSON, in topological order.
        stage: of each node, None for variables.
        shapes: of the outputs of each node, a list of tuples.
        auxiliary: names of variables that are no parameters in the sense of training (moving statistics).
    """

    def __init__(self, net, height, width):
        self.size = height, width
        logits_and_deltas = []
        classify = net.classify

        def listen(*arguments):
            logits_and_deltas.extend(classify(*arguments))
            return logits_and_deltas[-2:]

        net.classify = listen
        try:
            outputs = net(mx.sym.var(DATA), mx.sym.var(IM_INFO))
        finally:
            del net.classify
        self._graph = mx.sym.Group(list(outputs))
        self._tree = tree_of(self._graph)
        self.nodes = self._tree["nodes"]
        self.auxiliary = set(self._graph.list_auxiliary_states())
        self.shapes = infer_shapes(self._graph, self.nodes, **{DATA: (1, 3, height, width), IM_INFO: (1, 3)})
        self._params = net.collect_params()
        self.stage = self._stages(net, {_producer(symbol) for symbol in logits_and_deltas})

    def _stages(self, net, last):
        owners = {name: stage for stage, block in (("body", net.features), ("rpn", net.rpn), ("neck", net.neck),
                                                   ("head", net.head)) for name in block.collect_params()}
        stages, after = [], []
        for node in self.nodes:
            if node["op"] == "null":
                stages.append(None)
                after.append(False)
                continue
            inputs = [entry[0] for entry in node["inputs"]]
            found = [stages[i] for i in inputs if stages[i]]
            after.append(any(after[i] or self.nodes[i]["name"] in last for i in inputs))
            for i in inputs:
                owner = owners.get(self.nodes[i]["name"])
                if owner == "head" and not {"warping", "head"} & set(found):
                    owner = "neck"  # R-FCN's score maps
                found += [owner] if owner else []
            if not found:
                found = ["rpn" if all(self.nodes[i]["name"] == IM_INFO for i in inputs) else "body"]
            stage = max(found, key=STAGES.index)
            if node["op"] in WARPING_OPS:
                stage = "warping"
            elif stage == "warping":
                stage = "head"
            stages.append("post" if after[-1] else stage)
        return stages

    def parameters(self, stage):
        """Names of the parameters that a stage's nodes read, moving statistics included."""
        return {self.nodes[i]["name"] for number, node in enumerate(self.nodes) if self.stage[number] == stage
                for i, _, _ in node["inputs"] if self.nodes[i]["name"] in self._params}

    def inputs(self, stage):
        """What a stage reads of others: sorted (node, output) pairs, data and im_info among them."""
        pairs = set()
        for number, node in enumerate(self.nodes):
            if self.stage[number] == stage:
                pairs |= {(i, output) for i, output, _ in node["inputs"]
                          if self.stage[i] != stage and self.nodes[i]["name"] not in self._params}
        return sorted(pairs)

    def outputs(self, stage):
        """What others read of a stage, and what of it the detector returns: sorted (node, output) pairs."""
        pairs = {tuple(head[:2]) for head in self._tree["heads"]}
        pairs.update(*(self.inputs(other) for other in STAGES if other != stage))
        return sorted(pair for pair in pairs if self.stage[pair[0]] == stage)

    def shape(self, pair):
        """Shape of a (node, output) pair."""
        return self.shapes[pair[0]][pair[1]]

    def name(self, pair):
        """Name by which the block of a stage takes a (node, output) pair."""
        node = self.nodes[pair[0]]
        return node["name"] if node["op"] == "null" else "%s_%d_out%d" % (node["name"], *pair)

    def symbol(self, stage):
        """(symbol, names of its inputs) of a stage; its outputs are `outputs(stage)`, its inputs `inputs(stage)`."""
        cut = {pair: self.name(pair) for pair in self.inputs(stage)}
        nodes, places = [], {}

        def add(key, node):
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
                    entries.append(add((i, output), _variable(cut[i, output])))
                elif self.stage[i] is None:
                    entries.append(add((i, 0), self.nodes[i]))
                else:
                    entries.append([places[i, None], output, version])
            add((number, None), dict(node, inputs=entries))
        heads = [[places[i, None], output, 0] for i, output in self.outputs(stage)]
        variables = [place for place, node in enumerate(nodes) if node["op"] == "null"]
        text = json.dumps(dict(self._tree, nodes=nodes, heads=heads, arg_nodes=variables,
                               node_row_ptr=list(range(len(nodes) + 1))))
        return mx.sym.load_json(text), [cut[pair] for pair in self.inputs(stage)]

    def block(self, stage):
        """The stage as a hybridized block with the detector's parameters; takes and returns arrays as `symbol`."""
        symbol, names = self.symbol(stage)
        block = mx.gluon.SymbolBlock(symbol, [mx.sym.var(name, dtype="float32") for name in names], params=self._params)
        block.hybridize()
        return block


def tree_of(symbol):
    """The JSON of a symbol with all of its nodes: without asking, MXNet leaves out casts."""
    return json.loads(symbol.tojson(remove_amp_cast=False))


def infer_shapes(symbol, nodes, **inputs):
    """Shapes of all outputs of each node of a symbol's JSON, given those of its inputs."""
    internals = symbol.get_internals()
    _, shapes, _ = internals.infer_shape(**inputs)
    # By position: a layer that runs several times gives several nodes of one name.
    found = [[] for _ in nodes]
    for (number, output, _), shape in zip(tree_of(internals)["heads"], shapes):
        assert output == len(found[number])
        found[number].append(shape)
    return found


def _variable(name):
    return {"op": "null", "name": name, "attrs": {"__dtype__": "0"}, "inputs": []}


def _producer(symbol):
    """Name of the node that a symbol of one output comes from."""
    return tree_of(symbol)["nodes"][-1]["name"]
