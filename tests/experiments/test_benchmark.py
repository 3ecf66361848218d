"""The benchmark of operators: both sides of a case agree, and what is measured is there."""
import json

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.experiments import benchmark
from light_head_rcnn.experiments.benchmarks import memory, operators, report, rois

SMALL = rois.cases(maps=[(12, 15)], counts=[20])


@pytest.mark.parametrize("case", SMALL, ids=[case.name for case in SMALL])
def test_small_case(case):
    row = operators.run_case(case, repeats=2, with_memory=False)
    assert row["ratio"] == pytest.approx(row["peer_times"]["median"] / row["ours"]["median"])
    for times in row["ours"], row["peer_times"]:
        assert 0 < times["low"] <= times["median"] <= times["high"]
    assert case.name in operators.line(row)


def test_sides_that_disagree_are_not_timed():
    def wrong(F, data, boxes):
        return rois.align(F, data, boxes) * 1.01

    case = SMALL[0]._replace(make=lambda: rois.make(wrong, rois.roi_align, False, 12, 15, 20))
    with pytest.raises(AssertionError):
        operators.run_case(case, repeats=1)


def test_summary_of_numbers():
    assert report.summary([3, 1, 2]) == {"median": 2.0, "low": 1.5, "high": 2.5}


def test_memory_of_a_step():
    size = 64 << 20
    used = memory.measure(lambda: mx.nd.ones(size // 4))
    assert used is None or 0.9 * size < used < 1.5 * size


def test_table_and_file(tmp_path, capsys):
    path = tmp_path / "nms.json"
    assert benchmark.main(["operators", "--ops", "nms", "--repeats", "1", "--no-memory", "--out", str(path)]) == 0
    row, = json.loads(path.read_text())["rows"]
    assert np.isfinite(row["ratio"]) and row["name"] in capsys.readouterr().out


def test_repeats_must_be_positive(capsys):
    assert benchmark.main(["operators", "--repeats", "0"]) != 0
    assert "--repeats and --threads take numbers from 1" in capsys.readouterr().err
