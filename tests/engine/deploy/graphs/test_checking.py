"""Graphs of strangers: operators, attributes and places that no exported detector has.

Without the check MXNet ends the process by a segmentation fault for an output of the graph that a node does not have,
and for `_Native` and `_NDArray`, whose attribute is an address; and by a division by zero for num_group 0.
"""
import json

import mxnet as mx
import pytest

from light_head_rcnn.engine.deploy.graphs.checking import checked_graph
from light_head_rcnn.engine.deploy.graphs.sizes import check_array_sizes

X = {"op": "null", "name": "data", "inputs": []}


def relu(**changes):
    return {"op": "Activation", "name": "relu", "attrs": {"act_type": "relu"}, "inputs": [[0, 0, 0]], **changes}


def write(tmp_path, *nodes, **entries):
    content = {"nodes": nodes, "arg_nodes": [0], "heads": [[len(nodes) - 1, 0, 0]], **entries}
    (tmp_path / "g.json").write_text(json.dumps(content))
    return str(tmp_path / "g.json")


def test_a_sound_graph_answers_as_before(tmp_path):
    symbol = mx.sym.Activation(mx.sym.var("data", shape=(1, 3)), act_type="relu") * 2
    symbol.save(str(tmp_path / "g.json"))
    again = mx.sym.load_json(checked_graph(str(tmp_path / "g.json")))
    x = mx.nd.array([[-1, 0, 3]])
    assert again.eval(data=x)[0].asnumpy().tolist() == symbol.eval(data=x)[0].asnumpy().tolist() == [[0, 0, 6]]


@pytest.mark.parametrize("node, message", [
    (relu(op="Custom", attrs={"op_type": "proposal"}), "the operator 'Custom'"), (relu(op="_CachedOp"), "_CachedOp"),
    (relu(op="_Native", attrs={"info": "0x41414141"}), "_Native"),
    (relu(op="_NDArray", attrs={"info": "0x41414141"}), "_NDArray"), (relu(op="_foreach"), "_foreach"),
    (relu(op=5), "the operator '5'"), (relu(op=["a"]), "the operator"), (relu(subgraphs=[{}]), "the entry 'subgraphs'"),
    (relu(attrs={"act_type": 5}), "must be texts"), (relu(attrs=[]), "must be texts"), (relu(name=""), "no name"),
    (relu(name=7), "no name"), (relu(inputs=[]), "has 0 inputs"), (relu(inputs=[[0, 0, 0]] * 2), "has 2 inputs"),
    (relu(inputs=[[1, 0, 0]]), "no such node"), (relu(inputs=[[0, 1, 0]]), "no such output"),
    (relu(inputs=[[-1, 0, 0]]), "must be the place"), (relu(inputs=[[2 ** 40, 0, 0]]), "must be the place"),
    (relu(inputs=[[0.5, 0, 0]]), "must be the place"), (relu(inputs=[0]), "must be the place"),
    (relu(inputs={}), "no list of inputs"), (relu(attrs={"file": "/etc/passwd"}), "an attribute file"),
    (relu(attrs={"act_type": "relu;x"}), "act_type is"),
    ({"op": "null", "name": "b", "inputs": [[0, 0, 0]]}, "has inputs"),
    (X, "one name")])
def test_nodes_that_are_refused(tmp_path, node, message):
    with pytest.raises(ValueError, match=message):
        checked_graph(write(tmp_path, X, node))


@pytest.mark.parametrize("op, name, value", [
    ("Pooling", "stride", "(0, 0)"), ("Pooling", "kernel", "(-1, 1)"), ("Pooling", "kernel", "(1099511627776, 1)"),
    ("SliceChannel", "num_outputs", "0"), ("SliceChannel", "num_outputs", "-1"), ("slice", "step", "(0,)"),
    ("UpSampling", "scale", "1099511627776"), ("topk", "k", "-5"), ("Reshape", "shape", "(9223372036854775808,)"),
    ("_plus_scalar", "scalar", "nan(x)"), ("_plus_scalar", "scalar", "__import__('os')"),
    ("clip", "a_min", "1e" + "9" * 50),
    ("SwapAxis", "dim1", "2147483647"), ("expand_dims", "axis", "-9999"), ("softmax", "dtype", "../x"),
    ("_contrib_Proposal", "ratios", "(0,)"), ("_contrib_Proposal", "scales", "()"),
    ("_contrib_Proposal", "feature_stride", "0"), ("_contrib_Proposal", "rpn_post_nms_top_n", "-1"),
    ("Convolution", "num_group", "0"), ("Flatten", "__note__", "x" * 30000)])
def test_attributes_that_are_refused(tmp_path, op, name, value):
    with pytest.raises(ValueError, match=f"its attribute {name}"):
        checked_graph(write(tmp_path, X, relu(op=op, attrs={name: value})))


def test_statistics_must_be_parameters(tmp_path):
    names = [{"op": "null", "name": f"v{number}", "inputs": []} for number in range(4)]
    norm = {"op": "BatchNorm", "name": "bn", "attrs": {}, "inputs": [[place, 0, 0] for place in (0, 1, 2, 5, 4)]}
    with pytest.raises(ValueError, match="must be a parameter"):
        checked_graph(write(tmp_path, X, *names, relu(), norm))


@pytest.mark.parametrize("content", [
    "", "[]", "{}", "5", '{"nodes": 5}', '{"nodes": []}', "[" * 100000, '{"nodes": [5], "heads": [[0,0,0]]}',
    json.dumps({"nodes": [X], "heads": []}), json.dumps({"nodes": [X], "heads": [[1, 0, 0]]}),
    json.dumps({"nodes": [X], "heads": [[0, 3, 0]]}), json.dumps({"nodes": [X], "heads": 1}), "\ud800"])
def test_files_that_are_none(tmp_path, content):
    (tmp_path / "g.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError):
        checked_graph(str(tmp_path / "g.json"))


def test_how_a_parameter_would_be_initialised_is_left_out(tmp_path):
    var = {**X, "attrs": {"__init__": '["load", {"param": "/etc/passwd"}]', "__dtype__": "0", "__shape__": "(-1,)"}}
    assert json.loads(checked_graph(write(tmp_path, var)))["nodes"][0]["attrs"] == {"__dtype__": "0"}


def test_arrays_that_would_be_too_large(tmp_path):
    big = relu(op="broadcast_to", attrs={"shape": "(2000000, 2000000)"})
    symbol = mx.sym.load_json(checked_graph(write(tmp_path, X, big)))
    with pytest.raises(ValueError, match="more than 1,073,741,824 numbers"):
        check_array_sizes(symbol, {"data": (1, 1)})
