"""Runs of a study: their order, what they record, and how they go on after a stop, a failure and another plan."""
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from light_head_rcnn.engine.config import load_config
from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.studies import planning, running


def test_the_first_seeds_of_all_rows_come_first(workshop):
    assert not workshop.go().failed
    assert workshop.commands == [f"{name}/{row}/seed_{seed}" for seed in (0, 1) for name in ("first", "second")
                                 for row in ("plain", "other")]


def test_values_are_laid_over_each_other(workshop):
    """A row's own values stand above those of the command line, which stand above those of the data set."""
    workshop.plan(1, ["TRAIN.lr=0.0007", "TRAIN.wd=0.01"])
    rates = {}
    for run in workshop.runs:
        run.folder.mkdir(parents=True)
        run.file.write_text(run.text)
        cfg = load_config(run.file)
        rates[run.pair] = cfg.TRAIN.lr
        assert cfg.TRAIN.wd == 0.01 and cfg.TRAIN.end_epoch == 2 and cfg.dataset.dataset_path == f"data/{run.data_set}"
    assert rates == {"first/plain": 0.0007, "first/other": 0.001, "second/plain": 0.0007, "second/other": 0.001}
    workshop.plan(1)
    assert "lr: 0.0003," in workshop.runs[2].text and "lr: 0.001," in workshop.runs[3].text


def test_what_a_run_records(workshop):
    workshop.go()
    result = workshop.state.get("first/other/1")
    assert result["last"] == {"AP": pytest.approx(41), "AP50": pytest.approx(61), "AP75": pytest.approx(31), "epoch": 2,
                              "per_class": {"a": pytest.approx(71), "b": None}}
    assert result["best"]["AP"] == pytest.approx(42) and result["best"]["epoch"] == 1
    assert (result["images_per_second"], result["parameters"], result["seed"]) == (4, 50000, 1)
    assert result["attempts"] == 1 and result["seconds"] > 0 and result["load"] >= 0
    assert result["versions"]["mxnet"] == "1.9.1" and "lr: 0.001" in result["configuration"]
    # The last checkpoint alone is kept.
    folder = workshop.folder / "first" / "other" / "seed_1"
    assert [path.name for path in sorted(folder.glob("other-*.params"))] == ["other-0002.params"]


def test_a_stopped_study_goes_on(workshop):
    workshop.end_before = 3
    assert workshop.go(until=time.monotonic() + 1000).out_of_time
    assert len(workshop.commands) == 3 and workshop.state.get("second/other/0") is None
    workshop.end_before = None
    assert not workshop.go().out_of_time and len(workshop.commands) == 8
    # The attempt that was stopped counts, too.
    assert workshop.state.get("second/other/0")["attempts"] == 2
    workshop.go()
    assert len(workshop.commands) == 8
    workshop.plan(3)
    workshop.go()
    assert len(workshop.commands) == 12


def test_nothing_begins_when_the_time_is_over(workshop):
    assert workshop.go(until=time.monotonic()).out_of_time and not workshop.commands


def test_a_run_that_fails_does_not_end_the_others(workshop):
    def fail(place):
        if place == "first/other/seed_0":
            raise UsageError("no more memory")

    workshop.fail_on, pages = fail, []
    outcome = workshop.go(after_run=lambda: pages.append(len(workshop.commands)))
    assert outcome.failed == ["first/other/0: no more memory"] and pages == list(range(1, 9))
    assert len(workshop.commands) == 8 and workshop.state.get("first/other/0") is None
    assert workshop.state.get("failed/first/other/0") == "no more memory"
    workshop.fail_on = None
    assert not workshop.go().failed and workshop.commands[8:] == ["first/other/seed_0"]
    assert workshop.state.get("failed/first/other/0") is None


def test_ctrl_c_ends_the_command_too(workshop):
    def interrupt(place):
        raise KeyboardInterrupt

    workshop.fail_on = interrupt
    with pytest.raises(KeyboardInterrupt):
        workshop.go()
    assert workshop.stopped == 1


