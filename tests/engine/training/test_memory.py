"""Memory over steps and detections of changing sizes: a short form of experiments/benchmarks/memory_over_time.py."""
import itertools
import logging
import os

import mxnet as mx
import numpy as np
import pytest
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.training.run import TrainingRun
from light_head_rcnn.process_memory import resident_megabytes, return_free_memory

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
MOST = 8.0  # megabytes by which the memory may grow


@pytest.fixture(scope="module")
def run(configuring, tmp_path_factory):
    cfg = configuring(tmp_path_factory.mktemp("memory"), "network: {model: light_head_rcnn_xception_coco}\n")(
        "run", "TRAIN.NUM_WORKERS", 0, "TRAIN.SCALES", "[[32, 48], [64, 96], [80, 128]]", "TRAIN.SCALE_JITTER",
        "[0.6, 1.2]", "dataset.test_image_set", "")
    return TrainingRun(cfg, [mx.cpu()], logging.getLogger("test"))


def used_megabytes():
    """The memory of this process, without what earlier tests have freed and the C library keeps."""
    mx.nd.waitall()
    return_free_memory()
    return resident_megabytes()


def growth(act, count):
    """Megabytes by which the memory grows while `act` is called with the numbers up to `count`."""
    before = used_megabytes()
    for number in range(count):
        act(number)
    return used_megabytes() - before


def check(act, warm, count):
    """Checks that the memory stays flat after `warm` calls, and that a leak as large as a batch would be noticed."""
    growth(act, warm)
    found = growth(act, count)
    assert found < MOST
    kept = []

    def leak(number):
        act(number)
        kept.append(np.ones((2, 3, 192, 192), np.float32))
    assert growth(leak, count) > found + MOST


@pytest.mark.slow
def test_training_steps(run):
    batches = list(itertools.chain.from_iterable(run.trainer.loader.epoch(epoch) for epoch in range(3)))
    assert len({batch[0].shape for batch in batches}) > 2
    check(lambda number: run.trainer.train_step(batches[number % len(batches)]), 2 * len(batches), 24)


def test_detections(run):
    detector, random = Detector.of(run._cfg, run.net, [mx.cpu()]), np.random.RandomState(0)
    images = [random.randint(0, 256, (*random.randint(40, 90, 2), 3)).astype(np.uint8) for _ in range(10)]
    check(lambda number: detector(images[number % len(images)]), 40, 60)
