"""The group of processes that train one network together, as a training sees it."""
import contextlib
import hashlib
import logging
import os
import sys
from typing import Any, Dict, Iterator, List, Mapping, Sequence

import mxnet as mx
import numpy as np
from mxnet import gluon

from ... import data
from ...errors import TrainingError, UsageError
from .watchdog import Watchdog

_STEPS_APART = 20  # so many steps at most is one process ahead of another where they are not made together


class Group:
    """A training's processes; each calls the same methods in the same order. This class is of one process alone.

    Attributes:
        rank: number of this process, from 0 to `size` - 1. Rank 0 writes the files of the run.
        size: number of processes.
        lockstep: whether all processes make their steps together. Without it each goes on when it is ready, and all
            wait for each other now and then.
        is_joined: whether there are connections to others, be it to servers alone, which must be taken down.
        description: what joins the processes, for the log.
        watchdog: bounds how long this process waits for the others.
    """

    rank = 0
    size = 1
    lockstep = True
    is_joined = False
    description = "one process"
    watchdog = Watchdog(0)

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files."""
        return self.rank == 0

    @property
    def shard(self) -> data.Shard:
        """This process's part of batches and tests."""
        return data.Shard(self.rank, self.size)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Adds up the float32 vectors of all processes, which are of one length; each process gets the sum."""
        return np.asarray(values, np.float32)

    def gather(self, content: bytes) -> List[bytes]:
        """Collects what each process has to say, in the order of the ranks; each process gets all."""
        return [content]

    def barrier(self) -> None:
        """Returns when all processes have called it."""

    @contextlib.contextmanager
    def first_one_first(self) -> Iterator[None]:
        """Context manager of a block that the other processes begin when rank 0 has ended it, such as a download."""
        if not self.is_first:
            self.barrier()
        yield
        if self.is_first:
            self.barrier()

    def broadcast(self, content: bytes) -> bytes:
        """Returns what rank 0 has to say; that of others is not read."""
        return self.gather(content if self.rank == 0 else b"")[0]

    def any(self, flag: bool) -> bool:
        """Tells whether any process says True."""
        return bool(self.sum(np.array([flag], np.float32))[0])

    def mean(self, arrays: Sequence[np.ndarray]) -> List[np.ndarray]:
        """Averages arrays over the processes."""
        if self.size == 1:
            return list(arrays)
        flat = self.sum(np.concatenate([np.ravel(array) for array in arrays])) / np.float32(self.size)
        ends = np.cumsum([array.size for array in arrays])[:-1]
        return [part.reshape(array.shape) for part, array in zip(np.split(flat, ends), arrays)]

    def optimizer(self, parameters: Mapping[str, gluon.Parameter], name: str, options: Dict[str, Any],
                  kvstore: str) -> gluon.Trainer:
        """Makes the optimizer, which adds up the gradients of all devices of all processes and applies them.

        Args:
            parameters: what is trained, by name.
            name, options: MXNet's name of the optimizer, and its arguments.
            kvstore: MXNet's name of the KVStore that adds up the gradients of this process's devices.
        """
        if kvstore.startswith("dist"):
            raise UsageError(f"default.kvstore is {kvstore}: this command trains in one process; lhrcnn train is for "
                             "several")
        return gluon.Trainer(dict(parameters), name, options, kvstore=kvstore, update_on_kvstore=False)

    def meets_after(self, step: int) -> bool:
        """Whether all processes are at the same place after a step: always where they make their steps together."""
        return self.lockstep or step % _STEPS_APART == 0

    def align(self, optimizer: gluon.Trainer) -> None:
        """Gives all processes the same parameters, where their steps are not made together."""

    def step_divisor(self, devices: int) -> int:
        """Returns the argument of the optimizer's `step` with which it applies the mean gradient over all devices."""
        return devices

    def leave(self, status: int, together: bool) -> None:
        """Ends this process, as one of several, with an exit status; nothing happens where it is the only one.

        Args:
            status: the exit status.
            together: whether all processes have come to the same end, and take leave of each other. One that has
                failed does not wait for others, which would wait for it.
        """
        if not self.is_joined:
            return
        if together:
            with self.watchdog.watch("the end of all processes"):
                self.barrier()
                self.close()
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    def close(self) -> None:
        """Takes the connections to the other processes down, when all of them do."""

    def different(self, content: bytes) -> List[int]:
        """Returns the ranks of the processes that say something else than rank 0; all get the same answer."""
        said = self.gather(content)
        return [rank for rank, one in enumerate(said) if one != said[0]]

    def check_equal(self, arrays: Mapping[str, mx.nd.NDArray], what: str) -> None:
        """Checks that all processes hold the same arrays, to the bit.

        Raises:
            TrainingError: they do not; every process raises it.
        """
        others = self.size > 1 and self.different(digest(arrays))
        if others:
            raise TrainingError(f"{what} of the processes {', '.join(map(str, others))} are not those of process 0")

    def share_parameters(self, parameters: Mapping[str, gluon.Parameter]) -> bool:
        """Gives all processes the parameters of rank 0 where they have others; returns whether they had."""
        if self.size == 1:
            return False
        arrays = {name: parameter.data(parameter.list_ctx()[0]) for name, parameter in parameters.items()}
        if not self.different(digest(arrays)):
            return False
        for name in sorted(parameters):
            array = arrays[name].asnumpy()
            sent = np.frombuffer(self.broadcast(array.tobytes()), array.dtype).reshape(array.shape)
            parameters[name].set_data(mx.nd.array(sent, dtype=array.dtype))
        arrays = {name: parameter.data(parameter.list_ctx()[0]) for name, parameter in parameters.items()}
        self.check_equal(arrays, "the first weights")
        return True


def digest(arrays: Mapping[str, mx.nd.NDArray]) -> bytes:
    """Returns a checksum of arrays and their names."""
    sha = hashlib.sha256()
    for name in sorted(arrays):
        sha.update(name.encode())
        sha.update(np.ascontiguousarray(arrays[name].asnumpy()).tobytes())
    return sha.digest()


ALONE = Group()
