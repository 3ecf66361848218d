"""The command line: mistakes are named, and nothing is trained or measured before they are."""
import json
import subprocess
import sys

import pytest

from light_head_rcnn import data
from light_head_rcnn.data import shapes
from light_head_rcnn.experiments import reproduce_tables
from light_head_rcnn.experiments.benchmarks import machine
from light_head_rcnn.experiments.paper_tables import budget, measurements, output, paper, rows, running, scales


@pytest.mark.parametrize("arguments, complaint", [
    (["--table", "9"], "--table is '9'; known: 1, 2, 3, 4, 5, 6, 7, 8, more, all"),
    (["--table", "7", "--scale", "shapes"], "table 7: nothing to train on shapes"),
    (["--scale", "shapes", "--seeds", "0"], "--seeds is 0"),
    (["--scale", "shapes", "--jobs", "0"], "--jobs is 0"),
    (["--repeats", "0"], "--repeats is 0"),
    (["--gpus", "all"], "--gpus takes numbers with commas between, such as 0,1, got 'all'"),
    (["--scale", "shapes", "TRAIN.lr"], "TRAIN.lr has no value"),
    (["TRAIN.lr"], "TRAIN.lr has no value"),
    (["--scale", "shapes", "TRAIN.lrr", "1"], "unknown key TRAIN.lrr; did you mean TRAIN.lr?"),
    (["--scale", "bccd", "--table", "1", "--data", "no/such/folder"], "no/such/folder"),
])
def test_mistakes(arguments, complaint, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measurements, "measure", lambda *arguments: pytest.fail("measuring begins"))
    assert reproduce_tables.main(arguments) == 2
    assert complaint in capsys.readouterr().err


def test_too_long_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(budget, "measure_run", lambda *arguments: 600.0)
    monkeypatch.setattr(running, "run_all", lambda *arguments: pytest.fail("training begins"))
    words = ["--scale", "shapes", "--table", "1", "--work", str(tmp_path), "--jobs"]
    assert reproduce_tables.main([*words, "1", "--hours", "0.9"]) == 2
    said = capsys.readouterr()
    assert "6 of 6 runs are left: about 60 min, one after the other" in said.out
    assert "more than --hours 0.9 allows" in said.err
    assert reproduce_tables.main([*words, "2", "--hours", "0.4"]) == 2
    assert "6 of 6 runs are left: about 30 min, 2 side by side" in capsys.readouterr().out


def test_rows_with_other_values_are_not_added(tmp_path, capsys, monkeypatch):
    """What was done before counts, too, although it is not asked for."""
    run, = scales.plan_runs(["b1"], "shapes", 1, tmp_path / "shapes", ["TRAIN.lr=0.5"])[0]
    output.runs_state(tmp_path, "shapes").put(run.key, {"configuration": run.text})
    monkeypatch.setattr(budget, "measure_run", lambda *arguments: pytest.fail("it is timed"))
    assert reproduce_tables.main(["--scale", "shapes", "--table", "3", "--seeds", "1", "--work", str(tmp_path)]) == 2
    assert "run b1/0 was done with another configuration than now (TRAIN.lr: 0.5 then" in capsys.readouterr().err


@pytest.mark.parametrize("jobs, used", [(["--jobs", "3"], (3, 2)), ([], (4, 1)), (["--gpus", "0"], (1, 6))])
def test_runs_share_the_threads(tmp_path, monkeypatch, jobs, used):
    """On a machine of six cores."""
    found = []
    monkeypatch.setattr(machine, "threads_in_use", lambda: 6)
    monkeypatch.setattr(budget, "check_budget", lambda *arguments: found.append(arguments[5:7]))
    monkeypatch.setattr(running, "run_all", lambda *arguments: found.append((arguments[5], arguments[4]._threads)))
    monkeypatch.setattr(output, "write_all", lambda *arguments: [])
    assert reproduce_tables.main(["--scale", "shapes", "--table", "1", "--work", str(tmp_path), *jobs]) == 0
    assert found == [used, used]


@pytest.mark.parametrize("words, device", [(["--cpu"], ["--cpu"]), (["--gpus", "0,1"], ["--gpus", "0,1"]), ([], [])])
def test_devices_of_the_papers_scale(tmp_path, monkeypatch, words, device):
    found = []
    monkeypatch.setattr(paper, "plan_jobs", lambda rows, overrides, device: found.append((overrides, device)) or [])
    monkeypatch.setattr(output, "write_all", lambda *arguments: [])
    arguments = ["--no-measure", "--work", str(tmp_path), "--data", "data/coco", "TRAIN.lr", "0.1", *words]
    assert reproduce_tables.main(arguments) == 0
    assert found == [(["TRAIN.lr", "0.1", "dataset.dataset_path", "data/coco"], device)]


