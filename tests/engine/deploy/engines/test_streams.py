"""Streams through an engine: the model is called from a thread, one image at a time, and answers as in single calls."""
import threading

import numpy as np

from light_head_rcnn.engine.deploy.engines.engine_detector import EngineDetector
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
