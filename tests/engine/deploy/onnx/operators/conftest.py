"""What the tests of operators in ONNX share: one graph of an operator, run by each engine that is installed."""
import numpy as np
import pytest


def _onnxruntime(model, inputs):
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, inputs)


def _openvino(model, inputs):
    openvino = pytest.importorskip("openvino", reason="needs the package openvino")
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU",
                                  {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    answers = compiled(inputs)
    return [answers[output] for output in compiled.outputs]


@pytest.fixture(params=[_onnxruntime, _openvino], ids=["onnxruntime", "openvino"])
def run_operator(request):
    """Function that builds a graph and runs it in an engine, once with each engine.

    It takes a function of the builder and the names of the inputs, which returns the outputs' names; the inputs {name:
    array}, whose sizes the graph does not know; and how many axes each output has. It returns the arrays.
    """
    pytest.importorskip("onnx", reason="needs the package onnx")
    from light_head_rcnn.engine.deploy.onnx.builder import GraphBuilder

    def run(function, inputs, axes):
        g = GraphBuilder("operator")
        names = [g.input(name, array.dtype, [f"{name}_{axis}" for axis in range(array.ndim)])
                 for name, array in inputs.items()]
        outputs = function(g, *names)
        outputs = [outputs] if isinstance(outputs, str) else outputs
        for number, (value, count) in enumerate(zip(outputs, axes)):
            g.output(value, f"out{number}", np.float32, [None] * count)
        return request.param(g.model(), inputs)

    return run
