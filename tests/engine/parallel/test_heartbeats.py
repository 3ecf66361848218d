"""When a process takes others for dead; that real ones are noticed stands in test_lost_worker.py."""
import threading
from types import SimpleNamespace

from light_head_rcnn.engine.parallel import heartbeats


def test_a_death_is_believed_when_it_is_seen_twice_in_a_row(monkeypatch):
    """While a process joins, ps-lite may count all others as dead for a moment."""
    seen, ended = [1, 0, 0, 1, 1], threading.Event()
    said = []

    def count_dead(handle, group, count, seconds):
        count._obj.value = seen.pop(0)
        return 0

    def end(message):
        said.append((message, len(seen)))
        ended.set()

    monkeypatch.setattr("mxnet.base._LIB", SimpleNamespace(MXKVStoreGetNumDeadNode=count_dead))
    monkeypatch.setattr(heartbeats, "_EVERY", 0.01)
    monkeypatch.setenv("PS_HEARTBEAT_TIMEOUT", "7")
    monkeypatch.setenv("PS_HEARTBEAT_INTERVAL", "1")
    heartbeats.watch_heartbeats(SimpleNamespace(handle=None), "worker", end)
    assert ended.wait(10)
    (message, left), = said
    assert left == 0 and message.startswith("worker: the scheduler") and "no sign of life for 7 s" in message
