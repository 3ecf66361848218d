"""Memory over steps and detections of changing sizes: a short form of experiments/benchmarks/memory_over_time.py."""
import itertools
import logging
import os

import mxnet as mx
import numpy as np
import pytest
from light_head_rcnn.engine.inference.detector import Detector
from light_head_rcnn.engine.training.run import TrainingRun
from light_head_rcnn.process_memory import resident_megabytes

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks into /proc")
MOST = 6.0  # megabytes; a leak of 100 kB a time, less than the images of one batch, makes more


@pytest.fixture(scope="module")
def run(configuring, tmp_path_factory):
    cfg = configuring(tmp_path_factory.mktemp("memory"), "network: {model: light_head_rcnn_xception_coco}\n")(
        "run", "TRAIN.NUM_WORKERS", 0, "TRAIN.SCALES", "[[48, 96], [64, 96], [80, 96]]", "TRAIN.SCALE_JITTER",
        "[0.8, 1]", "dataset.test_image_set", "")
    return TrainingRun(cfg, [mx.cpu()], logging.getLogger("test"))


def growth(act, warm, count):
    """Megabytes by which the memory grows while `act` is called `count` times, after `warm` calls."""
    for number in range(warm):
        act(number)
    mx.nd.waitall()
    before = resident_megabytes()
    for number in range(count):
        act(number)
    mx.nd.waitall()
    return resident_megabytes() - before


@pytest.mark.parametrize("leak", [False, True])
def test_training_steps(run, leak):
    batches = list(itertools.chain.from_iterable(run.trainer.loader.epoch(epoch) for epoch in range(4)))
    assert len({batch[0].shape for batch in batches}) > 3
    kept = []

    def step(number):
        batch = batches[number % len(batches)]
        run.trainer.train_step(batch)
        if leak:
            kept.append(np.ones((100, 250), np.float32))
    found = growth(step, 4 * len(batches), 80)
    assert (found > MOST) == leak, found


@pytest.mark.parametrize("leak", [False, True])
def test_detections(run, leak):
    detector = Detector.of(run._cfg, run.net, [mx.cpu()])
    random, kept = np.random.RandomState(0), []
    images = [random.randint(0, 256, (*random.randint(40, 90, 2), 3)).astype(np.uint8) for _ in range(10)]

    def detect(number):
        answer = detector(images[number % len(images)])
        if leak:
            kept.append((answer, np.ones((100, 250), np.float32)))
    found = growth(detect, 60, 100)
    assert (found > MOST) == leak, found
