"""When a process takes others for dead; that real ones are noticed stands in test_lost_worker.py."""
import threading
import time
from types import SimpleNamespace

import pytest

from light_head_rcnn.engine.parallel import heartbeats


@pytest.fixture
def watch(monkeypatch):
    """Function from how many are dead at each look to (stop, said, ended) of a watch that looks every 0.5 s."""
    def watch(seen):
        said, ended = [], threading.Event()

        def count_dead(handle, group, count, seconds):
            count._obj.value = seen.pop(0)
            return 0

        def end(message):
            said.append((message, len(seen)))
            ended.set()

        monkeypatch.setattr("mxnet.base._LIB", SimpleNamespace(MXKVStoreGetNumDeadNode=count_dead))
        monkeypatch.setattr(heartbeats, "_EVERY", 0.5)
        monkeypatch.setenv("PS_HEARTBEAT_TIMEOUT", "7")
        monkeypatch.setenv("PS_HEARTBEAT_INTERVAL", "1")
        return heartbeats.watch_heartbeats(SimpleNamespace(handle=None), "worker", end), said, ended
    return watch


def test_a_death_is_believed_when_it_is_seen_for_longer_than_signs_of_life_are_apart(watch):
    """ps-lite may count all others as dead for a moment: while a process joins, and when the clock was set."""
    _, said, ended = watch([1, 1, 1, 0, 1, 1, 1, 1])
    assert ended.wait(20)
    (message, left), = said
    assert left == 0 and message.startswith("worker: the scheduler") and "no sign of life for 7 s" in message


def test_no_look_after_the_end_of_the_watch(watch):
    """The store is freed then, and a look at it would crash."""
    seen = [0] * 100
    stop, said, _ = watch(seen)
    time.sleep(0.8)
    stop()
    left = len(seen)
    time.sleep(1.2)
    assert len(seen) == left < 100 and not said