def test_help(capsys):
    with pytest.raises(SystemExit):
        reproduce_tables.main(["--help"])
    text = capsys.readouterr().out
    assert "--scale shapes" in text and "--hours" in text and "examples:" in text


def test_help_comes_without_mxnet():
    code = ("import sys; sys.argv = ['reproduce_tables.py', '--help']\n"
            "import light_head_rcnn.experiments.reproduce_tables as script\n"
            "try: script.main()\nfinally: print('mxnet' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, universal_newlines=True, check=True)
    assert done.stdout.startswith("usage: lhrcnn tables") and done.stdout.endswith("False\n")


@pytest.mark.slow
def test_from_trainings_to_pages(tmp_path, capsys, monkeypatch):
    """Two rows on ten images, one epoch; called again, nothing is done twice."""
    data.write_shapes(tmp_path / "set", train=6, val=4, style=shapes.HARD)
    arguments = ["--scale", "shapes", "--table", "1", "--seeds", "1", "--out", str(tmp_path / "docs" / "tables"),
                 "--work", str(tmp_path / "work"), "--data", str(tmp_path / "set"), "TRAIN.BATCH_IMAGES", "2",
                 "TRAIN.end_epoch", "1", "TRAIN.lr_step", "0.5", "TRAIN.NUM_WORKERS", "0"]
    assert reproduce_tables.main(arguments) == 0
    assert "2 of 2 runs are left" in capsys.readouterr().out
    table = json.loads((tmp_path / "docs" / "tables" / "table_1.json").read_text())
    for row in table["rows"]:
        entry, = (entry for entry in row["figures"] if entry["figure"] == "AP on shapes")
        assert entry["mark"] == "measured" and entry["runs"] == 1 and 0 <= entry["value"] <= 100
    metrics = tmp_path / "work" / "shapes" / "b2" / "seed_0" / "test" / "metrics.json"
    written = metrics.stat().st_mtime_ns
    assert reproduce_tables.main(arguments) == 0
    assert "runs are left" not in capsys.readouterr().out and metrics.stat().st_mtime_ns == written


@pytest.mark.slow
def test_from_a_training_at_the_papers_scale_to_pages(tmp_path, capsys, monkeypatch):
    """A row on ten images with a small backbone; with another test it is not trained again, but tested."""
    monkeypatch.chdir(tmp_path)
    data.write_shapes(tmp_path / "set", train=6, val=4)
    changes = {"dataset.image_set": "train", "dataset.test_image_set": "val", "dataset.NUM_CLASSES": "0",
               "network.pretrained": "", "network.model": "light_head_rcnn_xception_coco", "network.NORM": "batch",
               "network.FIXED_PARAMS": "[]", "SCALES": "[64, 96]", "TEST.SCALES": "[]", "TRAIN.SCALES": "[]",
               "TRAIN.BATCH_IMAGES": "2", "TRAIN.end_epoch": "1", "TRAIN.lr": "0.0001", "TRAIN.NUM_WORKERS": "0"}
    arguments = ["--table", "5", "--cpu", "--no-measure", "--data", str(tmp_path / "set"),
                 *(f"{key}={value}" for key, value in changes.items())]
    monkeypatch.setitem(rows.TABLES, 5, rows.TABLES[5]._replace(rows=("psroi_align", "nms_50")))
    assert reproduce_tables.main(arguments) == 0
    said = capsys.readouterr().out
    assert "psroi_align: running" in said and "nms_50: running" in said and "not run, for there is no" not in said
    table = json.loads((tmp_path / "docs" / "tables" / "table_5.json").read_text())
    for row in table["rows"]:
        entry, = (entry for entry in row["figures"] if entry["figure"] == "AP" and entry["mark"] != "quoted")
        assert entry["mark"] == "measured" and 0 <= entry["value"] <= 100
        assert "with" in entry["source"] and "TRAIN.end_epoch 1" in entry["source"]
    checkpoint = tmp_path / "output" / "paper" / "psroi_align" / "psroi_align-0001.params"
    written = checkpoint.stat().st_mtime_ns
    assert reproduce_tables.main(arguments) == 0
    said = capsys.readouterr().out
    assert "psroi_align: done, AP" in said and "nms_50: done, AP" in said and "running" not in said
    assert reproduce_tables.main([*arguments, "TEST.max_per_image=3"]) == 0
    assert "psroi_align: running" in capsys.readouterr().out and checkpoint.stat().st_mtime_ns == written
