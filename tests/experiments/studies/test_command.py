"""The command line of studies: mistakes, the second process, and a study from trainings to its page."""
import json
import subprocess
import sys

import pytest

from light_head_rcnn import data
from light_head_rcnn.experiments.commands import study as command
from light_head_rcnn.engine.folder_lock import lock_folder
from light_head_rcnn.experiments.runs.state import State
from light_head_rcnn.experiments.studies import estimates, planning, proposals, study

TINY = """
title: A trial
question: Does it run?
base: shapes_s
seeds: 1
datasets:
  set: {dataset.dataset: auto, dataset.image_set: train, dataset.test_image_set: val}
values: {SCALES: [64, 64], TRAIN.end_epoch: 2, TRAIN.lr_step: '1', TRAIN.BATCH_IMAGES: 2, TRAIN.NUM_WORKERS: 0,
         TRAIN.TEST_EVERY: 1, network.ANCHOR_SCALES: [1, 2]}
rows:
  plain: {label: plain}
  broken: {label: broken, values: {network.pretrained: no/such/file}}
"""


@pytest.fixture
def words(tmp_path):
    data.write_shapes(tmp_path / "data" / "set", train=6, val=4)
    (tmp_path / "own.yaml").write_text(TINY)
    return [str(tmp_path / "own.yaml"), "--data", str(tmp_path / "data"), "--out", str(tmp_path / "work"), "--pages",
            str(tmp_path / "docs")]


@pytest.mark.parametrize("more, complaint", [
    (["--rows", "fast"], "--rows: the study has no fast; known: plain, broken"),
    (["--datasets", "coco"], "--datasets: the study has no coco; known: set"),
    (["--seeds", "0"], "--seeds is 0"), (["--minutes", "-1"], "--minutes is -1"),
    (["--data", "no/such"], "there is no folder no/such: name the one that holds the data"),
    (["TRAIN.lrr=1"], "unknown key TRAIN.lrr"), (["seed=1"], "seed cannot be set for all runs"),
    (["--pages", __file__], "is not a folder: choose another by --pages"),
])
def test_mistakes(words, more, complaint, capsys):
    assert command.main([*words, *more]) == 2
    assert complaint in capsys.readouterr().err


def test_list_and_a_missing_name(capsys):
    assert command.main(["--list"]) == 0 and "photographs " in capsys.readouterr().out
    assert command.main(["photographs"]) == 2 and "that holds the data sets by --data" in capsys.readouterr().err
    assert command.main([]) == 2 and "name a study; known: ablation_photographs" in capsys.readouterr().err


def test_a_file_called_like_a_study_of_the_package(words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(estimates, "predict_in_process", lambda *rest: 60.0)
    words[0] = str((tmp_path / "own.yaml").rename(tmp_path / "photographs.yaml"))
    assert command.main(words[:3]) == 2
    assert "is called like the study photographs of the package, with which it would" in capsys.readouterr().err
    assert command.main([*words, "--budget"]) == 0


def test_rows_with_other_values_are_not_added(words, tmp_path, monkeypatch, capsys):
    """What was done before counts, too, although it is not asked for."""
    known = study.read_study(words[0])
    run, = planning.plan_runs(known, ["set"], ["plain"], 1, tmp_path / "data", tmp_path / "work", ["TRAIN.lr=0.5"])
    State(tmp_path / "work" / "state.json").put(run.key, {"configuration": run.text, "seconds": 1.0})
    assert command.main([*words, "--rows", "broken", "--budget"]) == 2
    assert "run set/plain/0 was done with another configuration than now (TRAIN.lr: 0.5 " in capsys.readouterr().err


def test_a_folder_of_its_own_takes_the_page_too(words, tmp_path, monkeypatch):
    """A trial writes over no page of finished runs."""
    monkeypatch.chdir(tmp_path)
    words[0] = "photographs"
    assert command.main([*words[:-2], "--page"]) == 0
    assert (tmp_path / "work" / "photographs.md").is_file() and not (tmp_path / "docs").exists()


def test_a_second_process_is_refused(words, tmp_path, capsys):
    code = ("import sys, time\nfrom pathlib import Path\n"
            "from light_head_rcnn.engine.folder_lock import lock_folder\n"
            f"with lock_folder(Path({str(tmp_path / 'work')!r})): print('held', flush=True); time.sleep(100)")
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"held\n"
        assert command.main([*words, "--rows", "plain"]) == 2
        assert f"another process ({other.pid} on " in capsys.readouterr().err
    finally:
        other.kill()
        other.wait()
    # The system lets go of it, however that process ended.
    with lock_folder(tmp_path / "work"):
        pass


def test_no_time_at_all(words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(estimates, "predict_in_process", lambda *rest: 60.0)
    assert command.main([*words, "--minutes", "0"]) == 0
    assert "0 minutes are over: the same command goes on" in capsys.readouterr().out
    assert "Not run." in (tmp_path / "docs" / "own.md").read_text() and not list(tmp_path.rglob("losses.jsonl"))


def test_proposals_are_found_before_steps_are_timed(words, tmp_path, monkeypatch, capsys):
    (tmp_path / "own.yaml").write_text(TINY.replace("shapes_s", "shapes_fast_rcnn\nproposals: edge_boxes"))
    monkeypatch.setattr(estimates, "predict_in_process", lambda *rest: pytest.fail("steps are timed"))
    monkeypatch.setattr(proposals, "find_proposals", lambda *rest: False)
    assert command.main([*words, "--minutes", "0"]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("finding the proposals of set, once for all rows; ") and "0 minutes are over" in last
    assert command.main([*words, "--budget"]) == 0
    assert "timed when the proposals of its images are found" in capsys.readouterr().out


@pytest.mark.slow
def test_from_trainings_to_the_page(words, tmp_path, capsys):
    """One row trains, one cannot begin; called again, only that one is tried."""
    assert command.main(words) == 1
    said = capsys.readouterr()
    assert "set/plain/0: AP " in said.out and "failed: set/broken/0" in said.err and "no/such/file" in said.out
    result = json.loads((tmp_path / "work" / "state.json").read_text())["set/plain/0"]
    assert result["epochs"] == 2 and result["processor_seconds"] > 1 and 1e6 < result["parameters"] < 1e7
    assert result["images_per_second"] > 0 and set(result["last"]["per_class"]) and result["best"]["epoch"] in (1, 2)
    assert "| plain |" in (tmp_path / "docs" / "own.md").read_text()
    assert command.main([*words, "--rows", "plain"]) == 0
    assert "0 of 1 runs are left" in capsys.readouterr().out
