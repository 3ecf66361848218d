"""Streams through an engine: of few images one at a time, of many several at a time; answers are those of single calls.
"""
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from light_head_rcnn.engine.deploy.engines.engine_detector import EngineDetector
from light_head_rcnn.engine.deploy.engines.streaming import ParallelModel, open_parallel
from light_head_rcnn.engine.deploy.onnx import detect as script
from light_head_rcnn.engine.inference.input_preparation import InputPreparation


def test_one_call_at_a_time_in_a_thread_of_its_own():
    calls, busy = [], threading.Lock()

    def model(images, im_info):
        assert busy.acquire(blocking=False)  # an engine's model is not called twice at a time
        try:
            calls.append((threading.current_thread().name, images.shape))
            place = images.mean(axis=(1, 2, 3)).reshape(-1, 1, 1) / 10
            return [np.concatenate([place, place, place + 5, place + 5], axis=2), np.float32([[0.75]]), np.int64([[0]]),
                    np.int64([1])]
        finally:
            busy.release()

    detector = EngineDetector(model, ("thing",), InputPreparation(((40, 60),), (0, 0, 0), None, 1), "openvino")
    images = [np.full((50, 60, 3), 10 * number, np.uint8) for number in range(12)]
    found = list(detector.stream(images))
    assert {name for name, _ in calls} == {calls[0][0]} and calls[0][0].startswith("lhrcnn-request")
    assert [shape for _, shape in calls] == [(1, 3, 40, 48)] * 12
    for image, answer in zip(images, found):
        alone = detector(image)
        for one, other in zip(answer, alone):
            np.testing.assert_allclose(one, other, atol=1e-5)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lhrcnn")]


def test_many_images_go_through_a_model_of_several_calls_that_is_loaded_once():
    loaded, together = [], threading.Barrier(2, timeout=20)

    def one(images, im_info):
        return [np.float32([[[1, 2, 3, 4]]]), np.float32([[0.5]]), np.int64([[0]]), np.int64([1])]

    def several(images, im_info):
        together.wait()  # passes when two calls are under way
        return one(images, im_info)

    def load():
        loaded.append(1)
        return ParallelModel(several, 2)

    detector = EngineDetector(one, ("thing",), InputPreparation(((40, 60),), (0, 0, 0), None, 1), "onnxruntime",
                              open_parallel=load)
    image = np.zeros((50, 60, 3), np.uint8)
    assert len(list(detector.stream([image] * 4))) == 4 and not loaded
    for images in ([image] * 64, (image for _ in range(6))):  # of a generator nobody knows the length
        found = list(detector.stream(images))
        assert len(found) in (6, 64) and found[0].scores.tolist() == [0.5]
    assert loaded == [1]


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_parallel_models_answer_as_single_ones(engine, tmp_path):
    pytest.importorskip(engine)
    onnx = pytest.importorskip("onnx")
    info = onnx.helper.make_tensor_value_info
    inputs = [info("images", 1, ["N", 3, "H", "W"]), info("im_info", 1, ["N", 3])]
    nodes = [onnx.helper.make_node("ReduceMean", ["images"], ["scores"], axes=[1, 2, 3], keepdims=0),
             onnx.helper.make_node("ReduceSum", ["im_info"], ["boxes"], keepdims=0),
             onnx.helper.make_node("Abs", ["scores"], ["classes"]),
             onnx.helper.make_node("Neg", ["scores"], ["counts"])]
    outputs = [info("boxes", 1, []), *(info(name, 1, ["N"]) for name in ("scores", "classes", "counts"))]
    graph = onnx.helper.make_graph(nodes, "g", inputs, outputs)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 16)], ir_version=8),
              str(tmp_path / script.MODEL))
    model, calls = open_parallel(tmp_path, engine, 2, "float32")
    assert calls >= 1
    batches = [np.full((1, 3, 64, 64 + number), number, np.float32) for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda batch: model(batch, np.float32([[1, 2, batch[0, 0, 0, 0]]])), batches))
    for number, (boxes, scores, classes, counts) in enumerate(answers):
        assert [float(np.squeeze(array)) for array in (boxes, scores, classes, counts)] == pytest.approx(
            [3 + number, number, number, -number], abs=1e-4)
