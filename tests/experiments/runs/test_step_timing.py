"""From a few measured steps to the seconds of a run."""
import itertools

import pytest

from light_head_rcnn.experiments.runs import step_timing

FILE = """
network: {model: light_head_rcnn_xception_coco, NORM: batch, FIXED_PARAMS: []}
dataset: {dataset: shapes, dataset_path: nowhere}
"""


class Training:
    """A training of 300 steps, tested on 40 images."""

    def __init__(self, cfg, contexts, logger):
        self.trainer, self.total = self, 300
        self.test_set = type("Set", (), {"records": range(40)})

    def time_steps(self, count):
        return iter(range(count))


@pytest.mark.parametrize("test_every, tests", [(0, 1), (3, 4), (5, 2), (50, 1)])
def test_seconds_of_a_run(tmp_path, monkeypatch, test_every, tests):
    """A step takes a second after the first ones: it has 2 images, and a test half the time of a step an image."""
    monkeypatch.setattr(step_timing, "TrainingRun", Training)
    clock = itertools.chain([0, 10, 20], itertools.cycle([21, 22, 23, 24, 0, 10, 20]))
    monkeypatch.setattr(step_timing.time, "monotonic", lambda: next(clock))
    (tmp_path / "run.yaml").write_text(FILE)
    cfg = step_timing.load_config(tmp_path / "run.yaml", {
        "TRAIN.BATCH_IMAGES": 2, "TRAIN.end_epoch": 10, "TRAIN.TEST_EVERY": test_every})
    test = 40 / 2 / 2
    assert step_timing.predict_seconds(cfg, [None], True) == step_timing.START_SECONDS + test
    assert step_timing.predict_seconds(cfg, [None], False) == step_timing.START_SECONDS + tests * test + 300
