"""The runs of each row, summarized."""
import pytest

from light_head_rcnn.experiments.paper_tables import statistics
from light_head_rcnn.experiments.runs.state import State


def test_runs_are_summarized(tmp_path):
    state = State(tmp_path / "state.json")
    for seed, figure in enumerate((0.10, 0.14)):
        metrics = dict(dict.fromkeys(statistics.FIGURES, figure), APs=None)
        state.put(f"b2/{seed}", {"metrics": metrics, "seconds": 30.0, "configuration": ""})
    # Without seed 0 a row counts as not run.
    state.put("b1/1", {"metrics": dict.fromkeys(statistics.FIGURES, 0.5), "seconds": 1.0, "configuration": ""})
    found = statistics.summarize_runs(state, ["b1", "b2", "hidden_fc"])
    assert list(found) == ["b2"] and (found["b2"]["runs"], found["b2"]["seconds"]) == (2, 60)
    # There is no small object to find in the data set.
    assert "APs" not in found["b2"]["figures"]
    assert found["b2"]["figures"]["AP"] == {"mean": pytest.approx(12), "spread": pytest.approx(8 ** 0.5)}
