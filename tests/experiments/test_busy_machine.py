"""The benchmark of ways to wait for work: settings reach the processes that measure, and the busy loops end."""
import json

import pytest

from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.benchmarks import busy_machine

MODEL = "light_head_rcnn_xception_voc"


@pytest.mark.slow
def test_each_setting_is_timed_idle_and_busy(tmp_path, capfd):
    out = tmp_path / "numbers.json"
    settings = ["OMP_NUM_THREADS=1", "GOMP_SPINCOUNT=7"]
    assert busy_machine.main([*settings, "--model", MODEL, "--size", "64", "64", "--images", "3", "--turn", "2",
                              "--busy", "1", "--json", str(out)]) == 0
    numbers = json.loads(out.read_text())
    for state in "idle", "busy":
        assert list(numbers[state]) == settings
        assert all(len(timings) == 3 and min(map(min, timings)) > 0 for timings in numbers[state].values())
    assert capfd.readouterr().out.splitlines() == [busy_machine.HEADER] + [
        busy_machine.format_row(setting, numbers["idle"][setting], numbers["busy"][setting]) for setting in settings]


def test_columns():
    row = busy_machine.format_row("X=1", [[1.0, 9.0], [2.0, 10.0], [3.0, 11.0]], [[4.0, 0.0], [4.0, 0.0]])
    assert row.split() == ["X=1", "2.0", "2.8", "10.0", "4.0", "4.0", "0.0"]
    assert len(row) == len(busy_machine.HEADER)


def test_settings_reach_the_process():
    with pytest.raises(UsageError, match="Python with PYTHONHOME=/nowhere in its environment"):
        with busy_machine.timer_process("PYTHONHOME=/nowhere", MODEL, (64, 64)):
            pass


def test_busy_loops_end(monkeypatch):
    started = []
    start = busy_machine.subprocess.Popen
    monkeypatch.setattr(busy_machine.subprocess, "Popen", lambda *args: started.append(start(*args)) or started[-1])
    with busy_machine.busy_loops(2):
        assert [loop.poll() for loop in started] == [None, None]
    assert all(loop.poll() is not None for loop in started)
