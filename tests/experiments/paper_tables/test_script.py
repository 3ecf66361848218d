"""The command line: mistakes are named, and nothing is trained or measured before they are."""
import json

import pytest

from light_head_rcnn import data
from light_head_rcnn.data import shapes
from light_head_rcnn.experiments import reproduce_tables


@pytest.mark.parametrize("arguments, complaint", [
    (["--table", "9"], "--table is '9'; known: 1, 2, 3, 4, 5, 6, 7, 8, more, all"),
    (["--table", "7", "--scale", "shapes"], "table 7: nothing to train on shapes"),
    (["--scale", "shapes", "--seeds", "0"], "--seeds is 0"),
    (["--scale", "shapes", "--jobs", "0"], "--jobs is 0"),
    (["--scale", "shapes", "TRAIN.lr"], "pairs KEY VALUE"),
    (["--scale", "shapes", "TRAIN.lrr", "1"], "unknown key TRAIN.lrr; did you mean TRAIN.lr?"),
    (["--scale", "bccd", "--table", "1", "--data", "no/such/folder"], "no/such/folder"),
])
def test_mistakes(arguments, complaint, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert reproduce_tables.main(arguments) == 2
    assert complaint in capsys.readouterr().err


def test_too_long_is_refused(tmp_path, capsys, monkeypatch):
    from light_head_rcnn.experiments.paper_tables import budget, running
    monkeypatch.setattr(budget, "measure", lambda run, folder: 600.0)
    monkeypatch.setattr(running, "run_all", lambda *arguments: pytest.fail("training begins"))
    assert reproduce_tables.main(["--scale", "shapes", "--table", "1", "--hours", "0.9", "--work", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "6 of 6 runs are left: about 60 min one after the other" in said.out
    assert "more than --hours 0.9 allows" in said.err


def test_help(capsys):
    with pytest.raises(SystemExit):
        reproduce_tables.main(["--help"])
    text = capsys.readouterr().out
    assert "--scale shapes" in text and "--hours" in text and "examples:" in text


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
