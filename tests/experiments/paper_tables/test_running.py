"""Runs of a plan: each once, resumed between rows, side by side, and none after a failure."""
import json
import threading
from pathlib import Path

import mxnet as mx
import pytest

from light_head_rcnn.engine.checkpoints import checkpoint_files
from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.paper_tables import running, scales, statistics
from light_head_rcnn.experiments.runs.state import State

ROWS = ["b2", "psroi_align", "nms_50"]
NOTHING = checkpoint_files.Content({"arg:weight": mx.nd.zeros(3)}, {}, {}, ["a", "b"])


class Workshop:
    """Runs without training: a command writes metrics that tell its row and seed.

    It takes the place of the `CommandRunner`, too.
    """

    def __init__(self, root, stop_before=None):
        self.root, self.stop_before, self.commands, self.stopped = root, stop_before, [], 0
        self.state = State(root / "state.json")
        self.runs, _ = scales.plan_runs(ROWS, "shapes", 2, root)

    def go(self, jobs=1):
        running.run_all(self.runs, self.root, self.state, ["--cpu"], self, jobs)

    def stop(self):
        self.stopped += 1

    def run(self, words, log, until=None, watch=None):
        if len(self.commands) == self.stop_before:
            raise KeyboardInterrupt
        self.commands.append(words)
        folder = Path(log).parent
        assert (folder / "row.yaml").is_file() and words[words.index("--cfg") + 1] == str(folder / "row.yaml")
        row, seed = folder.parent.name, int(folder.name[-1])
        assert ("--resume-if-any" in words) != ("--out" in words)
        if "--out" in words:
            assert words[words.index("--out") + 1] == str(folder / "test")
        else:
            for epoch in (1, 2):
                checkpoint_files.write_checkpoint(str(folder / row), checkpoint_files.epoch_tag(epoch), NOTHING, epoch,
                                                  10 * epoch, {"steps_per_epoch": 10})
        metrics = dict.fromkeys(statistics.FIGURES, 0.1 * (1 + ROWS.index(row)) + 0.01 * seed)
        (folder / "test").mkdir(exist_ok=True)
        (folder / "test" / "metrics.json").write_text(json.dumps({"coco": metrics}))


def test_each_run_is_one_command(tmp_path):
    shop = Workshop(tmp_path)
    shop.go()
    names = [Path(words[words.index("-m") + 1]).name.rpartition(".")[2] for words in shop.commands]
    assert names == ["train_end2end"] * 4 + ["test"] * 2
    checkpoint = shop.commands[-1][shop.commands[-1].index("--checkpoint") + 1]
    assert checkpoint == str(tmp_path / "psroi_align" / "seed_1" / "psroi_align-0002")
    assert all("--cpu" in words for words in shop.commands)
    assert sorted(path.name for path in (tmp_path / "b2" / "seed_1").glob("b2-*")) == [
        f"b2-0002.{end}" for end in ("json", "params", "states")]
    assert shop.state.get("nms_50/1")["metrics"]["AP"] == pytest.approx(0.31)
    assert shop.stopped == 0


def test_a_stopped_plan_goes_on_where_it_stopped(tmp_path):
    first = Workshop(tmp_path, stop_before=3)
    with pytest.raises(KeyboardInterrupt):
        first.go()
    # The runs beside it end, too, where only this process was interrupted.
    assert len(first.commands) == 3 and first.stopped == 1
    second = Workshop(tmp_path)
    second.go()
    assert len(second.commands) == 3
    done = [str(words) for words in first.commands + second.commands]
    assert len(set(done)) == 6
    third = Workshop(tmp_path)
    third.go()
    assert not third.commands


def test_runs_side_by_side(tmp_path):
    shop, both = Workshop(tmp_path), threading.Barrier(2)
    run = shop.run

    def wait_for_another(words, log, *rest):
        both.wait(timeout=30)
        run(words, log)

    shop.run = wait_for_another
    shop.go(jobs=2)
    assert ["--resume-if-any" in words for words in shop.commands] == [True] * 4 + [False] * 2
    assert statistics.summarize_runs(shop.state, ROWS)["nms_50"]["runs"] == 2


def test_nothing_is_begun_after_a_failure(tmp_path):
    shop = Workshop(tmp_path)
    begun = []

    def fail(words, log, *rest):
        begun.append(words)
        raise UsageError("no more memory")

    shop.run = fail
    with pytest.raises(UsageError, match="no more memory"):
        shop.go()
    assert len(begun) == 1
    assert all(shop.state.get(run.key) is None for run in shop.runs)


