"""Detections of a data set: workers change nothing, and images that cannot be read are treated as its policy says."""
import logging
from dataclasses import replace
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from PIL import Image

from light_head_rcnn import data
from light_head_rcnn.engine.building import loaders
from light_head_rcnn.engine.evaluation import run
from light_head_rcnn.engine.inference import dataset_detections
from light_head_rcnn.engine.inference.dataset_detections import detect_dataset
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.inference.input_preparation import InputPreparation
from light_head_rcnn.errors import DataError
from light_head_rcnn.runtime import Threads


@pytest.fixture(autouse=True)
def many_cores(monkeypatch):
    """Workers are used for few and small images too."""
    monkeypatch.setattr(loaders, "_WORTH_WORKERS", 1)
    monkeypatch.setattr(dataset_detections, "available_threads", lambda: Threads(8, ""))


def mean_color_net(x, im_info):
    """One box for each image, whose corners are the image's mean colour."""
    means = [image[:, :int(h), :int(w)].mean(axis=(1, 2)) for image, (h, w, _) in zip(x.asnumpy(), im_info.asnumpy())]
    boxes = np.array([[[*colors, 250]] for colors in means], np.float32)
    return [mx.nd.array(array) for array in (np.zeros((len(boxes), 1, 1)), np.full((len(boxes), 1, 1), 0.5), boxes)]


@pytest.fixture
def records(tmp_path):
    rng = np.random.RandomState(0)
    records = []
    for number in range(7):
        pixels = rng.randint(0, 255, (60, 50 + 5 * number, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        records.append(data.make_record(number, str(tmp_path / f"{number}.png"), pixels.shape[1], 60, []))
    return records


def detector(contexts=None):
    return Detector(mean_color_net, ("a",), InputPreparation(((60, 1000),), (0, 0, 0), (1, 1, 1), 32), contexts)


def dataset_of(records, on_error="default"):
    return SimpleNamespace(records=records, log=data.FaultLog(data.FaultPolicy(on_error)))


def break_files(records, *positions):
    for position in positions:
        with open(records[position].path, "w") as file:
            file.write("no image")


def same(first, second):
    return all(np.array_equal(a, b) for one, other in zip(first, second) for a, b in zip(one, other))


@pytest.mark.parametrize("batch, contexts", [(1, None), (3, None), (2, [mx.cpu(0), mx.cpu(1)])])
@pytest.mark.parametrize("broken", [(), (1,), (0, 1, 2, 3), (5, 6)])
def test_the_others_are_found_as_ever(records, batch, contexts, broken):
    expected = detect_dataset(detector(), dataset_of(records))
    assert not expected.failures and all(len(found.ids) == 1 for found in expected.detections)
    break_files(records, *broken)
    for num_workers in (0, 2):
        dataset = dataset_of(records)
        for _ in range(2):  # a second test does not count an image again
            found, failures = detect_dataset(detector(contexts), dataset, batch, num_workers)
        assert sorted(failures) == list(broken) and dataset.log.counts["image_unreadable"] == len(broken)
        assert all(f"{position}.png" in message for position, message in failures.items())
        assert all(len(found[position].ids) == 0 and found[position].boxes.shape == (0, 4) for position in broken)
        good = [position for position in range(7) if position not in broken]
        assert same([found[i] for i in good], [expected.detections[i] for i in good])


def test_the_policy_may_end_the_test(records):
    break_files(records, 4)
    with pytest.raises(DataError, match=r"4.png: .*image_unreadable: drop"):
        detect_dataset(detector(), dataset_of(records, "raise"))


def test_an_image_of_another_size_than_its_record_cannot_be_read(records):
    records[2] = replace(records[2], height=61)
    assert list(detect_dataset(detector(), dataset_of(records)).failures) == [2]


def test_no_image_at_all_is_an_error(records):
    break_files(records, *range(7))
    with pytest.raises(DataError, match="none of the 7 images can be read; the first: .*0.png"):
        detect_dataset(detector(), dataset_of(records))


@pytest.mark.parametrize("cores, width, count, contexts, workers", [
    (2, 2000, 1, [mx.cpu()], 2), (2, 500, 1, [mx.cpu()], 0), (3, 500, 1, [mx.cpu()], 2), (1, 500, 1, [mx.gpu(0)], 2),
    (8, 2000, 2, [mx.cpu()], 0)])
def test_workers_where_they_save_time(monkeypatch, cores, width, count, contexts, workers):
    given = []
    monkeypatch.setattr(dataset_detections, "available_threads", lambda: Threads(cores, ""))
    monkeypatch.setattr(loaders, "_WORTH_WORKERS", count)
    monkeypatch.setattr(data, "TestLoader", lambda *args, num_workers, **options: given.append(num_workers) or [])
    records = [data.make_record(0, "x.png", width, 1500, [])]
    detect_dataset(detector(contexts), dataset_of(records), num_workers=2)
    assert given == [workers]


def test_workers_are_those_of_the_configuration(monkeypatch):
    given = []
    monkeypatch.setattr(run.Detector, "of", lambda *arguments: None)
    monkeypatch.setattr(run, "test_detector", lambda *arguments: given.append(arguments))
    cfg = SimpleNamespace(TEST=SimpleNamespace(BATCH_IMAGES=3, NUM_WORKERS=5))
    run.test_network(cfg, None, None, [], "folder", logging.getLogger("test"))
    assert given[0][3] == 3 and given[0][5] == 5
