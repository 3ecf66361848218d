"""Processes that are joined by Horovod, which adds up gradients in a ring."""
import importlib
from typing import Any, Dict, List, Mapping

import mxnet as mx
import numpy as np
from mxnet import gluon

from ...errors import LibraryError, UsageError
from .group import Group


class HorovodGroup(Group):
    """The processes that `horovodrun` has started, with one device each.

    Raises:
        LibraryError: Horovod is not installed, or was built without MXNet.
    """

    is_joined = True

    def __init__(self):
        # The names of the operators' library must be bound before Horovod's is loaded.
        importlib.import_module("light_head_rcnn.operators")
        try:
            import horovod.mxnet as hvd
        except ImportError as error:
            raise LibraryError(f"--horovod needs Horovod built for MXNet ({error}); docs/scaling.md has the line that "
                               "installs it") from error
        hvd.init()
        self._hvd = hvd
        self.rank, self.size = hvd.rank(), hvd.size()
        self.local_rank = hvd.local_rank()
        self.description = "Horovod"

    def sum(self, values: np.ndarray) -> np.ndarray:
        if not len(values):
            return np.asarray(values, np.float32)
        return self._hvd.allreduce(mx.nd.array(values, dtype="float32"), average=False, name="sum").asnumpy()

    def gather(self, content: bytes) -> List[bytes]:
        sizes = np.zeros((self.size, 2), np.float32)
        sizes[self.rank] = divmod(len(content), 2 ** 16)
        lengths = [int(high) * 2 ** 16 + int(low) for high, low in self.sum(sizes.ravel()).reshape(-1, 2)]
        # All processes give equally many rows, at least one.
        row = np.zeros((1, max(max(lengths), 1)), np.uint8)
        row[0, :len(content)] = np.frombuffer(content, np.uint8)
        rows = self._hvd.allgather(mx.nd.array(row, dtype="uint8"), name="gather").asnumpy()
        return [one[:length].tobytes() for one, length in zip(rows, lengths)]

    def barrier(self) -> None:
        self.sum(np.zeros(1, np.float32))

    def optimizer(self, parameters: Mapping[str, gluon.Parameter], name: str, options: Dict[str, Any],
                  kvstore: str) -> gluon.Trainer:
        if any(len(parameter.list_ctx()) > 1 for parameter in parameters.values()):
            raise UsageError("Horovod drives one device a process: start one process for each device, horovodrun -np N")
        return self._hvd.DistributedTrainer(dict(parameters), name, options)

    def step_divisor(self, devices: int) -> int:
        return devices  # Horovod itself divides by the number of processes

    def close(self) -> None:
        self._hvd.shutdown()
