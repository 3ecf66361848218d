"""Verdicts of the benchmark of detectors, on made-up numbers."""
import pytest

from light_head_rcnn.experiments.benchmarks.detectors import goals
from light_head_rcnn.experiments.benchmarks.detectors.candidate import MXNET, ONNXRUNTIME, OPENVINO
from light_head_rcnn.experiments.benchmarks.detectors.engine_models import MATRIX
from light_head_rcnn.experiments.benchmarks.detectors.gluoncv_peers import SSD300
from light_head_rcnn.experiments.benchmarks.detectors.ours import S

FOUR, *_, TWO_IN_THE_SAME = goals.GOALS


@pytest.mark.parametrize("peer, verdict", [([399, 400, 410], goals.REACHED), ([420, 390, 399], goals.NOT_REACHED)])
def test_a_goal_is_reached_by_the_median_of_the_ratios_in_the_rounds(make_row, peer, verdict):
    rows = [make_row(S, "800x1200", OPENVINO, "int8", [100, 100, 100]),
            make_row(SSD300, "300x300", MXNET, "float32", peer)]
    found, = goals.check_goals(rows, [FOUR])
    assert found["verdict"] == verdict
    comparison, = found["comparisons"]
    assert comparison["ratio"]["median"] == pytest.approx(sorted(peer)[1] / 100)
    assert (comparison["ours"], comparison["peer"]) == ("OpenVINO int8", "MXNet float32")


def test_ratios_are_taken_within_rounds(make_row):
    """The machine is ten times as slow in the second round: the ratio is 4 in both."""
    rows = [make_row(S, "800x1200", MXNET, "float32", [100, 1000]),
            make_row(SSD300, "300x300", MXNET, "float32", [400, 4000])]
    ratio = goals.check_goals(rows, [FOUR])[0]["comparisons"][0]["ratio"]
    assert ratio == {"median": 4.0, "low": 4.0, "high": 4.0}


def test_one_engine_is_enough_and_the_best_comes_first(make_row):
    rows = [make_row(S, "800x1200", MXNET, "float32", [200]), make_row(S, "800x1200", OPENVINO, "bfloat16", [50]),
            make_row(S, "700x1100", OPENVINO, "int8", [1]), make_row(SSD300, "300x300", MXNET, "float32", [300])]
    found, = goals.check_goals(rows, [FOUR])
    assert found["verdict"] == goals.REACHED
    assert [(entry["ours"], entry["verdict"]) for entry in found["comparisons"]] == [
        ("OpenVINO bfloat16", goals.REACHED), ("MXNet float32", goals.NOT_REACHED)]


def test_the_same_engine_and_precision(make_row):
    rows = [make_row(S, "700x1100", OPENVINO, "float32", [50]), make_row(S, "700x1100", OPENVINO, "bfloat16", [20]),
            make_row(S, "700x1100", ONNXRUNTIME, "float32", [10]),
            make_row(SSD300, "300x300", OPENVINO, "float32", [110]),
            make_row(SSD300, "300x300", OPENVINO, "bfloat16", [30])]
    rows += [make_row(S, "700x1100", MXNET, "float32", [10]), make_row(SSD300, "300x300", MXNET, "float32", [90])]
    found, = goals.check_goals(rows, [TWO_IN_THE_SAME])
    assert found["verdict"] == goals.IN_PART
    assert [(entry["ours"], entry["peer"], entry["verdict"]) for entry in found["comparisons"]] == [
        ("OpenVINO float32", "OpenVINO float32", goals.REACHED),
        ("OpenVINO bfloat16", "OpenVINO bfloat16", goals.NOT_REACHED)]


@pytest.mark.parametrize("peer, verdict", [(19, goals.NOT_REACHED), (20, goals.REACHED)])
def test_the_same_engine_where_all_agree(make_row, peer, verdict):
    rows = [make_row(name, size, OPENVINO, precision, [milliseconds]) for precision in ("float32", "int8")
            for name, size, milliseconds in ((S, "700x1100", 10), (SSD300, "300x300", peer))]
    assert goals.check_goals(rows, [TWO_IN_THE_SAME])[0]["verdict"] == verdict


def test_without_a_peer_a_goal_is_not_run(make_row):
    found = goals.check_goals([make_row(S, "800x1200", MXNET, "float32", [100])])
    assert [entry["verdict"] for entry in found] == [goals.NOT_RUN] * 6
    assert all(entry["comparisons"] == [] for entry in found)


def test_the_rate_beside_that_of_a_matrix_product(make_row):
    rows = [make_row(S, "800x1200", MXNET, "float32", [100], gflop=30), make_row(MATRIX, "2048x2048", MXNET, "float32",
                                                                             [50], gflop=17),
            make_row(S, "800x1200", OPENVINO, "float32", [60], gflop=30)]
    first, second = goals.rates(rows)
    assert (first["rate"], first["matrix_rate"]) == (300, 340) and first["share"] == pytest.approx(300 / 340)
    assert second["rate"] == 500 and second["matrix_rate"] is None and second["share"] is None
