"""Reading of studies: those of the package fit together, and mistakes in a file are named."""
import pytest

from light_head_rcnn.engine.building.network import build_net
from light_head_rcnn.engine.config import load_config
from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.studies import planning, study

FILE = """
title: A trial
question: Does it run?
base: photos_s
datasets:
  bccd:
rows:
  plain: {label: plain}
  other: {values: {TRAIN.lr: 0.001}}
steps:
  - {from: plain, to: other, claim: it is better, direction: +}
"""


@pytest.mark.parametrize("name", study.study_names())
def test_the_studies_of_the_package_can_be_planned(name, tmp_path):
    found = study.read_study(name)
    runs = planning.plan_runs(found, list(found.data_sets), list(found.rows), found.seeds, tmp_path, tmp_path)
    assert len(runs) == len(found.data_sets) * len(found.rows) * found.seeds == len({run.text for run in runs})
    assert found.steps and found.question.endswith("?")
    for run in {run.row: run for run in runs}.values():
        (tmp_path / "run.yaml").write_text(run.text)
        cfg = load_config(str(tmp_path / "run.yaml"))
        if not cfg.symbol:
            build_net(cfg, ["cell"])


def test_photographs_differ_in_what_they_say(tmp_path):
    found = study.read_study("photographs")
    runs = planning.plan_runs(found, ["bccd"], list(found.rows), 1, tmp_path, tmp_path)
    for run in runs:
        run.folder.mkdir(parents=True)
        run.file.write_text(run.text)
    cfgs = {run.row: load_config(run.file) for run in runs}
    assert cfgs["scratch"].network.pretrained == "" and cfgs["scratch"].network.NORM == "batch"
    assert cfgs["scratch"].network.FIXED_PARAMS == ()
    assert cfgs["scratch"].network.model == cfgs["light_head"].network.model
    assert [cfgs[row].network.model.split("_efficient")[0] for row in cfgs] == [
        "light_head_rcnn", "light_head_rcnn", "rfcn", "faster_rcnn"]
    assert len({(cfg.TRAIN.lr, cfg.TRAIN.end_epoch, cfg.SCALES) for cfg in cfgs.values()}) == 1


def test_the_papers_steps_are_taken_from_its_quotations():
    steps = study.read_study("ablation_photographs").steps
    assert [(step.before, step.row, step.sign) for step in steps[:2]] == [
        ("b1", "b2", 1), ("b2", "thin_psroi_pool", -1)]
    assert len(steps) == 7 and all("1711.07264" in step.claim or "original" in step.claim for step in steps)


@pytest.mark.parametrize("old, new, complaint", [
    ("title: A trial", "titel: A trial", "unknown entry titel"),
    ("question: Does it run?", "", "missing entry question"),
    ("  bccd:", "  nowhere:", "the data set nowhere has no values, and data_sets.yaml does not know it"),
    ("TRAIN.lr:", "TRAIN.lrr:", "row other: .*unknown key TRAIN.lrr"),
    ("from: plain", "from: plane", "step 1: there is no row plane"),
    ("direction: +", "direction: up", "step 1: direction is \\+ or -"),
    (", direction: +", "", "step 1: it needs the entries"),
    ("title", "seeds: 0\ntitle", "seeds is 0"), ("title", "seeds: true\ntitle", "seeds is True"),
    ("  bccd:", "  bccd: 5", "bccd: it must hold KEY: VALUE entries, got 5"),
    ("title", "values: 5\ntitle", "values: it must hold KEY: VALUE entries, got 5"),
    ("steps:\n  - {from: plain, to: other, claim: it is better, direction: +}", "steps: 5", "steps is 5; it must be a"),
    ("  plain:", "  a/b:", "'a/b' in rows is not a name"),
    ("title: A trial", "title: [", "cannot be read as YAML"),
])
def test_mistakes(tmp_path, old, new, complaint):
    path = tmp_path / "own.yaml"
    path.write_text(FILE)
    assert [row.label for row in study.read_study(str(path)).rows.values()] == ["plain", "other"]
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(UsageError, match=complaint):
        study.read_study(str(path))


def test_unknown_names():
    with pytest.raises(UsageError, match="there is no study 'photo'; known: ablation_photographs, backbones"):
        study.read_study("photo")
    with pytest.raises(UsageError, match="no study 'data_sets'"):
        study.read_study("data_sets")
    with pytest.raises(UsageError, match="--rows: the study has no c; known: a, b"):
        study.choose("--rows", {"a": 1, "b": 2}, ["b", "c"])
    assert study.choose("--rows", {"a": 1, "b": 2}, ["b", "a"]) == ["a", "b"]
