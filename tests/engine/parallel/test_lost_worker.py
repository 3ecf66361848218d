"""A worker that is killed or stopped ends the others, the servers and the scheduler, with a message; nothing hangs."""
import signal
import time

import pytest

pytestmark = pytest.mark.slow  # it waits for time limits

WORKER = """
import light_head_rcnn
from light_head_rcnn.engine.config import load_config
from light_head_rcnn.engine.parallel.joining import join_group
import numpy as np, time
group = join_group(load_config(None, ["default.kvstore", "dist_sync", "default.GROUP_TIMEOUT", {timeout}]))
print("joined", group.rank, flush=True)
for number in range(1000):
    with group.watchdog.watch(f"step {{number}}"):
        group.sum(np.ones(3))
    time.sleep(0.05)
"""


def run(start, tmp_path, number, timeout, **environment):
    """Three workers, of which one is sent a signal when all have joined; returns the outputs of the others."""
    path = tmp_path / "worker.py"
    path.write_text(WORKER.format(timeout=timeout))
    with start(3, [str(path)], **environment) as processes:
        for worker in processes.workers:
            assert worker.stdout.readline().startswith("joined")
        lost = processes.workers.pop()
        lost.send_signal(number)
        began = time.monotonic()
        outputs = processes.outputs()
        assert time.monotonic() - began < 45
        assert [worker.returncode for worker in processes.workers] == [75, 75]
        if "PS_HEARTBEAT_TIMEOUT" in environment:
            assert [process.wait(timeout=30) for process in processes.all[:2]] == [75, 75]
    return outputs


def test_heartbeats(start, tmp_path):
    for output in run(start, tmp_path, signal.SIGSTOP, 0, PS_HEARTBEAT_INTERVAL="1", PS_HEARTBEAT_TIMEOUT="6"):
        assert "has given no sign of life for 6 s" in output and "--resume" in output


def test_watchdog(start, tmp_path):
    for output in run(start, tmp_path, signal.SIGKILL, 3, PS_HEARTBEAT_INTERVAL="0"):
        assert "step" in output and "has not ended within 3 s: another process of the training is dead" in output
