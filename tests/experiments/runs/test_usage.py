"""The costs of runs, over several attempts."""
import json
import subprocess
import sys
import time

import pytest

from light_head_rcnn.experiments.runs import usage

BUSY = "import time; end = time.process_time() + 0.6\nwhile time.process_time() < end: pass\n"


def test_processor_seconds_count_children():
    code = f"import subprocess, sys, time\np = subprocess.Popen([sys.executable, '-c', {BUSY + 'time.sleep(60)'!r}])\n"
    parent = subprocess.Popen([sys.executable, "-c", code + "try: time.sleep(60)\nfinally: p.kill()"])
    try:
        end = time.monotonic() + 20
        while usage.processor_seconds(parent.pid) < 0.6 and time.monotonic() < end:
            time.sleep(0.1)
        assert 0.6 <= usage.processor_seconds(parent.pid) < 3
    finally:
        child = subprocess.run(["pgrep", "-P", str(parent.pid)], stdout=subprocess.PIPE, universal_newlines=True)
        for number in child.stdout.split():
            subprocess.run(["kill", number])
        parent.kill()
        parent.wait()
    assert usage.processor_seconds(parent.pid) == 0


def test_attempts_add_up(tmp_path, monkeypatch):
    path = tmp_path / "usage.json"
    path.write_text(json.dumps([{"seconds": 100.0, "processor_seconds": 150.0, "load": 4.0}]))
    monkeypatch.setattr(usage, "processor_seconds", lambda process: 30.0)
    meter = usage.UsageMeter(path)
    meter.watch(1)
    # The other command of the same run.
    meter.watch(2)
    meter.write()
    total = usage.total_usage(path)
    assert total["processor_seconds"] == 210 and total["attempts"] == 2
    assert total["seconds"] == pytest.approx(100, abs=2) and total["load"] == pytest.approx(4, abs=0.5)
    assert usage.total_usage(tmp_path / "none.json") == {"seconds": 0, "processor_seconds": 0, "load": 0, "attempts": 0}


def test_a_process_that_has_ended_keeps_what_was_seen(tmp_path, monkeypatch):
    seen = iter([5.0, 0.0])
    monkeypatch.setattr(usage, "processor_seconds", lambda process: next(seen))
    meter = usage.UsageMeter(tmp_path / "usage.json")
    meter.watch(1), meter.watch(1), meter.write()
    assert usage.total_usage(tmp_path / "usage.json")["processor_seconds"] == 5
