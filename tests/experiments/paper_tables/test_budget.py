"""The budget of small runs: from measured steps to minutes, and what it refuses."""
import threading
from pathlib import Path

import pytest

from light_head_rcnn import data
from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.paper_tables import budget, scales
from light_head_rcnn.experiments.runs import step_timing
from light_head_rcnn.experiments.runs.state import State


@pytest.fixture
def runs(tmp_path):
    return scales.plan_runs(["b1", "b2", "psroi_align", "nms_50"], "shapes", 3, tmp_path)[0]


def check(runs, tmp_path, hours, jobs=1, state=None):
    """What is reported of runs."""
    told = []
    budget.check_budget(runs, state or State(tmp_path / "state.json"), tmp_path, hours, ["--cpu"], jobs, 1, told.append)
    return told


def test_minutes_of_runs(runs, tmp_path, monkeypatch):
    measured = []
    seconds = {"b1": 60.0, "b2": 120.0, "psroi_align": 180.0, "nms_50": 30.0}
    monkeypatch.setattr(budget, "measure_run", lambda run, *rest: measured.append(run.key) or seconds[run.row])
    told = check(runs, tmp_path, 1)
    assert sorted(measured) == ["b1/0", "b2/0", "nms_50/0", "psroi_align/0"]
    assert told[0].split() == ["b1", "3", "runs", "of", "1.0", "min"]
    # 3 x (1 + 2 + 3 + 0.5) minutes.
    assert told[-1].startswith("12 of 12 runs are left: about 20 min, one after the other")
    assert "about 10 min, 2 side by side" in check(runs, tmp_path, 1, jobs=2)[-1]
    with pytest.raises(UsageError, match="more than --hours 0.3 allows"):
        check(runs, tmp_path, 0.3)
    check(runs, tmp_path, 0.3, jobs=2)


def test_what_is_done_costs_nothing(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "measure_run", lambda run, *rest: 60.0)
    state = State(tmp_path / "state.json")
    for run in runs[:-1]:
        state.put(run.key, {})
    assert "1 of 12 runs are left: about 1 min, one after the other" in check(runs, tmp_path, 1, 2, state)[-1]
    state.put(runs[-1].key, {})
    assert check(runs, tmp_path, 0, 2, state) == []


def test_as_many_rows_are_measured_at_once_as_runs_will_go(runs, tmp_path, monkeypatch):
    both = threading.Barrier(2)
    monkeypatch.setattr(budget, "measure_run", lambda run, *rest: both.wait(30) and 60.0 or 60.0)
    check(runs, tmp_path, 1, jobs=2)


@pytest.fixture
def small(tmp_path):
    """Function from overrides to the run of a row on ten images."""
    data.write_shapes(tmp_path / "set", train=6, val=4, style=data.shapes.HARD)

    def plan(row, *overrides):
        return scales.plan_runs(["psroi_align", row], "shapes", 1, tmp_path, [
            "dataset.dataset_path", str(tmp_path / "set"), "TRAIN.BATCH_IMAGES", "2", *overrides])[0][-1]

    return plan


@pytest.mark.slow
def test_steps_are_measured_in_a_process(small, tmp_path):
    """Of 1200 steps, three an epoch. One takes longer than 10 ms; three of them take no second each."""
    run = small("psroi_align", "TRAIN.end_epoch", "400")
    assert budget.measure_run(run, tmp_path, ["--cpu"], 1) - step_timing.START_SECONDS > 12
    assert not list(tmp_path.glob("*.yaml")) and not list(tmp_path.rglob("*.params"))


def test_a_training_that_cannot_begin_is_told(small, tmp_path):
    run = small("psroi_align", "dataset.dataset_path", "no/such/folder", "dataset.dataset", "coco")
    with pytest.raises(UsageError, match="psroi_align: .*no/such/folder"):
        budget.measure_run(run, Path(tmp_path), ["--cpu"], 1)
