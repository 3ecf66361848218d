"""The builder of ONNX graphs."""
import sys

import numpy as np
import pytest

from light_head_rcnn.engine.deploy.onnx.builder import FLOAT, GraphBuilder, import_onnx
from light_head_rcnn.errors import LibraryError


@pytest.fixture(autouse=True)
def onnx():
    return pytest.importorskip("onnx", reason="needs the package onnx")


def test_equal_constants_are_one_and_names_are_unique(run_onnx):
    g = GraphBuilder()
    x = g.input("x", np.float32, ("N", 3))
    one = g.constant(np.float32(1))
    assert g.constant(1.0) == one and g.constant(1) != one and g.constant([1.0]) != one
    with g.scope("head"), g.scope("inner"):
        names = [g.add("Add", [x, one]) for _ in range(3)]
    assert names == ["head/inner/Add", "head/inner/Add_1", "head/inner/Add_2"]
    g.output(names[2], "y", np.float32, ("N", 3))
    model = g.model({"made by": "a test"})
    assert {entry.key: entry.value for entry in model.metadata_props} == {"made by": "a test"}
    assert model.opset_import[0].version == 16 and model.ir_version == 8
    assert run_onnx(model, {"x": np.zeros((2, 3), np.float32)})[0].tolist() == [[1, 1, 1], [1, 1, 1]]


def test_several_outputs_left_out_inputs_and_array_attributes(run_onnx):
    g = GraphBuilder()
    x = g.input("x", np.float32, (1, 1, 2, 2))
    near, far = g.add("Split", [x], outputs=2, axis=3)
    larger = g.add("Resize", [near, "", g.constant(np.array([1, 1, 1, 2], np.float32))], mode="nearest")
    filled = g.add("ConstantOfShape", [g.add("Shape", [far])], value=np.array([7], np.float32))
    g.output(g.add("Concat", [larger, filled], axis=3), "y", np.float32, (1, 1, 2, 3))
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    assert run_onnx(g.model(), {"x": x})[0][0, 0].tolist() == [[0, 0, 7], [2, 2, 7]]


def test_a_body_sees_the_outer_graph(run_onnx):
    g = GraphBuilder()
    x = g.input("x", np.float32, (3,))
    inner = g.body("loop")
    inner.input("number", np.int64, ())
    go_on, total = inner.input("go_on", np.bool_, ()), inner.input("total", np.float32, (3,))
    inner.output(go_on, "go_on_out", np.bool_, ())
    inner.output(inner.add("Add", [total, inner.add("Mul", [x, inner.constant(2.0)])]), "total_out", np.float32, (3,))
    total = g.add("Loop", [g.constant(4), g.constant(True), g.constant(np.zeros(3, np.float32))], body=inner.graph())
    g.output(total, "y", np.float32, (3,))
    assert run_onnx(g.model(), {"x": np.arange(3, dtype=np.float32)})[0].tolist() == [0, 8, 16]


def test_an_input_with_a_default_may_be_left_out(run_onnx):
    g = GraphBuilder()
    x, step = g.input("x", np.float32, ("N",)), g.input("step", np.float32, ("M",), default=np.ones(1))
    g.output(g.add("Add", [x, step]), "y", np.float32, ("N",))
    model, x = g.model(), np.zeros(2, np.float32)
    assert run_onnx(model, {"x": x})[0].tolist() == [1, 1]
    assert run_onnx(model, {"x": x, "step": np.array([2, 3], np.float32)})[0].tolist() == [2, 3]


def test_an_unsound_graph_is_refused(onnx):
    g = GraphBuilder()
    g.output(g.add("Cast", ["nothing"], to=FLOAT), "y", np.float32, ())
    with pytest.raises(onnx.checker.ValidationError):
        g.model()
    with pytest.raises(ValueError, match="'y' already"):
        g.input("y", np.float32, ())


def test_a_missing_onnx_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(LibraryError, match=r"onnx, which is not installed.*pip install 'light_head_rcnn\[onnx\]'"):
        import_onnx()
