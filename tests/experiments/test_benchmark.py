"""The benchmark of operators: both sides of a case agree, and what is told is what was measured."""
import json
import subprocess
import sys

import mxnet as mx
import numpy as np
import pytest

from light_head_rcnn.experiments import benchmark
from light_head_rcnn.experiments.benchmarks import machine, memory, operators, rois, timing

SMALL = rois.cases(maps=[(12, 15)], counts=[20])


@pytest.mark.parametrize("case", SMALL, ids=[case.name for case in SMALL])
def test_small_case(case):
    row = operators.run_case(case, repeats=2, with_memory=False)
    assert row["ratio"] == pytest.approx(row["peer_times"]["median"] / row["ours"]["median"])
    for times in row["ours"], row["peer_times"]:
        assert 0 < times["low"] <= times["median"] <= times["high"]
    assert case.name in operators.format_row(row)


def test_sides_that_disagree_are_not_timed():
    def wrong(F, data, boxes):
        return rois.native_align(F, data, boxes) * 1.01

    case = SMALL[0]._replace(make=lambda: rois.make_job(rois.KINDS[0]._replace(ours=wrong), False, 12, 15, 20))
    with pytest.raises(AssertionError):
        operators.run_case(case, repeats=1)


def test_sides_take_turns_and_the_first_turn_is_not_counted(monkeypatch):
    """The n-th piece of work takes n seconds."""
    order = []

    def prepare(side):
        return lambda: order.append(side)

    job = operators.Case("nms", "case", "peer", lambda: rois.Job(
        lambda: prepare("ours"), lambda: prepare("peer"), lambda: None))

    def time_work(work):
        work()
        return len(order)

    monkeypatch.setattr(operators, "_time", time_work)
    row = operators.run_case(job, repeats=2, with_memory=False)
    assert order == ["peer", "ours", "ours", "peer", "peer", "ours"]
    assert row["ours"]["median"] == 1000 * (3 + 6) / 2 and row["peer_times"]["median"] == 1000 * (4 + 5) / 2
    assert row["ratio"] == 1


def test_quartiles_of_numbers():
    assert timing.quartiles([3, 1, 2]) == {"median": 2.0, "low": 1.5, "high": 2.5}


def test_memory_of_a_step():
    size = 64 << 20
    used = memory.measure_peak(lambda: mx.nd.ones(size // 4))
    assert used is None or 0.9 * size < used < 1.5 * size


def test_memory_of_an_operator_is_measured_in_a_process_of_its_own():
    """Suppression in 80 classes x 1000 boxes: its 80000 rows of 6 floats alone are 1.9 MB for MXNet's operator."""
    ours, peer = (operators.peak_bytes("detections, 80 classes x 1000 boxes", side) for side in operators.SIDES)
    assert ours is None or 1e6 < peer < 1e9 and 0 <= ours < 1e9


def test_the_machine_tells_the_threads_that_are_in_use(monkeypatch):
    used = machine.threads_in_use()
    # The OpenMP library has read it already: the operators go on with as many threads as before.
    monkeypatch.setenv("OMP_NUM_THREADS", str(used + 1))
    assert machine.describe_machine()["threads"] == used
    assert machine.describe_machine()["mxnet"] == mx.__version__


def test_table_and_file(tmp_path, capsys):
    path = tmp_path / "nms.json"
    assert benchmark.main(["operators", "--ops", "nms", "--repeats", "1", "--no-memory", "--json", str(path)]) == 0
    written = json.loads(path.read_text())
    row, = written["rows"]
    assert np.isfinite(row["ratio"]) and row["name"] in capsys.readouterr().out
    assert written["repeats"] == 1 and written["machine"]["threads"] == machine.threads_in_use()


@pytest.mark.parametrize("form", ["--threads {}", "--threads={}"])
def test_the_number_of_threads_is_the_one_that_was_asked_for(tmp_path, form):
    path, threads = tmp_path / "nms.json", machine.threads_in_use() + 2
    assert benchmark.main(["operators", "--ops", "nms", *form.format(threads).split(), "--repeats", "1", "--no-memory",
                           "--json", str(path)]) == 0
    written = json.loads(path.read_text())
    assert (written["machine"]["threads"], written["repeats"]) == (threads, 1)


@pytest.mark.parametrize("words, complaint", [
    (["--repeats", "0"], "--repeats is 0; it must be at least 1"),
    (["--threads", "0"], "--threads is 0; it must be at least 1")])
def test_numbers_are_checked(words, complaint, capsys):
    assert benchmark.main(["operators", *words]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("words, said", [([], "lhrcnn benchmark operators --ops"), (["operators"], "OMP_NUM_THREADS"),
                                         (["training"], "KEY=VALUE")])
def test_help_comes_without_mxnet(words, said):
    code = (f"import sys; sys.argv = ['benchmark.py'] + {words + ['--help']}\n"
            "import light_head_rcnn.experiments.benchmark as script\n"
            "try: script.main()\nfinally: print('mxnet' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, universal_newlines=True, check=True)
    assert said in done.stdout and done.stdout.endswith("False\n")
    assert done.stdout.startswith(" ".join(["usage: lhrcnn benchmark", *words]))
