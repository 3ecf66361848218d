"""Memory over many input sizes: it stays flat with the bound that the runtime policy sets, and grows without one."""
import json

import pytest

from light_head_rcnn import runtime
from light_head_rcnn.experiments.benchmarks import memory_over_sizes


def test_sizes_differ_and_are_the_same_each_time():
    sizes = memory_over_sizes.draw_sizes(200, 64, 96)
    assert len(set(sizes)) == 200
    assert {min(map(min, sizes)), max(map(max, sizes))} == {64, 96}
    assert memory_over_sizes.draw_sizes(200, 64, 96) == sizes


@pytest.mark.slow
def test_memory_stays_flat_with_the_bound_of_the_policy_alone(tmp_path, capfd):
    out = tmp_path / "numbers.json"
    assert memory_over_sizes.main(["--sizes", "120", "--shortest", "96", "--longest", "224", "--bounds", "-1",
                                   str(runtime.ONEDNN_CACHE), "--json", str(out)]) == 0
    rows = json.loads(out.read_text())["rows"]
    assert [row["bound"] for row in rows] == [-1, runtime.ONEDNN_CACHE]
    # What the second half of the sizes adds; the first one fills the bounded cache.
    unbounded, bounded = (row["memory"][4] - row["memory"][2] for row in rows)
    assert unbounded > 40 and bounded < unbounded / 4, rows
    printed = capfd.readouterr().out.splitlines()
    assert printed[0] == memory_over_sizes.HEADER and printed[1:] == [memory_over_sizes.format_row(row) for row in rows]


@pytest.mark.slow
def test_training_steps_are_measured_too():
    row = memory_over_sizes.measure("light_head_rcnn_xception_voc", True, memory_over_sizes.draw_sizes(4, 64, 96))
    assert len(row["memory"]) == 6 and all(row["memory"])
    assert 0 < row["first"]["low"] <= row["first"]["median"] and 0 < row["again"]["median"]
