"""Signs of life between the processes of MXNet's KVStore, which by itself waits for a dead one for ever."""
import ctypes
import os
import threading
import time
from typing import Any, Callable, Optional

from .watchdog import end_process

# Each process tells the scheduler every so many seconds that it lives; after so many without a sign it counts as dead.
_VARIABLES = {"PS_HEARTBEAT_INTERVAL": "4", "PS_HEARTBEAT_TIMEOUT": "20"}
_SCHEDULER, _SERVERS_AND_WORKERS = 1, 6  # how ps-lite names groups of nodes
_EVERY = 2  # seconds between two looks
# While a process joins the others, ps-lite counts all of them as dead for some milliseconds: it does not know yet since
# when it listens. So a death is believed when it is seen so often in a row.
_TIMES = 2


def set_heartbeats() -> None:
    """Sets the variables of the heartbeats where nobody has; must come before the KVStore is made."""
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)


def watch_heartbeats(store: Any, role: str, end: Optional[Callable[[str], None]] = None) -> None:
    """Ends this process when others of the group have died; it looks in a thread of its own.

    The scheduler knows of all processes; servers and workers know of the scheduler, which ends when one of them dies.

    Args:
        store: the KVStore.
        role: of this process: "scheduler", "server" or "worker".
        end: function that is given the message and ends the process.
    """
    from mxnet.base import _LIB
    seconds = int(os.environ["PS_HEARTBEAT_TIMEOUT"])
    if not seconds or os.environ["PS_HEARTBEAT_INTERVAL"] == "0":
        return
    is_scheduler = role == "scheduler"
    group = _SERVERS_AND_WORKERS if is_scheduler else _SCHEDULER
    who = "a server or a worker" if is_scheduler else "the scheduler, which ends when a server or a worker dies,"

    def look() -> None:
        dead, times = ctypes.c_int(), 0
        while times < _TIMES:
            time.sleep(_EVERY)
            _LIB.MXKVStoreGetNumDeadNode(store.handle, group, ctypes.byref(dead), seconds)
            times = times + 1 if dead.value else 0
        (end or end_process)(f"{role}: {who} has given no sign of life for {seconds} s (PS_HEARTBEAT_TIMEOUT). "
                             "This process ends; the training can go on from its last checkpoint with --resume")

    threading.Thread(target=look, name="heartbeats", daemon=True).start()
