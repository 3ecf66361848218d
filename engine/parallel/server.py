"""What the scheduler and the servers of MXNet's KVStore do: they hold and add up until the workers have left."""
import os
import signal

from ..signals import ENDING
from .heartbeats import set_heartbeats, watch_heartbeats

SERVING_ROLES = ("scheduler", "server")


def serve(until_killed: bool = False) -> int:
    """Runs the role that the variable DMLC_ROLE names, to the end of the training; returns the exit status.

    MXNet would do it by itself when it is imported, and would wait for dead workers for ever.

    Args:
        until_killed: ignore SIGTERM and SIGINT, which a scheduler of jobs may send to all processes: the workers need
            this one to save and end. Otherwise these signals end it at once, also inside MXNet, where a handler of
            Python would never be called.
    """
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN if until_killed else signal.SIG_DFL)
    role = os.environ.pop("DMLC_ROLE")  # MXNet must not start to serve when it is imported
    set_heartbeats()
    import mxnet as mx
    from mxnet.kvstore.kvstore_server import KVStoreServer
    os.environ["DMLC_ROLE"] = role
    store = mx.kv.create("dist")
    watch_heartbeats(store, role)
    KVStoreServer(store).run()
    return 0
