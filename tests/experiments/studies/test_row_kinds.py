"""Rows of a study that begin with another row's checkpoint, and proposals from outside for its data sets."""
import json

import pytest

from light_head_rcnn.engine.config import load_config
from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.runs.state import State
from light_head_rcnn.experiments.studies import estimates, page, planning, proposals, running, study, summary

from .conftest import write_run

FILE = """
title: A trial
question: Does it run?
base: photos_s
seeds: 1
folder: shared
pages: docs/elsewhere
datasets:
  first: {dataset.dataset: shapes}
values: {TRAIN.end_epoch: 2}
rows:
  plain: {label: the plain row, values: {TRAIN.wd: 0.25}}
  later: {label: trained on, starts_from: plain, values: {TRAIN.lr: 0.0003}}
  tested: {label: tested, tests: later, values: {TEST.NMS: 0.7}}
  machines: {label: machines, svms_of: plain}
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.yaml").write_text(FILE)
    return study.read_study(str(tmp_path / "own.yaml"))


class Runner:
    """Takes the place of the runner of commands, and writes what they would write."""

    def __init__(self):
        self.commands = []

    def run(self, words, log, until=None, watch=None):
        self.commands.append(words)
        script = words[2].rpartition(".")[2]
        folder = log.parent
        if script == "train_end2end" or words[3] == "svm":
            write_run(folder, 0.3)
        if script == "test":
            (folder / "test").mkdir(parents=True, exist_ok=True)
            (folder / "test" / "metrics.json").write_text(json.dumps({"coco": {
                "AP": 0.5, "AP50": 0.6, "AP75": 0.4, "per_class": {}}}))
            (folder / "test" / "speed.json").write_text(json.dumps({"images_per_second": 7.0}))
        return True


def plan(own, folder, rows=None):
    return planning.plan_runs(own, ["first"], rows or list(own.rows), 1, folder / "data", folder / "work")


def test_values_and_weights_of_the_source(own, tmp_path):
    runs = {run.row: run for run in plan(own, tmp_path)}
    assert (own.folder, own.pages) == ("shared", "docs/elsewhere")
    cfgs = {}
    for row, run in runs.items():
        planning.write_configuration(run)
        cfgs[row] = load_config(run.file)
    assert {cfg.TRAIN.wd for cfg in cfgs.values()} == {0.25}  # of the plain row, beneath those of all others
    assert cfgs["tested"].TRAIN.lr == cfgs["later"].TRAIN.lr == 0.0003 != cfgs["machines"].TRAIN.lr
    assert cfgs["later"].network.pretrained == str(runs["plain"].folder / "plain-0002.params")
    assert cfgs["plain"].network.pretrained == cfgs["machines"].network.pretrained == ""


def test_each_kind_runs_its_commands(own, tmp_path):
    runs, runner, state = plan(own, tmp_path), Runner(), State(tmp_path / "state.json")
    assert running.run_study(runs, state, ["--cpu"], runner, print) == ([], False)
    scripts = [(words[2].rpartition(".")[2], words[3]) for words in runner.commands]
    assert scripts == [("train_end2end", "--cfg"), ("train_end2end", "--cfg"), ("test", "--cfg"), ("main", "svm"),
                       ("test", "--cfg")]
    folders = {run.row: run.folder for run in runs}
    tested, machines, of_machines = runner.commands[2:]
    assert tested[tested.index("--checkpoint") + 1] == str(folders["later"] / "later-0002")
    assert tested[tested.index("--cfg") + 1] == str(folders["tested"] / "run.yaml")
    assert machines[machines.index("--checkpoint") + 1] == str(folders["plain"] / "plain-0002")
    assert of_machines[of_machines.index("--checkpoint") + 1] == str(folders["machines"] / "machines-0002")
    # What a checkpoint with machines says itself: another value would be refused.
    assert of_machines[-1] == "network.CLASS_SCORES=one_vs_rest" and tested[-2] == "--out"
    figures = {row: entry["figures"] for row, entry in summary.summarize(own, state)["first"].items()}
    assert figures["tested"]["AP"]["mean"] == pytest.approx(50) and figures["plain"]["AP"]["mean"] == pytest.approx(30)
    assert figures["tested"]["test images/s"]["mean"] == 7 and "test images/s" not in figures["plain"]
    assert "images/s" not in figures["tested"] and "best AP" not in figures["tested"]
    lines = page.page_markdown(own, state).split("\n")
    assert "- **tested** (`tested`): a test of the checkpoint of `later`; `TEST.NMS: 0.7`" in lines
    assert "- **trained on** (`later`): trained from the weights of `plain`; `TRAIN.lr: 0.0003`" in lines
    assert ("- **machines** (`machines`): support vector machines on the features of `plain`; nothing is changed"
            in lines)


def test_a_source_without_its_checkpoint_is_named(own, tmp_path):
    runs, state = plan(own, tmp_path), State(tmp_path / "state.json")
    running.run_study([run for run in runs if run.row == "plain"], state, ["--cpu"], Runner(), print)
    for path in (tmp_path / "work" / "first" / "plain" / "seed_0").glob("plain-*"):
        path.unlink()
    machines = [run for run in runs if run.row == "machines"]
    failed, = running.run_study(machines, state, ["--cpu"], Runner(), print).failed
    assert failed.startswith("first/machines/0: it begins with the checkpoint of first/plain/0, but ")
    assert "remove the entry first/plain/0 from the study's state.json" in state.get("failed/first/machines/0")


def test_a_row_waits_for_its_source(own, tmp_path):
    runs = [run for run in plan(own, tmp_path) if run.row == "tested"]
    outcome = running.run_study(runs, State(tmp_path / "state.json"), ["--cpu"], Runner(), print)
    assert outcome.failed == ["first/tested/0: it begins with the checkpoint of first/later/0, which has not been done"]
    assert study.with_sources(own.rows, ["tested"]) == ["plain", "later", "tested"]
    assert study.with_sources(own.rows, ["machines"]) == ["plain", "machines"]


def test_a_test_needs_no_timing(own, tmp_path):
    found = estimates.estimate_runs([run for run in plan(own, tmp_path) if run.row == "tested"],
                                    State(tmp_path / "state.json"), tmp_path, ["--cpu"], print)
    assert found == [("first/tested", 0, 1, None, 0.0, "only a test of another row's checkpoint")]
    machines = estimates.estimate_runs([run for run in plan(own, tmp_path) if run.row == "machines"],
                                       State(tmp_path / "state.json"), tmp_path, ["--cpu"], print)
    assert machines[0].source == "only support vector machines on another row's checkpoint"
    later = estimates.estimate_runs([run for run in plan(own, tmp_path) if run.row == "later"],
                                    State(tmp_path / "state.json"), tmp_path, ["--cpu"], print)
    assert later == [("first/later", 0, 1, None, 0.0, "timed when the row that it begins with is done")]


@pytest.mark.parametrize("old, new, complaint", [
    ("starts_from: plain", "starts_from: tested", "later may name one row by one of .* it must stand above it"),
    ("svms_of: plain", "svms_of: plain, tests: plain", "machines may name one row"),
    ("svms_of: plain", "svms_of: tested", "machines begins with tested, which is only tested"),
    ("svms_of: plain}", "svms_of: plain}\n  more: {label: more, tests: machines}",
     "more begins with machines, which has support vector machines in place of its softmax: name plain"),
    ("seeds: 1", "proposals: wishes", "proposals is 'wishes'; known: selective_search, edge_boxes")])
def test_mistakes(tmp_path, old, new, complaint):
    path = tmp_path / "own.yaml"
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(UsageError, match=complaint):
        study.read_study(str(path))


def test_proposals_are_found_once(own, tmp_path):
    given = own._replace(proposals="edge_boxes", base="photos_fast_rcnn",
                         rows={"plain": study.Row("plain", "plain", {})})
    runs, runner = plan(given, tmp_path, ["plain"]), Runner()
    planning.write_configuration(runs[0])
    files = load_config(runs[0].file).dataset.proposal_files
    folder = tmp_path / "work" / "proposals"
    assert proposals.lacks_proposals(runs[0].text)
    waiting, = estimates.estimate_runs(runs, State(tmp_path / "state.json"), tmp_path, ["--cpu"], print)
    assert waiting.seconds is None and waiting.source == "timed when the proposals of its images are found"
    assert list(files) == [str(folder / f"first-{name}-edge_boxes.npz") for name in ("train", "val")]
    assert proposals.find_proposals("edge_boxes", [runs[0].file], tmp_path / "work", runner)
    assert runner.commands[0][3:] == ["proposals", "--cfg", str(runs[0].file), "--method", "edge_boxes", "--out",
                                      str(folder)]
    for path in files:
        (folder / path).touch()
    assert not proposals.lacks_proposals(runs[0].text)
    assert proposals.find_proposals("edge_boxes", [runs[0].file], tmp_path / "work", runner)
    assert len(runner.commands) == 1
