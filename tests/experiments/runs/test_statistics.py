"""Mean and spread of runs, and verdicts on claims."""
import pytest

from light_head_rcnn.experiments.runs import statistics


def test_mean_and_spread():
    assert statistics.mean_and_spread([2.0, 4.0, 9.0]) == (5.0, pytest.approx(13 ** 0.5))
    assert statistics.mean_and_spread([3.0]) == (3.0, None)


def test_told_apart():
    one, other = {"mean": 10.0, "spread": 1.0}, {"mean": 11.9, "spread": 1.0}
    assert statistics.told_apart(one, other) is False and statistics.told_apart(other, one) is False
    assert statistics.told_apart(one, dict(other, mean=12.1)) is True
    assert statistics.told_apart(dict(other, mean=12.1), one) is True
    assert statistics.told_apart(one, dict(other, spread=None)) is None


@pytest.mark.parametrize("mean, spread, sign, verdict", [
    (12.5, 1.0, 1, "agrees"), (12.5, 1.0, -1, "disagrees"), (7.5, 1.0, -1, "agrees"), (7.5, 1.0, 1, "disagrees"),
    (11.0, 1.0, 1, "not told apart"), (11.0, 1.0, -1, "not told apart"), (12.5, None, 1, "one run")])
def test_verdicts(mean, spread, sign, verdict):
    before = {"mean": 10.0, "spread": 1.0}
    assert statistics.judge_claim(before, {"mean": mean, "spread": spread}, sign) == (mean - 10, verdict)
