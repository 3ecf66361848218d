"""Processes that are joined by MXNet's KVStore, a parameter server."""
import os
from typing import Any, Dict, List, Mapping

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.base import _LIB

from ...errors import UsageError
from .async_updates import FIRST_KEY, AsyncTrainer, ServerUpdates, exchange
from .group import Group
from .heartbeats import set_heartbeats, watch_heartbeats

# What a scheduler of processes sets, and MXNet's KVStore reads.
VARIABLES = ("DMLC_ROLE", "DMLC_PS_ROOT_URI", "DMLC_PS_ROOT_PORT", "DMLC_NUM_WORKER", "DMLC_NUM_SERVER")
WORKER_NUMBER = "DMLC_WORKER_ID"
_LEAST, _MOST = 64, 2 ** 20  # numbers in the arrays that are added up


class KVStoreGroup(Group):
    """Workers that the environment variables `VARIABLES` describe; the servers add up.

    Args:
        name: "dist_sync": the servers wait for the gradients of all workers, and each worker applies their sum.
            "dist_async": the servers apply the gradients of each worker when they come.

    Raises:
        UsageError: a variable is not set.
    """

    is_joined = True

    def __init__(self, name: str = "dist_sync"):
        missing = [variable for variable in VARIABLES if not os.environ.get(variable)]
        if missing:
            raise UsageError(f"default.kvstore is {name}, and {', '.join(missing)} not set: lhrcnn launch starts the "
                             "processes and sets them; docs/scaling.md says how to do it by hand")
        set_heartbeats()
        self._store = mx.kv.create(name)
        self._stop_watching = watch_heartbeats(self._store, "worker")
        self.lockstep = name != "dist_async"
        if not self.lockstep:
            if self._store.rank == 0:
                self._store.set_optimizer(ServerUpdates())
            self._store._barrier()
        self.size = self._store.num_workers
        self._keys: Dict[int, List[int]] = {}
        self.rank = self._store.rank
        self.description = f"MXNet's KVStore {name}"
        # MXNet numbers workers as they come. Where whoever started them has numbered them, that number counts.
        given = os.environ.get(WORKER_NUMBER, "")
        numbers = np.zeros(self.size, np.float32)
        if given.isdecimal() and int(given) < self.size:
            numbers[int(given)] = 1
        if (self.sum(numbers) == 1).all():
            self.rank = int(given)

    def sum(self, values: np.ndarray) -> np.ndarray:
        values = np.asarray(values, np.float32)
        parts = [self._sum(values[start:start + _MOST]) for start in range(0, len(values), _MOST)]
        return np.concatenate(parts) if parts else values

    def _sum(self, values: np.ndarray) -> np.ndarray:
        length = _LEAST
        while length < len(values):
            length *= 2
        if length not in self._keys:
            count = 1 if self.lockstep else self.size
            self._keys[length] = [FIRST_KEY + len(self._keys) * count + number for number in range(count)]
            for key in self._keys[length]:
                self._store.init(key, mx.nd.zeros(length))
        keys, padded = self._keys[length], np.zeros(length, np.float32)
        padded[:len(values)] = values
        if not self.lockstep:
            found = exchange(self._store, keys, self._store.rank, mx.nd.array(padded))
            return sum(array.asnumpy() for array in found)[:len(values)]
        self._store.push(keys[0], mx.nd.array(padded))
        total = mx.nd.zeros(length)
        self._store.pull(keys[0], out=total)
        return total.asnumpy()[:len(values)]

    def gather(self, content: bytes) -> List[bytes]:
        sizes = np.zeros((self.size, 2), np.float32)  # each below 2**24, so that float32 holds it
        sizes[self.rank] = divmod(len(content), 2 ** 16)
        lengths = [int(high) * 2 ** 16 + int(low) for high, low in self.sum(sizes.ravel()).reshape(-1, 2)]
        # Two bytes in a float32, at a place where all others have 0: the sum is exact.
        starts = np.cumsum([0] + [-(-length // 2) for length in lengths])
        words = np.zeros(starts[-1], np.float32)
        words[starts[self.rank]:starts[self.rank + 1]] = np.frombuffer(content + b"\0" * (len(content) % 2), np.uint16)
        words = self.sum(words).astype(np.uint16)
        return [words[start:end].tobytes()[:length] for start, end, length in zip(starts, starts[1:], lengths)]

    def barrier(self) -> None:
        self.sum(np.zeros(1, np.float32))

    def optimizer(self, parameters: Mapping[str, gluon.Parameter], name: str, options: Dict[str, Any],
                  kvstore: str) -> gluon.Trainer:
        if not self.lockstep:
            return AsyncTrainer(parameters, name, options, self._store)
        return _LockstepTrainer(dict(parameters), name, options, kvstore=self._store, update_on_kvstore=False)

    def align(self, optimizer: gluon.Trainer) -> None:
        if not self.lockstep:
            optimizer.align()

    def close(self) -> None:
        self._stop_watching()
        _LIB.MXKVStoreFree(self._store.handle)

    def step_divisor(self, devices: int) -> int:
        return devices * self.size if self.lockstep else devices


class _LockstepTrainer(gluon.Trainer):
    """Takes the first weights from the servers before it sends a gradient.

    MXNet's own only asks for the weights, and sends gradients meanwhile. Where a worker's question comes late, the
    servers have added up the gradients of all workers under that name, and the worker takes their sum for its weights.
    """

    def _init_params(self) -> None:
        super()._init_params()
        mx.nd.waitall()