def test_a_run_beside_one_that_fails_is_kept(tmp_path):
    shop, failed = Workshop(tmp_path), threading.Event()
    run = shop.run

    def fail_first(words, log, *rest):
        if "b2/seed_0" in str(log):
            failed.set()
            raise UsageError("no more memory")
        assert failed.wait(30)
        run(words, log)

    shop.run = fail_first
    with pytest.raises(UsageError, match="no more memory"):
        shop.go(jobs=2)
    assert [run.key for run in shop.runs if shop.state.get(run.key) is not None] == ["b2/1"]


def test_figures_of_an_earlier_attempt_are_not_taken(tmp_path):
    shop = Workshop(tmp_path)
    (tmp_path / "b2" / "seed_0" / "test").mkdir(parents=True)
    (tmp_path / "b2" / "seed_0" / "test" / "metrics.json").write_text(json.dumps({"coco": {"AP": 0.99}}))
    shop.run = lambda words, log, *rest: (Path(log).parent / "b2-0001.json").write_text("{}")
    shop.runs = shop.runs[:1]
    with pytest.raises(FileNotFoundError):
        shop.go()


def test_more_seeds_add_runs(tmp_path):
    Workshop(tmp_path).go()
    shop = Workshop(tmp_path)
    shop.runs, _ = scales.plan_runs(ROWS, "shapes", 3, tmp_path)
    shop.go()
    assert len(shop.commands) == 3


def test_another_configuration_is_not_mixed_in(tmp_path):
    Workshop(tmp_path).go()
    shop = Workshop(tmp_path)
    shop.runs, _ = scales.plan_runs(ROWS, "shapes", 2, tmp_path, ["TRAIN.lr", "0.1"])
    with pytest.raises(UsageError, match="run b2/0 was done with another configuration .*TRAIN.lr: .* then, 0.1 now"):
        shop.go()


def test_what_changes_no_result_is_mixed_in(tmp_path):
    Workshop(tmp_path).go()
    shop = Workshop(tmp_path)
    shop.runs, _ = scales.plan_runs(ROWS, "shapes", 2, tmp_path / "elsewhere", [
        "TRAIN.NUM_WORKERS=0", "TRAIN.CHECKPOINT_STEPS=5", "gpus=1", "dataset.dataset_path=output//shapes_hard"])
    shop.go()
    assert not shop.commands


def test_rows_that_were_done_before_are_looked_at(tmp_path):
    Workshop(tmp_path).go()
    state = State(tmp_path / "state.json")
    assert [run.key for run in running.plan_done(state, "shapes", tmp_path)] == [
        "b2/0", "b2/1", "psroi_align/0", "psroi_align/1", "nms_50/0", "nms_50/1"]
    assert running.changes_of_runs(state, "shapes", tmp_path) == {}
    runs, _ = scales.plan_runs(["b1"], "shapes", 1, tmp_path, ["TRAIN.end_epoch=1"])
    with pytest.raises(UsageError, match="run b2/0 .*TRAIN.end_epoch: 4 then, 1 now"):
        running.refuse_changed_runs(
            [*runs, *running.plan_done(state, "shapes", tmp_path, ["TRAIN.end_epoch=1"])], state)
    state.put("b1/0", {"configuration": runs[0].text})
    assert running.changes_of_runs(state, "shapes", tmp_path) == {
        "TRAIN.end_epoch": {"1": ["b1"], "4": ["b2", "psroi_align", "nms_50"]}}


def test_weights_that_are_gone_are_named(tmp_path):
    shop = Workshop(tmp_path)
    shop.go()
    shop.state.put("nms_50/0", None)
    for path in (tmp_path / "psroi_align" / "seed_0").glob("psroi_align-*"):
        path.unlink()
    with pytest.raises(UsageError, match="^nms_50/0: it begins with the checkpoint of psroi_align/0, but .*seed_0 has "
                                         "none any more: remove the entry psroi_align/0 from .*/state.json to do"):
        shop.go()


def test_seconds_are_those_of_all_attempts(tmp_path):
    (tmp_path / "b2" / "seed_0").mkdir(parents=True)
    (tmp_path / "b2" / "seed_0" / "usage.json").write_text(json.dumps([
        {"seconds": 100.0, "processor_seconds": 1.0, "load": 1.0}]))
    shop = Workshop(tmp_path)
    shop.go()
    assert 100 < shop.state.get("b2/0")["seconds"] < 160 and shop.state.get("b2/1")["seconds"] < 60


def test_a_broken_state_is_named(tmp_path):
    (tmp_path / "state.json").write_text('{"a": ')
    with pytest.raises(UsageError, match="state.json is broken"):
        State(tmp_path / "state.json")
