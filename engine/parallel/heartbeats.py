"""Signs of life between the processes of MXNet's KVStore, which by itself waits for a dead one for ever."""
import ctypes
import math
import os
import threading
from typing import Any, Callable, Optional

from .watchdog import end_process

# Each process tells the scheduler every so many seconds that it lives; after so many without a sign it counts as dead.
_VARIABLES = {"PS_HEARTBEAT_INTERVAL": "4", "PS_HEARTBEAT_TIMEOUT": "20"}
_SCHEDULER, _SERVERS_AND_WORKERS = 1, 6  # how ps-lite names groups of nodes
_EVERY = 2  # seconds between two looks


def set_heartbeats() -> None:
    """Sets the variables of the heartbeats where nobody has; must come before the KVStore is made."""
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)


def watch_heartbeats(store: Any, role: str, end: Optional[Callable[[str], None]] = None) -> Callable[[], None]:
    """Ends this process when others of the group have died; it looks in a thread of its own.

    The scheduler knows of all processes; servers and workers know of the scheduler, which ends when one of them dies.
    A death is believed when several looks in a row see it, for more than the time between two signs of life: ps-lite
    counts all others as dead for some milliseconds while a process joins, and until their next sign where the clock
    was set or the machine slept.

    Args:
        store: the KVStore.
        role: of this process: "scheduler", "server" or "worker".
        end: function that is given the message and ends the process.

    Returns:
        Function that ends the watch; must be called before the store is freed.
    """
    from mxnet.base import _LIB
    seconds, interval = int(os.environ["PS_HEARTBEAT_TIMEOUT"]), int(os.environ["PS_HEARTBEAT_INTERVAL"])
    if not seconds or not interval:
        return lambda: None
    lock, is_over = threading.Lock(), threading.Event()
    is_scheduler = role == "scheduler"
    group = _SERVERS_AND_WORKERS if is_scheduler else _SCHEDULER
    who = "a server or a worker" if is_scheduler else "the scheduler, which ends when a server or a worker dies,"

    def look() -> None:
        dead, times = ctypes.c_int(), 0
        while times < math.ceil(interval / _EVERY) + 2:
            if is_over.wait(_EVERY):
                return
            with lock:
                if is_over.is_set():
                    return
                _LIB.MXKVStoreGetNumDeadNode(store.handle, group, ctypes.byref(dead), seconds)
            times = times + 1 if dead.value else 0
        (end or end_process)(f"{role}: {who} has given no sign of life for {seconds} s (PS_HEARTBEAT_TIMEOUT). "
                             "This process ends; the training can go on from its last checkpoint with --resume")

    def stop() -> None:
        with lock:
            is_over.set()

    threading.Thread(target=look, name="heartbeats", daemon=True).start()
    return stop
