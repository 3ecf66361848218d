"""Runs: each once, resumed between rows, with readable errors; and statistics of their results."""
import json
import sys
import threading
from pathlib import Path

import pytest

from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.paper_tables import running, scales, statistics
from light_head_rcnn.experiments.paper_tables.state import State

ROWS = ["b2", "psroi_align", "nms_50"]


class Workshop:
    """Runs without training: a command writes metrics that tell its row and seed."""

    def __init__(self, root, stop_before=None):
        self.root, self.stop_before, self.commands = root, stop_before, []
        self.state = State(root / "state.json")
        self.runs, _ = scales.plan(ROWS, "shapes", 2, root)

    def go(self, jobs=1):
        running.run_all(self.runs, self.root, self.state, ["--cpu"], self.execute, jobs)

    def execute(self, words, log):
        if len(self.commands) == self.stop_before:
            raise KeyboardInterrupt
        self.commands.append(words)
        folder = Path(log).parent
        assert (folder / "row.yaml").is_file() and words[words.index("--cfg") + 1] == str(folder / "row.yaml")
        row, seed = folder.parent.name, int(folder.name[-1])
        if "--resume" in words:
            for name in ("-0000.json", "-0000.params", "-0001.json", "-0001.params"):
                (folder / (row + name)).write_text("{}")
        metrics = dict.fromkeys(statistics.FIGURES, 0.1 * (1 + ROWS.index(row)) + 0.01 * seed)
        (folder / "test").mkdir(exist_ok=True)
        (folder / "test" / "metrics.json").write_text(json.dumps({"coco": metrics}))


@pytest.fixture(autouse=True)
def checkpoints(monkeypatch):
    monkeypatch.setattr(running, "latest_checkpoint", lambda prefix: prefix + "-0001")


def test_each_run_is_one_command(tmp_path):
    shop = Workshop(tmp_path)
    shop.go()
    names = [Path(words[words.index("-m") + 1]).name.rpartition(".")[2] for words in shop.commands]
    assert names == ["train_end2end"] * 4 + ["test"] * 2
    checkpoint = shop.commands[-1][shop.commands[-1].index("--checkpoint") + 1]
    assert checkpoint == str(tmp_path / "psroi_align" / "seed_1" / "psroi_align-0001")
    assert all("--cpu" in words for words in shop.commands)
    assert sorted(path.name for path in (tmp_path / "b2" / "seed_1").glob("b2-*")) == ["b2-0001.json", "b2-0001.params"]


def test_a_stopped_plan_goes_on_where_it_stopped(tmp_path):
    first = Workshop(tmp_path, stop_before=3)
    with pytest.raises(KeyboardInterrupt):
        first.go()
    assert len(first.commands) == 3
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
    execute = shop.execute

    def wait_for_another(words, log):
        both.wait(timeout=30)
        execute(words, log)

    shop.execute = wait_for_another
    shop.go(jobs=2)
    assert ["--resume" in words for words in shop.commands] == [True] * 4 + [False] * 2
    assert statistics.of_runs(shop.state, ROWS)["nms_50"]["runs"] == 2


def test_nothing_is_begun_after_a_failure(tmp_path):
    shop = Workshop(tmp_path)
    begun = []

    def fail(words, log):
        begun.append(words)
        raise UsageError("no more memory")

    shop.execute = fail
    with pytest.raises(UsageError, match="no more memory"):
        shop.go()
    assert len(begun) == 1
    assert all(shop.state.get(run.key) is None for run in shop.runs)


def test_more_seeds_add_runs(tmp_path):
    Workshop(tmp_path).go()
    shop = Workshop(tmp_path)
    shop.runs, _ = scales.plan(ROWS, "shapes", 3, tmp_path)
    shop.go()
    assert len(shop.commands) == 3


def test_another_configuration_is_not_mixed_in(tmp_path):
    Workshop(tmp_path).go()
    shop = Workshop(tmp_path)
    shop.runs, _ = scales.plan(ROWS, "shapes", 2, tmp_path, ["TRAIN.lr", "0.1"])
    with pytest.raises(UsageError, match="run b2/0 was done with another configuration"):
        shop.go()


def test_a_broken_state_is_named(tmp_path):
    (tmp_path / "state.json").write_text('{"a": ')
    with pytest.raises(UsageError, match="state.json is broken"):
        State(tmp_path / "state.json")


def test_a_command_that_fails_says_why(tmp_path):
    with pytest.raises(UsageError, match="the end of .*log.txt:\nno such wonder"):
        running.run_command([sys.executable, "-c", "import sys; sys.exit('no such wonder')"], tmp_path / "log.txt")
    running.run_command([sys.executable, "-c", "print('fine')"], tmp_path / "log.txt")
    assert (tmp_path / "log.txt").read_text() == "no such wonder\nfine\n"
    ask = [sys.executable, "-c", "import os; print(os.environ['OMP_NUM_THREADS'])"]
    running.run_command(ask, tmp_path / "threads.txt", threads=3)
    assert (tmp_path / "threads.txt").read_text() == "3\n"
    with pytest.raises(KeyboardInterrupt):
        running.run_command([sys.executable, "-c", "import sys; sys.exit(130)"], tmp_path / "log.txt")


def test_mean_and_spread():
    assert statistics.mean_and_spread([2.0, 4.0, 9.0]) == (5.0, pytest.approx(13 ** 0.5))
    assert statistics.mean_and_spread([3.0]) == (3.0, None)
    one, other = {"mean": 10.0, "spread": 1.0}, {"mean": 11.9, "spread": 1.0}
    assert statistics.told_apart(one, other) is False
    assert statistics.told_apart(one, dict(other, mean=12.1)) is True
    assert statistics.told_apart(one, dict(other, spread=None)) is None


def test_results_of_runs(tmp_path):
    shop = Workshop(tmp_path)
    shop.go()
    found = statistics.of_runs(shop.state, ROWS + ["b1"])
    assert list(found) == ROWS and found["nms_50"]["runs"] == 2
    assert found["nms_50"]["figures"]["AP"]["mean"] == pytest.approx(30.5)
    assert found["nms_50"]["figures"]["AP"]["spread"] == pytest.approx(0.5 ** 0.5)
