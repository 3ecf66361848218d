"""Joins the group of processes that a training belongs to."""
import os
from functools import partial
from typing import Callable

from yacs.config import CfgNode

from ...errors import UsageError
from ..signals import ending_at_once
from .group import ALONE, Group
from .kvstore_group import VARIABLES, KVStoreGroup
from .watchdog import Watchdog

_DISTRIBUTED = "dist"
_START_SECONDS = 60  # that processes, which need not start at once, may take to join at least


def join_group(cfg: CfgNode, horovod: bool = False) -> Group:
    """Joins the processes that this one was started with.

    Args:
        cfg: the section `default` is read. A `kvstore` that begins with "dist" joins processes. So does any where the
            variable DMLC_ROLE is set, because the process was started as one of several then: by "dist_sync".
        horovod: join the processes that `horovodrun` has started.

    Returns:
        The group; `ALONE` where there is one process.

    Raises:
        UsageError: two ways are asked for at once, or a variable is not set.
        LibraryError: Horovod is missing.
    """
    kvstore, seconds = cfg.default.kvstore, cfg.default.GROUP_TIMEOUT
    if horovod:
        if kvstore.startswith(_DISTRIBUTED) or os.environ.get(VARIABLES[0]):
            raise UsageError("--horovod and MXNet's distributed KVStore (default.kvstore, lhrcnn launch) are two ways "
                             "of joining processes: use one of them")
        from .horovod_group import HorovodGroup
        return _joined(HorovodGroup, seconds)
    if kvstore.startswith(_DISTRIBUTED) or os.environ.get(VARIABLES[0]):
        name = kvstore if kvstore.startswith(_DISTRIBUTED) else "dist_sync"
        return _joined(partial(KVStoreGroup, name), seconds)
    return ALONE


def _joined(make: Callable[[], Group], seconds: float) -> Group:
    # A wait inside MXNet lets no handler of Python run.
    with Watchdog(seconds and max(seconds, _START_SECONDS)).watch("the joining of all processes"), ending_at_once():
        group = make()
        group.barrier()
    group.watchdog = Watchdog(seconds)
    return group