@pytest.mark.parametrize("override, key", [("TRAIN.wd=0.02", "TRAIN.wd"), ("TEST.NMS=0.5", "TEST.NMS"),
                                           ("TRAIN.end_epoch=3", "TRAIN.end_epoch"),
                                           ("network.pretrained=x.params", "network.pretrained"),
                                           ("TEST_SCALES=[[32,32]]", "TEST_SCALES"),
                                           ("dataset.val=x.json", "dataset.val"),
                                           ("dataset.ON_ERROR=skip", "dataset.ON_ERROR")])
def test_other_configurations_are_not_mixed_in(workshop, override, key):
    workshop.go()
    workshop.plan(2, ["TRAIN.NUM_WORKERS=1", "TEST.NUM_WORKERS=0"])
    planning.refuse_changed_runs(workshop.runs, workshop.state)
    workshop.plan(2, [override])
    with pytest.raises(UsageError, match=f"run first/plain/0 was done with another configuration than now .*{key}"):
        planning.refuse_changed_runs(workshop.runs, workshop.state)


def test_runs_beside_those_to_do_are_looked_at_too(workshop):
    """Their data set may lie elsewhere where nothing is to be done on it."""
    workshop.end_before = 1
    workshop.go()
    for overrides, place, refused in ([], "data", False), ([], "other", False), (["TRAIN.wd=0.02"], "data", True):
        workshop.plan(1, overrides)
        runs = [run for run in workshop.runs if run.key == "second/other/0"]
        others = planning.plan_done(workshop.study, workshop.state, Path(place), workshop.folder, overrides)
        assert [run.key for run in others] == ["first/plain/0"]
        with pytest.raises(UsageError, match="first/plain/0 was done .*TRAIN.wd") if refused else nullcontext():
            planning.refuse_changed_runs(runs, workshop.state, others)
    others = planning.plan_done(workshop.study, workshop.state, Path("other"), workshop.folder)
    with pytest.raises(UsageError, match="first/plain/0 was done .*dataset.dataset_path"):
        planning.refuse_changed_runs(others, workshop.state)


def test_what_each_run_has_for_itself_is_refused(workshop):
    for override in ("seed=7", "TRAIN.KEEP_CHECKPOINTS=0", "output_path=x", "TRAIN.model_prefix=x"):
        with pytest.raises(UsageError, match=f"{override.partition('=')[0]} cannot be set for all runs.*--seeds"):
            workshop.plan(2, [override])


def test_a_run_that_has_begun_with_another_configuration_is_refused(workshop):
    workshop.go()
    workshop.state.put("first/plain/0", None)
    workshop.plan(2, ["TRAIN.wd=0.02"])
    with pytest.raises(UsageError, match="run first/plain/0 was begun with another configuration"):
        planning.refuse_changed_runs(workshop.runs, workshop.state)


def test_missing_data_sets_are_named(workshop, tmp_path):
    (tmp_path / "first").mkdir()
    with pytest.raises(UsageError, match="has no folder second: name the folder"):
        planning.check_data(list(workshop.study.data_sets.values()), tmp_path)


def test_a_set_of_its_own_chooses_the_best(workshop):
    """Both checkpoints are tested on the set that the figures are of."""
    run, words_of = workshop.runs[0]._replace(test_on="test"), []
    own = workshop.run

    def note(words, log, until, watch):
        words_of.append(words)
        if "--out" not in words:
            return own(words, log, until, watch)
        folder = run.folder / words[words.index("--out") + 1].rpartition("/")[2]
        folder.mkdir()
        (folder / "metrics.json").write_text((run.folder / "test" / "metrics.json").read_text())
        return True

    workshop.run, workshop.runs = note, [run]
    workshop.go()
    assert [words[words.index("--checkpoint") + 1].rpartition("-")[2] for words in words_of[1:]] == ["0002", "best"]
    assert all(words[-1] == "dataset.test_image_set=test" for words in words_of[1:])
    assert workshop.state.get(run.key)["best"]["epoch"] == 1


def test_a_row_that_is_only_tested_is_tested_on_that_set_too(workshop, monkeypatch):
    monkeypatch.setattr(running, "last_of_source", lambda run: "x-0001")
    run, words_of = workshop.runs[0]._replace(test_on="test", kind=running.TEST), []
    runner = SimpleNamespace(run=lambda words, *rest: words_of.append(words) or True)
    assert running._carry_out(run, ["--cpu"], runner, None)
    assert [words[-1] for words in words_of] == ["dataset.test_image_set=test"]
