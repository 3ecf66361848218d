"""The page of a study: means, spreads, verdicts and failures, as they come from the runs."""
import json

import pytest

from light_head_rcnn.experiments.studies import page, summary


def lines_of(workshop, tmp_path):
    return page.write_page(workshop.study, workshop.state, tmp_path / "docs").read_text().splitlines()


def test_figures_and_verdicts(workshop, tmp_path):
    workshop.go()
    lines = lines_of(workshop, tmp_path)
    assert lines[0] == "# A trial" and lines[2] == "Does it run?"
    # 30 and 31 of the last checkpoints; the best ones had a point more.
    assert "| the plain row | 30.5 ± 0.7 | 50.5 ± 0.7 | 20.5 ± 0.7 | 31.5 ± 0.7 | 51.5 ± 0.7 | 2 |" in lines
    assert lines.count("| the plain row → the other row | it is better | +10.0 AP | agrees |") == 2
    assert lines.count("| the plain row → the other row | it is faster | +0.0 images/s | not told apart |") == 2
    assert any(line.startswith("| the other row | 4.00 ± 0.00 | 0 ± 0 |") and "| 5.00 | 2 |" in line
               for line in lines)
    assert "lhrcnn study own --data DATA" in lines
    date = workshop.state.get("first/plain/0")["date"]
    assert lines[-1].startswith("8 runs, ") and f" minutes in all, on {date}, by " in lines[-1]
    workshop.state.put("first/plain/0", dict(workshop.state.get("first/plain/0"), date="2026-01-02"))
    assert f"minutes in all, from 2026-01-02 to {date}, by " in lines_of(workshop, tmp_path)[-1]
    assert "- **the other row** (`other`): `TRAIN.lr: 0.001`" in lines
    written = json.loads((tmp_path / "docs" / "own.json").read_text())
    figure = written["data_sets"]["first"]["rows"]["plain"]["figures"]["AP"]
    assert figure["mean"] == pytest.approx(30.5) and figure["values"] == [30, 31]
    assert written["data_sets"]["second"]["steps"][0]["verdict"] == "agrees"


def test_what_is_not_run_is_said(workshop, tmp_path):
    assert lines_of(workshop, tmp_path).count("Not run.") == 2
    workshop.end_before = 1
    workshop.go()
    workshop.state.put("failed/second/other/0", "no more\nmemory")
    workshop.state.put("overrides", ["TRAIN.wd=0.01", "dataset.classes=[a, b]"])
    lines = lines_of(workshop, tmp_path)
    assert any(line.startswith("| the plain row | 30.0 |") and line.endswith("| 1 of 2 |") for line in lines)
    assert "| the other row |  |  |  |  |  | not run |" in lines
    assert "| the plain row → the other row | it is better |  | not run |" in lines
    assert lines[-1] == "- second/other/0: no more memory"
    assert "lhrcnn study own --data DATA TRAIN.wd=0.01 'dataset.classes=[a, b]'" in lines


def test_one_run_gives_no_verdict(workshop):
    workshop.plan(1)
    workshop.go()
    of_rows = summary.summarize(workshop.study, workshop.state)["first"]
    assert [step["verdict"] for step in summary.judge_steps(workshop.study, of_rows)] == ["one run", "one run"]
