"""Measuring: what is measured is kept, and not measured again."""
import pytest

from light_head_rcnn.experiments.paper_tables import growth, measurements, measuring
from light_head_rcnn.experiments.paper_tables.detectors import PEERS
from light_head_rcnn.experiments.paper_tables.rows import row_config, row_file
from light_head_rcnn.experiments.runs.state import State

SMALL = ["SCALES", "96,128", "TEST.SCALES", "[]", "TEST.RPN_POST_NMS_TOP_N", "20"]


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Rows at 96x128."""
    def file(name):
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"_BASE_: {row_file(name)}\nSCALES: [96, 128]\nTEST: {{SCALES: [], RPN_POST_NMS_TOP_N: 20}}\n")
        return path

    monkeypatch.setattr(measurements, "row_config", lambda name: row_config(name, SMALL))
    monkeypatch.setattr(measurements, "row_file", file)
    monkeypatch.setattr(growth, "ROWS", ("s_800",))
    monkeypatch.setattr(growth, "AXES", {"rois": (10, 20)})
    monkeypatch.setattr(growth, "FIXED", {"classes": 5, "rois": 20, "size": (96, 128)})
    return State(tmp_path / "measured.json")


@pytest.mark.slow
def test_measured_once(small, tmp_path):
    told = []
    measurements.measure(["s_800", "s_700"], False, True, small, 1, told.append)
    times = small.get("times")
    # Alike at one size: the same network is timed once.
    assert times["s_700"] == times["s_800"] and times["s_800"]["total"]["median"] > 0
    used = small.get("memory/s_800")["bytes"]
    assert used is None or used > 4 * 4.8e6
    assert len(small.get("growth")) == 2 and small.get("machine")["threads"] == 1
    assert told[0] == "timing 2 detectors, 2 turns each"
    del told[:]
    again = State(tmp_path / "measured.json")
    measurements.measure(["s_700"], False, True, again, 1, told.append)
    assert told == [] and again.get("times") == times
    measurements.measure(["s_700"], False, False, again, 1, told.append, again=True)
    assert told == ["timing 1 detectors, and s_800 once more beside them, 2 turns each", "memory of s_700"]
    assert set(again.get("times")) == {"s_700", "s_800"}


def test_rows_that_run_unlike_networks_are_timed_each(small, monkeypatch):
    timed = []
    monkeypatch.setattr(measurements, "StagedDetector", lambda cfg: None)
    monkeypatch.setattr(measuring, "time_detectors", lambda detectors, repeats: timed.extend(detectors) or {
        name: {"total": {"median": 1.0}} for name in detectors})
    times = measurements.time_rows(["psroi_align", "nms_50", "soft_nms", "multi_scale_train"], False, 1)
    # Another suppression is another network, another schedule of training is not.
    assert timed == ["psroi_align", "nms_50", "soft_nms"]
    assert list(times) == ["psroi_align", "nms_50", "soft_nms", "multi_scale_train"]


def test_what_was_measured_is_kept_on_one_machine(monkeypatch, tmp_path):
    machine = {"cpu": "an abacus", "cpus": 2, "threads": 1, "mxnet": "1.9.1", "python": "3.11", "date": "2026-11-22"}
    monkeypatch.setattr(measurements, "describe_machine", lambda: dict(machine))
    monkeypatch.setattr(measurements, "time_rows", lambda rows, with_peers, repeats: {
        name: {} for name in [*rows, *(PEERS if with_peers else ())]})
    monkeypatch.setattr(measuring, "measure_peak_memory", lambda what: 1)
    state, told = State(tmp_path / "measured.json"), []
    measurements.measure(["s_800"], True, False, state, 1, told.append)
    state.put("growth", [1])
    machine["date"] = "2026-11-23"
    measurements.measure(["b2"], False, False, state, 1, told.append)
    assert set(state.get("times")) == {"b2", "s_800", *PEERS} and state.get("growth") == [1]
    assert f"timing 1 detectors, and s_800, {', '.join(PEERS)} once more beside them, 2 turns each" in told
    machine["threads"] = 2
    measurements.measure(["b2"], False, False, state, 1, told.append)
    assert state.get("growth") == [1] and state.get("machine")["threads"] == 1
    measurements.measure(["b1"], False, False, state, 1, told.append)
    assert set(state.get("times")) == {"b1"} and state.get("growth") is None and state.get("machine") == machine
    assert told[-3].startswith("dropped, for another machine measured it (an abacus, 1 thread, ")
    assert "memory/s_800" in told[-3] and state.get("memory/s_800") is None and state.get("memory/b1")


def test_gluoncvs_detectors_stand_beside_rows(monkeypatch, tmp_path):
    made = []

    class Peer:
        def __init__(self, name, nms=True):
            made.append((name, nms))

    monkeypatch.setattr(measurements, "PeerDetector", Peer)
    monkeypatch.setattr(measuring, "time_detectors", lambda detectors, repeats: {name: {} for name in detectors})
    monkeypatch.setattr(measuring, "measure_peak_memory", lambda what: 1)
    state = State(tmp_path / "measured.json")
    measurements.measure([], True, False, state, 1, lambda line: None)
    assert sorted(made) == sorted((name, nms) for name in PEERS for nms in (True, False))
    assert set(state.get("times")) == set(PEERS) | {name + measurements.NO_NMS for name in PEERS}
    assert all(state.get(f"memory/{name}") == {"bytes": 1} for name in PEERS)


def test_calls_are_timed():
    done = []
    times = measuring.time_calls({"a": lambda: done.append(1)}, repeats=4)
    assert len(done) == 5 and times["a"]["low"] <= times["a"]["median"] <= times["a"]["high"]
