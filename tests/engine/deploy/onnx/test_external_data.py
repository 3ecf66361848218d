"""Tensors of ONNX files that name other files."""
import numpy as np
import pytest

from light_head_rcnn.engine.deploy.onnx.external_data import has_external_data

onnx = pytest.importorskip("onnx", reason="needs the package onnx")


def outside(name="w"):
    tensor = onnx.TensorProto(name=name, data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return tensor


def inside(name="w"):
    return onnx.numpy_helper.from_array(np.arange(300, dtype=np.float32), name)


def model_of(tensor, where):
    """A model that has a tensor in one of the places where ONNX has tensors."""
    helper = onnx.helper
    graph = helper.make_graph([], "inner", [], [], [tensor])
    sparse = onnx.SparseTensorProto(values=tensor, indices=inside(), dims=[9])
    model = helper.make_model(helper.make_graph([], "outer", [], []), producer_name="a test")
    nodes = {
        "attribute": helper.make_node("Constant", [], ["c"], value=tensor),
        "attributes": helper.make_node("Odd", [], ["c"], values=[inside(), tensor]),
        "body": helper.make_node("If", ["x"], ["c"], then_branch=graph),
        "bodies": helper.make_node("Odd", ["x"], ["c"], branches=[graph]),
    }
    if where in nodes:
        model.graph.node.append(nodes[where])
    elif where == "function":
        model.functions.add(name="f").node.append(nodes["body"])
    elif where == "training":
        model.training_info.add().algorithm.CopyFrom(graph)
    elif where == "sparse":
        model.graph.sparse_initializer.append(sparse)
    else:
        model.graph.initializer.extend([inside("v"), tensor])
    return model.SerializeToString()


@pytest.mark.parametrize("where", ["weight", "attribute", "attributes", "body", "bodies", "function", "training",
                                   "sparse"])
def test_tensors_are_found_wherever_they_are(where):
    assert has_external_data(model_of(outside(), where))
    assert not has_external_data(model_of(inside(), where))


def test_either_field_is_enough():
    assert has_external_data(model_of(onnx.TensorProto(data_location=1), "weight"))
    tensor = onnx.TensorProto()
    tensor.external_data.add(key="location", value="x")
    assert has_external_data(model_of(tensor, "weight"))


def test_files_that_were_cut_short_or_are_none():
    whole = model_of(inside(), "weight")
    for length in range(1, len(whole)):
        try:
            assert not has_external_data(whole[:length])
        except ValueError:
            pass
    with pytest.raises(ValueError, match="cut short"):
        has_external_data(whole[:-1])
    for other in (b"\x89PNG\r\n\x1a\n", b"no model at all", b"\xff" * 20):
        with pytest.raises(ValueError):
            has_external_data(other)
