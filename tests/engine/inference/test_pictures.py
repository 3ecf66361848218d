"""Pictures of detections: files are read ahead, bad ones are reported, and what is drawn does not depend on how."""
import json
import logging

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn.engine.building import loaders
from light_head_rcnn.engine.inference import file_reading, pictures
from light_head_rcnn.engine.inference.detections import Detections
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.image_files import find_images
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.engine.inference.json_detections import as_json

LOGGER = logging.getLogger("test")


def brightest_pixel_net(x, im_info):
    """Finds one box around the brightest pixel of each image."""
    sums = x.asnumpy()[0].sum(axis=0)
    y, column = np.unravel_index(sums.argmax(), sums.shape)
    box = np.array([[[column - 3, y - 3, column + 3, y + 3]]], np.float32)
    return [mx.nd.array(array) for array in (np.zeros((1, 1, 1)), np.full((1, 1, 1), 0.75), box)]


@pytest.fixture
def detector():
    return Detector(brightest_pixel_net, ("spot",), InputPreparation(((40, 60),), (1, 2, 3), (1, 1, 1), 1))


@pytest.fixture
def folder(tmp_path):
    """Nine images with a spot each, of several sizes and formats, and two files that are no images."""
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.RandomState(0)
    for number in range(9):
        pixels = rng.randint(0, 100, (50 + 5 * number, 60, 3)).astype(np.uint8)
        pixels[10 + number:16 + number, 20:26] = 255
        Image.fromarray(pixels).save(folder / f"{number}.{'jpg' if number % 2 else 'png'}", quality=95)
    for number in (2, 7):
        (folder / f"{number}.broken.jpg").write_text("no image")
    return folder


def write(detector, folder, out, num_workers):
    failures = pictures.write_pictures(detector, find_images([folder]), 0.5, out, LOGGER, num_workers)
    return failures, json.loads((out / "detections.json").read_text())


def test_workers_and_large_images_change_nothing(detector, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(loaders, "_WORTH_WORKERS", 1)
    failures, entries = write(detector, folder, tmp_path / "alone", 0)
    assert [entry["picture"] for entry in entries] == [f"{i}.{'jpg' if i % 2 else 'png'}" for i in range(9)]
    assert len(failures) == 2 and "2.broken.jpg" in failures[0] and "7.broken.jpg" in failures[1]
    for number, entry in enumerate(entries):
        left, top, right, bottom = entry["detections"][0]["box"]
        assert abs((left + right) / 2 - 23) < 5 and abs((top + bottom) / 2 - 13 - number) < 5
    for large in (25, 0.004):  # in the second case the larger half of the images is not sent
        monkeypatch.setattr(file_reading, "_LARGE_IMAGE", large)
        out = tmp_path / str(large)
        assert write(detector, folder, out, 2) == (failures, entries)
        for entry in entries:
            assert (out / entry["picture"]).read_bytes() == (tmp_path / "alone" / entry["picture"]).read_bytes()


def test_without_pictures_large_files_are_decoded_as_by_a_call(detector, folder, tmp_path):
    """At a part of their size, which moves the brightest pixel of noise a little."""
    noise = np.random.RandomState(1).randint(0, 256, (460, 620, 3)).astype(np.uint8)
    Image.fromarray(noise).save(folder / "large.jpg", quality=95)
    out = tmp_path / "out"
    failures = pictures.write_pictures(detector, find_images([folder]), 0.5, out, LOGGER, has_pictures=False)
    entries = json.loads((out / "detections.json").read_text())
    assert len(failures) == 2 and len(entries) == 10 and [path.name for path in out.iterdir()] == ["detections.json"]
    for entry in entries:
        assert set(entry) == {"image", "detections"}
        ids, scores, boxes = detector(entry["image"])
        assert entry["detections"] == as_json(Detections(ids, scores, boxes), detector.classes)
    drawn = write(detector, folder, tmp_path / "drawn", 0)[1]
    unlike = [entry["image"] for entry, other in zip(entries, drawn) if entry["detections"] != other["detections"]]
    assert unlike == [str(folder / "large.jpg")]


def test_few_files_are_read_in_threads_without_workers(detector, folder, tmp_path, monkeypatch):
    counts = []

    class Pool(file_reading.WorkerPool):
        def __init__(self, function, num_workers, timeout, names):
            counts.append(num_workers)
            super().__init__(function, num_workers, timeout, names)

    monkeypatch.setattr(file_reading, "WorkerPool", Pool)
    write(detector, folder, tmp_path / "few", 2)
    monkeypatch.setattr(loaders, "_WORTH_WORKERS", 11)
    write(detector, folder, tmp_path / "many", 2)
    assert counts == [2]


def test_a_picture_that_cannot_be_written_ends_the_call(detector, folder, tmp_path):
    out = tmp_path / "out"
    (out / "3.jpg").mkdir(parents=True)  # a folder where a picture should go
    with pytest.raises(OSError, match="3.jpg"):
        write(detector, folder, out, 0)
    assert (out / "0.png").is_file() and not (out / "detections.json").exists()


def test_an_error_of_the_detector_comes_through(detector, folder, tmp_path):
    def fail(*inputs):
        raise ZeroDivisionError("in the network")

    detector.views = fail
    with pytest.raises(ZeroDivisionError, match="in the network"):
        write(detector, folder, tmp_path / "out", 0)
