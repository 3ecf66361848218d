"""The budget of a study: by runs that are done, by timed steps, and less what a run has behind it."""
import pytest

from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.studies import estimates


def estimate(workshop):
    return estimates.estimate_runs(workshop.runs, workshop.state, workshop.folder, ["--cpu"], workshop.told.append)


def test_steps_are_timed_once(workshop, monkeypatch):
    timed = []
    monkeypatch.setattr(estimates, "predict_in_process", lambda name, *rest: timed.append(name) or 60.0 * len(timed))
    lines = estimates.budget_lines(estimate(workshop))
    assert timed == ["first_plain", "first_other", "second_plain", "second_other"]
    assert lines[1].split()[:5] == ["first/plain", "0", "2", "1", "2"] and "by a few steps" in lines[1]
    assert lines[-1].startswith("8 of 8 runs are left: about 20 min, one after the other")
    assert estimates.budget_lines(estimate(workshop)) == lines and len(timed) == 4
    # Another device takes another time; of what an earlier version has timed it is not known.
    found = estimates.estimate_runs(workshop.runs[:1], workshop.state, workshop.folder, ["--gpus", "0"], print)
    assert len(timed) == 5 and found[0].seconds == 300
    known = dict(workshop.state.get("timing/first/plain"))
    del known["device"]
    workshop.state.put("timing/first/plain", known)
    assert estimate(workshop)[0].seconds == 300 and len(timed) == 5
    # Another configuration may take another time.
    workshop.plan(2, ["TRAIN.wd=0.02"])
    estimate(workshop)
    assert len(timed) == 9


def test_runs_that_are_done_tell_the_time(workshop, monkeypatch):
    monkeypatch.setattr(estimates, "predict_in_process", lambda *rest: pytest.fail("steps are timed"))
    workshop.end_before = 5
    workshop.go()
    for name in ("plain", "other"):
        for data_set in ("first", "second"):
            workshop.state.put(f"{data_set}/{name}/0", dict(workshop.state.get(f"{data_set}/{name}/0"), seconds=120.0))
    workshop.state.put("first/plain/1", dict(workshop.state.get("first/plain/1"), seconds=240.0))
    found = {one.pair: one for one in estimate(workshop)}
    assert (found["first/plain"].done, found["first/plain"].left, found["first/plain"].seconds) == (2, 0, 180)
    assert found["first/other"].seconds_left == 120 and found["first/plain"].seconds_left == 0
    # What is trained of a run has not to be trained again: two of two epochs here.
    workshop.state.put("first/plain/1", None)
    assert {one.pair: one for one in estimate(workshop)}["first/plain"].seconds_left == 0


def test_a_row_that_cannot_begin_is_told(workshop, monkeypatch):
    def fail(name, *rest):
        if "other" in name:
            raise UsageError("no weights")
        return 60.0

    monkeypatch.setattr(estimates, "predict_in_process", fail)
    lines = estimates.budget_lines(estimate(workshop))
    assert "cannot begin: no weights" in lines[2] and lines[-1].endswith("about 4 min, one after the other, and 4 "
                                                                         "whose time is not known")
