"""A study of two rows on two data sets, and runs of it that train nothing."""
import json
from pathlib import Path

import mxnet as mx
import pytest

from light_head_rcnn.engine.checkpoints import checkpoint_files
from light_head_rcnn.experiments.runs.state import State
from light_head_rcnn.experiments.studies import planning, running, study

FILE = """
title: A trial
question: Does it run?
base: photos_s
seeds: 2
datasets:
  first: {dataset.dataset: shapes}
  second: {dataset.dataset: shapes, TRAIN.lr: 0.0003}
values: {TRAIN.end_epoch: 2}
rows:
  plain: {label: the plain row}
  other: {label: the other row, values: {TRAIN.lr: 0.001}}
steps:
  - {from: plain, to: other, claim: it is better, direction: +}
  - {from: plain, to: other, claim: it is faster, direction: +, metric: images/s}
"""


class Workshop:
    """Takes the place of the runner of commands: a training writes the files of one, AP of 30% and more."""

    def __init__(self, folder, seeds=2, overrides=()):
        (folder / "own.yaml").write_text(FILE)
        self.folder, self.study = folder / "work", study.read_study(str(folder / "own.yaml"))
        self.plan(seeds, overrides)
        self.state, self.commands, self.told, self.stopped = State(self.folder / "state.json"), [], [], 0
        self.end_before = self.fail_on = None
        self.has_objects = True

    def plan(self, seeds=2, overrides=()):
        self.runs = planning.plan_runs(self.study, list(self.study.data_sets), list(self.study.rows), seeds,
                                       Path("data"), self.folder, overrides)

    def go(self, **options):
        return running.run_study(self.runs, self.state, ["--cpu"], self, self.told.append, **options)

    def stop(self):
        self.stopped += 1

    def run(self, words, log, until=None, watch=None):
        folder, place = Path(log).parent, str(Path(log).parent.relative_to(self.folder))
        if len(self.commands) == self.end_before:
            return False
        self.commands.append(place)
        if self.fail_on is not None:
            self.fail_on(place)
        write_run(folder, 0.3 + 0.1 * ("other" in place) + 0.01 * int(folder.name[-1]))
        if not self.has_objects:
            for path in folder.glob("test*/metrics.json"):
                path.write_text(json.dumps({"coco": {"AP": None, "AP50": None, "AP75": None, "per_class": {}}}))
        watch(10 ** 9)  # no process has that number
        return True


def write_run(folder, accuracy):
    """The files of a training of two epochs whose first epoch was the best by one percent."""
    prefix = str(folder / folder.parent.name)
    for epoch in (1, 2):
        arrays = {"arg:w": mx.nd.zeros((100, 500)), "aux:mean": mx.nd.zeros(7)}
        base = checkpoint_files.write_checkpoint(prefix, f"000{epoch}", checkpoint_files.Content(
            arrays, {}, {}, ["a", "b"]), epoch, 10 * epoch, {"steps_per_epoch": 10})
        if epoch == 1:
            checkpoint_files.copy_checkpoint(base, prefix, "best", {"test": {"AP": accuracy + 0.01}})
    for name, value in (("test-epoch-0001", accuracy + 0.01), ("test", accuracy)):
        classes = {"a": {"AP": value, "AP50": value + 0.3}, "b": {"AP": value, "AP50": None}}
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "metrics.json").write_text(json.dumps({"coco": {
            "AP": value, "AP50": value + 0.2, "AP75": value - 0.1, "per_class": classes}}))
    lines = [{"step": step, "images_per_second": speed} for step, speed in enumerate((1.0, 4.0, 5.0), 1)]
    (folder / "losses.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def workshop(tmp_path):
    return Workshop(tmp_path)
