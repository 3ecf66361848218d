"""Streams of images: the answers are those of single calls, in order, whatever is in flight."""
import threading
import time

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.engine.inference import requests, streaming
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.file_reading import ReadFile
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.engine.inference.requests import NetworkRequests, ThreadedRequests
from light_head_rcnn.errors import DataError, UsageError

PREPARATION = InputPreparation(((40, 60),), (0, 0, 0), (1, 1, 1), 1)


def mean_net(x, im_info):
    """Finds one box, of which the left side is the image's mean and the right one 1000 more; padding behind it."""
    means = x.asnumpy().mean(axis=(1, 2, 3))[:, None]
    first = np.concatenate([means / 20, means * 0, means / 20 + 1, means * 0 + 9], axis=1)
    rows = np.stack([first, np.full_like(first, -1)], axis=1)
    return [mx.nd.array(array) for array in (np.tile([[[0], [-1]]], (len(x), 1, 1)),
                                             np.tile([[[0.75], [-1]]], (len(x), 1, 1)), rows)]


class Slow(Detector):
    """A detector with threaded requests of which later ones end earlier."""

    def requests(self, count=None):
        def model(x, im_info):
            time.sleep(0.02 * (float(x.mean()) % 3))
            return [array.asnumpy() for array in mean_net(mx.nd.array(x), im_info)]

        return ThreadedRequests(model, 3)


def detector(kind=Detector):
    return kind(mean_net, ("spot",), PREPARATION)


def pictures(count=23):
    """Gray images of several sizes; neighbours often have the same one."""
    return [np.full((50, 60 + 5 * (number // 3 % 2), 3), 5 * number, np.uint8) for number in range(count)]


def alive():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("lhrcnn")]


@pytest.mark.parametrize("kind", [Detector, Slow])
def test_answers_are_those_of_single_calls_in_order(kind):
    images = pictures()
    found = list(detector(kind).stream(iter(images)))
    assert len(found) == len(images) and not alive()
    for answer, image in zip(found, images):
        alone = detector()(image)
        assert len(alone.ids) == 1
        for one, other in zip(answer, alone):
            np.testing.assert_allclose(one, other, atol=1e-4)


def test_small_images_of_one_size_go_through_mxnet_together(monkeypatch):
    sizes = []

    def net(x, im_info):
        sizes.append(x.shape)
        return mean_net(x, im_info)

    one = Detector(net, ("spot",), PREPARATION)
    list(one.stream(pictures(9) + ["not there.jpg"] + pictures(2), yield_errors=True))
    assert sizes == [(3, 3, 40, 48), (3, 3, 40, 52), (3, 3, 40, 48), (2, 3, 40, 48)]
    assert NetworkRequests(None, [mx.cpu()]).batch_of(800, 1200) == 1
    monkeypatch.setattr(requests, "_LARGEST_BATCH", 1)
    del sizes[:]
    list(one.stream(pictures(4)))
    assert [shape[0] for shape in sizes] == [1] * 4


@pytest.mark.parametrize("kind", [Detector, Slow])
def test_an_unreadable_image_is_raised_in_its_place_or_passed_on(kind, tmp_path):
    Image.fromarray(pictures(3)[2]).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no image")
    images = [*pictures(4), tmp_path / "bad.png", tmp_path / "good.png", *pictures(2)]
    stream = detector(kind).stream(images)
    for image in images[:4]:
        np.testing.assert_allclose(next(stream).boxes, detector()(image).boxes, atol=1e-4)
    with pytest.raises(DataError, match="bad.png"):
        next(stream)
    assert not alive() and list(stream) == []
    answers = list(detector(kind).stream(images, yield_errors=True))
    assert [number for number, answer in enumerate(answers) if isinstance(answer, DataError)] == [4]
    np.testing.assert_allclose(answers[5].boxes, detector()(images[5]).boxes, atol=1e-4)
    assert len(answers) == len(images)


@pytest.mark.parametrize("kind", [Detector, Slow])
def test_a_bounded_number_of_images_is_in_flight_and_closing_ends_the_threads(kind):
    taken = []

    def images():
        for number in range(1000):
            taken.append(number)
            yield np.full((50, 60, 3), number % 200, np.uint8)

    stream = detector(kind).stream(images())
    next(stream)
    assert alive() and len(taken) < 60
    stream.close()
    assert not alive() and list(stream) == []
    del stream
    stream = detector(kind).stream(images())
    next(stream)
    del stream
    assert not alive()


@pytest.mark.parametrize("kind", [Detector, Slow])
def test_errors_of_the_images_and_of_the_network_come_through(kind):
    def images():
        yield from pictures(5)
        raise ZeroDivisionError("no more")

    found = []
    with pytest.raises(ZeroDivisionError, match="no more"):
        for answer in detector(kind).stream(images()):
            found.append(answer)
    assert len(found) == 5 and not alive()
    with pytest.raises(DataError):
        list(detector(kind).stream(["no", "such", "files"]))
    broken = detector()
    broken.views = lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        list(broken.stream(pictures(3)))
    assert not alive()


def test_a_single_image_is_no_stream(tmp_path):
    for image in ("photo.jpg", tmp_path, pictures(1)[0], Image.new("RGB", (4, 4))):
        with pytest.raises(UsageError, match="several images"):
            detector().stream(image)
    assert len(list(detector().stream(np.stack(pictures(3))))) == 3
    assert list(detector().stream([])) == []


def test_devices_take_turns():
    used = []

    def views(inputs, context):
        used.append(context)
        return mean_net(mx.nd.array(inputs[0][0]), None)

    with NetworkRequests(views, [mx.cpu(0), mx.cpu(1)]) as started:
        assert started.in_flight == 4
        for _ in range(3):
            started.begin([(np.zeros((1, 3, 4, 4), np.float32), np.ones((1, 3), np.float32))])()
    assert [context.device_id for context in used] == [0, 1, 0]


def test_few_large_photographs_are_kept_for_a_batch(monkeypatch):
    sizes = []

    def net(x, im_info):
        sizes.append(len(x))
        return mean_net(x, im_info)

    one = Detector(net, ("spot",), PREPARATION)
    image = pictures(1)[0]
    reads = [ReadFile(image, one.inputs(image)[0], image.shape[:2]) for _ in range(6)]
    monkeypatch.setattr(streaming, "_KEPT_BYTES", 2.5 * image.nbytes)
    assert len(list(streaming.answers(one.requests(), reads))) == 6 and sizes == [2, 2, 2]
