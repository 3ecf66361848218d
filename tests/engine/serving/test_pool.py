"""Workers of a pool that the system does not let start."""
import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from light_head_rcnn.engine.serving import pool as pool_module
from light_head_rcnn.engine.serving.metrics import Metrics
from light_head_rcnn.engine.serving.pool import Pool
from light_head_rcnn.engine.serving.settings import Settings

COMMAND = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))
FAILURES = 3


async def until(is_so):
    while not is_so():
        await asyncio.sleep(0.01)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_worker_that_cannot_be_started_leaves_nothing_behind(monkeypatch):
    tries, start = [], subprocess.Popen

    def without_memory(*args, **more):
        tries.append(len(os.listdir("/proc/self/fd")))
        raise OSError(12, "Cannot allocate memory")

    async def lose_the_worker():
        pool = Pool(Settings("1"), Metrics(), COMMAND)
        await pool.start()
        try:
            monkeypatch.setattr(subprocess, "Popen", without_memory)
            os.kill(pool.workers[0].pid, signal.SIGKILL)
            await until(lambda: len(tries) == FAILURES)
            monkeypatch.setattr(subprocess, "Popen", start)
            await until(lambda: any(worker.was_ready for worker in pool.workers))
            return len(pool.workers), len(pool._starts)
        finally:
            await pool.stop()

    monkeypatch.setattr(pool_module, "_FIRST_PAUSE", 0.01)
    assert asyncio.run(asyncio.wait_for(lose_the_worker(), 30)) == (1, 0)
    assert len(set(tries)) == 1  # no socket stays open
