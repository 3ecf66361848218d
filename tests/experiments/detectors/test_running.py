"""The order in which candidates are timed, and what is told of the times."""
import pytest

from light_head_rcnn.experiments.benchmarks.detectors import candidate, running


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    monkeypatch.setattr(running, "REST_SECONDS", 0)


def make(name, parts, milliseconds, order):
    def time(part, repeats):
        order.append((name, part, repeats))
        return [milliseconds] * repeats

    return candidate.Candidate(name, "8x8", candidate.MXNET, "float32", time, parts, {})


def test_rounds_alternate_and_each_turn_begins_untimed():
    order, lines = [], []
    found = running.measure([make("a", ["whole", "network"], 10, order), make("b", ["whole"], 20, order)], 2, 3,
                            lines.append)
    turns = [("a", "whole"), ("a", "network"), ("b", "whole")]
    assert order == [(*turn, repeats) for turn in turns + turns[::-1] for repeats in (1, 3)]
    a, b = found["rows"]
    assert a["parts"]["whole"] == {"median": 10, "low": 10, "high": 10, "images_per_second": 100, "rounds": [10, 10]}
    assert (b["label"], list(b["parts"])) == ("b 8x8 MXNet float32", ["whole"])
    assert len(found["loads"]) == 2 and lines[1].startswith("round 2 of 2 is done, load ")
    assert running.ratio(b, a, "whole")["median"] == 2


def test_what_is_slow_runs_once_in_a_turn_from_the_second_round_on():
    order = []
    running.measure([make("slow", ["whole"], 2000, order)], 2, 3, lambda line: None)
    assert [repeats for *_, repeats in order] == [1, 3, 1]


def test_times_are_those_of_one_image(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(candidate.time, "perf_counter", lambda: next(clock))
    calls = []
    made = candidate.of_calls("a", "8x8", "MXNet", "int8", {"whole": lambda: calls.append(1),
                                                            "batch of 4": lambda: calls.append(4)})
    assert made.time("whole", 2) == [1000, 1000] and made.time("batch of 4", 1) == [250] and calls == [1, 1, 4]


@pytest.mark.parametrize("end, rounds", [(0, 1), (29, 2), (30, 3), (1000, 5)])
def test_no_round_begins_that_would_end_too_late(monkeypatch, end, rounds):
    """A round takes ten seconds."""
    now = [0]

    def time(part, repeats):
        now[0] += 5
        return [1] * repeats

    monkeypatch.setattr(running.time, "monotonic", lambda: now[0])
    made = candidate.Candidate("a", "8x8", candidate.MXNET, "float32", time, ["whole"], {})
    found = running.measure([made], 5, 1, lambda line: None, end)
    assert len(found["loads"]) == rounds == len(found["rows"][0]["parts"]["whole"]["rounds"])
