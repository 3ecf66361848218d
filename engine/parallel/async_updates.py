"""What the servers of an asynchronous KVStore do with what workers send, and the optimizer of the workers."""
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence

import mxnet as mx
from mxnet import gluon

# Keys from here on hold words between workers; below it are parameters, as an optimizer numbers them.
FIRST_KEY = 1000000
# MXNet deals keys out to servers by their remainders: of as many consecutive ones, each server holds one.
_RATE_KEYS = 1000


class ServerUpdates(mx.optimizer.Optimizer):
    """Applies each gradient to its parameter at once, with the learning rate that worker 0 has sent last.

    Args:
        inner: the optimizer, with the factors of parameters in its `lr_mult` and `wd_mult`, by number; None before
            there is a network.
    """

    def __init__(self, inner: Optional[mx.optimizer.Optimizer] = None):
        super().__init__()
        self.inner = inner

    def create_state_multi_precision(self, index: int, weight: mx.nd.NDArray) -> Any:
        """Returns the states of a parameter, which stay on the server."""
        return None if index >= FIRST_KEY - _RATE_KEYS else self.inner.create_state_multi_precision(index, weight)

    def update_multi_precision(self, index: int, weight: mx.nd.NDArray, grad: mx.nd.NDArray, state: Any) -> None:
        """Updates a parameter, takes the learning rate, or keeps a word for the workers."""
        if index >= FIRST_KEY:
            weight[:] = grad
        elif index >= FIRST_KEY - _RATE_KEYS:
            self.inner.set_learning_rate(float(grad.asnumpy()[0]))
        else:
            self.inner.update_multi_precision(index, weight, grad, state)


class AsyncTrainer(gluon.Trainer):
    """Sends gradients to servers that apply them, and takes the parameters as they are then.

    Args:
        parameters: by name.
        name, options: MXNet's name of the optimizer, and its arguments.
        store: the KVStore.
    """

    def __init__(self, parameters: Mapping[str, gluon.Parameter], name: str, options: Dict[str, Any],
                 store: mx.kv.KVStore):
        super().__init__(dict(parameters), name, options, kvstore=None)
        self._store, self._name, self._options, self._begun = store, name, dict(options), False
        servers = min(int(os.environ["DMLC_NUM_SERVER"]), _RATE_KEYS)
        self._rate_keys = range(FIRST_KEY - servers, FIRST_KEY)

    def set_learning_rate(self, lr: float) -> None:
        """Sets the learning rate of this worker's and the following updates."""
        super().set_learning_rate(lr)
        if self._begun and self._store.rank == 0:
            for key in self._rate_keys:
                self._store.push(key, mx.nd.array([lr]))

    def step(self, batch_size: int, ignore_stale_grad: bool = False) -> None:
        """Sends the gradients, of which `batch_size` are summed up here, and takes the parameters."""
        if not self._begun:
            self._begin(batch_size)
        for number, parameter in enumerate(self._params):
            self._store.push(number, parameter.list_grad(), priority=-number)
            self._store.pull(number, parameter.list_data(), priority=-number)

    def align(self) -> None:
        """Takes the parameters from the servers while no worker sends anything."""
        if self._begun:
            mx.nd.waitall()
            self._store._barrier()
            for number, parameter in enumerate(self._params):
                self._store.pull(number, parameter.list_data())
            mx.nd.waitall()
            self._store._barrier()

    def _begin(self, batch_size: int) -> None:
        inner = mx.optimizer.create(self._name, **self._options)
        inner.rescale_grad = 1 / batch_size
        inner.set_learning_rate(self.learning_rate)
        inner.lr_mult = {number: parameter.lr_mult for number, parameter in enumerate(self._params)}
        inner.wd_mult = {number: parameter.wd_mult for number, parameter in enumerate(self._params)}
        if self._store.rank == 0:
            self._store.set_optimizer(ServerUpdates(inner))
        self._store._barrier()
        for key in self._rate_keys:
            self._store.init(key, mx.nd.zeros(1))
        for number, parameter in enumerate(self._params):
            self._store.init(number, parameter.list_data()[0])
        self._begun = True


def exchange(store: mx.kv.KVStore, keys: Sequence[int], own: int, values: mx.nd.NDArray) -> List[mx.nd.NDArray]:
    """Keeps an array under one of several keys, and returns those that the workers have kept under them.

    Args:
        store: the KVStore, with `ServerUpdates`.
        keys: one a worker, initialised.
        own: place of this worker's key.
        values: its array.
    """
    store.push(keys[own], values)
    mx.nd.waitall()
    store._barrier()
    found = [mx.nd.zeros(values.shape) for _ in keys]
    for key, array in zip(keys, found):
        store.pull(key, out=array)
    mx.nd.waitall()
    store._barrier()
    return found
