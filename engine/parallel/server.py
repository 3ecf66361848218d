"""What the scheduler and the servers of MXNet's KVStore do: they hold and add up until the workers have left."""
import os

from .heartbeats import set_heartbeats, watch_heartbeats

SERVING_ROLES = ("scheduler", "server")


def serve() -> int:
    """Runs the role that the variable DMLC_ROLE names, to the end of the training; returns the exit status.

    MXNet would do it by itself when it is imported, and would wait for dead workers for ever.
    """
    role = os.environ.pop("DMLC_ROLE")  # MXNet must not start to serve when it is imported
    set_heartbeats()
    import mxnet as mx
    from mxnet.kvstore.kvstore_server import KVStoreServer
    os.environ["DMLC_ROLE"] = role
    store = mx.kv.create("dist")
    watch_heartbeats(store, role)
    KVStoreServer(store).run()
    return 0
