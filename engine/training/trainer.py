"""The training loop. It makes the updates; everything else, such as logs and checkpoints, is done by hooks."""
import itertools
import math
import time
from typing import Callable, Dict, Iterator, Optional, Protocol, Sequence, Tuple, Union

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

from ...errors import TrainingError
from ..parallel.group import ALONE, Group
from ..parallel.watchdog import Watchdog
from .hook import Hook, StepReport
from .objectives import LossesObjective, Objective


class Loader(Protocol):
    """The methods of a loader that a trainer calls; `data.TrainLoader` has them."""

    def __len__(self) -> int:
        """The number of batches in an epoch."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Sequence[np.ndarray]]:
        """The batches of an epoch, counted from 0, from batch `start` on."""


class Trainer:
    """Trains a network for a number of epochs.

    Args:
        net: a block of losses such as `gluon_models.DetectorLosses`, or an `Objective`.
        loader: gives the batches, see `Loader`. A batch is a tuple of NumPy arrays, the images first, in the order in
            which `net` takes them.
        optimizer: gluon.Trainer of the parameters to train. The gradient that it applies is the mean over devices.
        schedule: function from the number of a step, counted from 1, to its learning rate.
        hooks: objects that are called, in this order, after each step, epoch and test; see `hook.Hook`.
        epochs: number of epochs after which the training ends.
        contexts: devices, which share each batch in equal parts; by default the CPU.
        seed: seed of all random numbers of the steps. Each step is seeded by it and by the step's number, so that a
            resumed training draws the same numbers as an unbroken one.
        step: number of completed steps of an earlier run that this one continues.
        group: the processes that train together. The loader gives this one's part of each batch, and the optimizer is
            the group's. All make and end the same steps; the metrics are the means over them, and each draws random
            numbers of its own.
        watchdog: bounds the time of a step where there are several processes.

    Attributes:
        step: completed steps.
        group, watchdog: as given.
        exit_status: of the command that trains, where `stop` was given one.
        total: steps of the whole training.
        steps_per_epoch: batches in an epoch.

    Example::

        losses = DetectorLosses(net, ohem=128)
        optimizer = gluon.Trainer(net.collect_params(), "sgd", {"momentum": 0.9}, update_on_kvstore=False)
        Trainer(losses, loader, optimizer, lambda step: 0.001, hooks=[LogHook(logger, every=20)], epochs=8).run()
    """

    def __init__(self, net: Union[Objective, gluon.Block], loader: Loader, optimizer: gluon.Trainer,
                 schedule: Callable[[int], float], hooks: Sequence[Hook] = (), epochs: int = 1,
                 contexts: Optional[Sequence[mx.Context]] = None, seed: int = 0, step: int = 0,
                 group: Group = ALONE, watchdog: Optional[Watchdog] = None):
        self.objective = net if isinstance(net, Objective) else LossesObjective(net)
        self.loader, self.optimizer, self.schedule, self.hooks = loader, optimizer, schedule, list(hooks)
        self.contexts, self.seed, self.step = list(contexts or [mx.cpu()]), seed, step
        self.steps_per_epoch = len(loader)
        self.total = self.steps_per_epoch * epochs
        self.group, self.watchdog = group, watchdog or Watchdog(0)
        self.exit_status = 0
        self._stop_reason: Optional[str] = None
        self._stops_agreed = False
        self._began = time.monotonic()

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return self.step // self.steps_per_epoch

    def stop(self, reason: str, exit_status: int = 0) -> None:
        """Ends the training after the current step or epoch; hooks and signals call it.

        Where several processes train together, all of them end after the same step, which may be the next one.
        """
        self._stop_reason, self.exit_status = reason, exit_status

    @property
    def stop_reason(self) -> Optional[str]:
        """Why a hook ended the training early, or None."""
        return self._stop_reason

    def run(self) -> None:
        """Trains to the end; hooks are called after each step and epoch, and closed at the end and after an error.

        Raises:
            TrainingError: the loss is not a finite number.
        """
        try:
            for hook in self.hooks:
                hook.before_training(self)
            self._ask_all()
            while self.step < self.total and not self._stops_agreed:
                self._run_epoch()
        finally:
            for hook in self.hooks:
                hook.close(self)

    def report_test(self, metrics: Dict[str, float]) -> None:
        """Tells all hooks the metrics of a test of the current network; hooks that test call it."""
        for hook in self.hooks:
            hook.after_test(self, metrics)

    def time_steps(self, count: int) -> Iterator[Tuple[float, float]]:
        """Trains on batch after batch without hooks, for benchmarks; loading is not timed.

        Yields:
            For each of `count` steps its seconds by the clock and the processor seconds of all threads.
        """
        batches = itertools.chain.from_iterable(map(self.loader.epoch, itertools.count()))
        for batch in itertools.islice(batches, count):
            began = time.monotonic(), time.process_time()
            self.train_step(batch)
            mx.nd.waitall()
            yield time.monotonic() - began[0], time.process_time() - began[1]

    def train_step(self, batch: Sequence[np.ndarray]) -> Tuple[Dict[str, float], float]:
        """Makes one update; returns its metrics and its learning rate."""
        # Multiples of this number lie far from each other, so that no two processes are close to the same seed.
        own_seed = self.group.rank * 1327217885
        self.objective.set_seed((self.seed * 1000003 + self.step + own_seed) % 2 ** 31)
        learning_rate = self.schedule(self.step + 1)
        metrics = self._over_group(self._update(batch, learning_rate))
        if not math.isfinite(metrics["loss"]):
            raise TrainingError(f"the loss is {metrics['loss']} at step {self.step + 1}; {self.objective.advice}")
        if self.objective.average is not None:
            self.objective.average.update()
        self.step += 1
        return metrics, learning_rate

    def _run_epoch(self) -> None:
        epoch, start = divmod(self.step, self.steps_per_epoch)
        began = time.monotonic()
        for batch in self.loader.epoch(epoch, start):
            with self.watchdog.watch_step(self.step + 1, time.monotonic() - self._began):
                metrics, learning_rate = self.train_step(batch)
            # The time is taken from one step to the next, because MXNet still computes the gradients of a step when
            # its losses are known.
            now = time.monotonic()
            report = StepReport(self.step, epoch, metrics, learning_rate,
                                len(batch[0]) * self.group.size, now - began)
            began = now
            for hook in self.hooks:
                hook.after_step(self, report)
            if self.group.size == 1:
                self._ask_all()
            if self._stops_agreed:
                return
        for hook in self.hooks:
            hook.after_epoch(self)
        self._ask_all()

    def _ask_all(self) -> None:
        votes = np.zeros(self.group.size, np.float32)
        votes[self.group.rank] = self._own_vote()
        self._agree(self.group.sum(votes))

    def _over_group(self, metrics: Dict[str, float]) -> Dict[str, float]:
        """Averages metrics over the processes, and lets these agree on whether the training ends after this step."""
        if self.group.size == 1:
            return metrics
        values = np.zeros(len(metrics) + self.group.size, np.float32)
        values[:len(metrics)] = list(metrics.values())
        values[len(metrics) + self.group.rank] = self._own_vote()
        values = self.group.sum(values)
        self._agree(values[len(metrics):])
        return dict(zip(metrics, (values[:len(metrics)] / self.group.size).tolist()))

    def _own_vote(self) -> int:
        """0 to go on, or 1 and the exit status to end."""
        return 0 if self._stop_reason is None else 1 + self.exit_status

    def _agree(self, votes: Sequence[float]) -> None:
        """Ends the training where a process wants to; the votes of all are known to all."""
        for rank, vote in enumerate(votes):
            if vote:
                self._stops_agreed = True
                if self._stop_reason is None:
                    self.stop(f"process {rank} was told to", int(vote) - 1)

    def _update(self, batch: Sequence[np.ndarray], learning_rate: float) -> Dict[str, float]:
        parts = [gluon.utils.split_and_load(mx.nd.array(array), self.contexts) for array in batch]
        inputs = list(zip(*parts))
        with autograd.record():
            outputs = [self.objective(*of_device) for of_device in inputs]
            heads = [head for of_device in outputs for head in self.objective.heads(of_device)]
        autograd.backward(heads)
        self.optimizer.set_learning_rate(learning_rate)
        self.optimizer.step(len(self.contexts))
        return self.objective.metrics(outputs, inputs)
