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
    assert any(line.startswith("| the other row | 4.00 ± 0.00 | 0 ± 0 |") and "| 0.05 | 2 |" in line
               for line in lines)
    assert f"lhrcnn study {tmp_path / 'own.yaml'} --data DATA" in lines  # as the user called it
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
    workshop.plan(2, ["TRAIN.wd=0.01", "dataset.classes=[a, b]"])
    workshop.go()
    workshop.state.put("failed/second/other/0", "no more\nmemory")
    lines = lines_of(workshop, tmp_path)
    assert any(line.startswith("| the plain row | 30.0 |") and line.endswith("| 1 of 2 |") for line in lines)
    assert "| the other row |  |  |  |  |  | not run |" in lines
    assert "| the plain row → the other row | it is better |  | not run |" in lines
    assert lines[-1] == "- second/other/0: no more memory"
    command = f"lhrcnn study {tmp_path / 'own.yaml'} --data DATA TRAIN.wd=0.01 'dataset.classes=[a, b]'"
    assert command in lines
    # An earlier version kept the words of the last call for all runs.
    result = dict(workshop.state.get("first/plain/0"))
    workshop.state.put("overrides", result.pop("overrides"))
    workshop.state.put("first/plain/0", result)
    assert command in lines_of(workshop, tmp_path)


def test_rows_of_unlike_configurations_are_not_judged(workshop, tmp_path):
    """What differs on purpose, or lies elsewhere, is not told; each data set stands for itself."""
    workshop.go()
    changed = workshop.state.get("first/other/1")
    text = changed["configuration"].replace("dataset_path: data", "dataset_path: elsewhere")
    workshop.state.put("first/other/1", dict(changed, configuration=text))
    assert not any("cannot be compared" in line for line in lines_of(workshop, tmp_path))
    workshop.state.put("first/other/1", dict(changed, configuration=text.replace("end_epoch: 2", "end_epoch: 5")))
    lines = lines_of(workshop, tmp_path)
    assert ("**Rows cannot be compared, for the runs are mixed:** TRAIN.end_epoch is 2 in plain, other, but 5 in "
            "other." in lines)
    assert "| the plain row → the other row | it is better | +10.0 AP | not comparable |" in lines
    assert "| the plain row → the other row | it is better | +10.0 AP | agrees |" in lines
    written = json.loads((tmp_path / "docs" / "own.json").read_text())["data_sets"]
    assert [written[name]["steps"][0]["verdict"] for name in ("first", "second")] == ["not comparable", "agrees"]


def test_images_without_objects_have_no_accuracy(workshop, tmp_path):
    workshop.has_objects = False
    assert workshop.go().failed == [] and any(line.startswith("first/plain/0: AP -, AP50 -,") for line in workshop.told)
    assert any(line.startswith("| the plain row |  |") for line in lines_of(workshop, tmp_path))


def test_one_run_gives_no_verdict(workshop):
    workshop.plan(1)
    workshop.go()
    of_rows = summary.summarize(workshop.study, workshop.state)["first"]
    assert [step["verdict"] for step in summary.judge_steps(workshop.study, of_rows)] == ["one run", "one run"]
