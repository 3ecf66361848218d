"""The training loop. It makes the updates; everything else, such as logs and checkpoints, is done by hooks."""
import contextlib
import itertools
import logging
import math
import time
from typing import Callable, Dict, Iterator, Optional, Protocol, Sequence, Tuple, Union

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

from ..parallel.group import ALONE, Group
from ..signals import SignalReceived
from .hook import Hook, StepReport
from .not_finite import SKIPPED, NanPolicy, Statistics, describe_step, find_cause, gradients_are_finite, stop_error
from .objectives import LossesObjective, Objective

_LOGGER = logging.getLogger("light_head_rcnn")

# That an agreement of several processes may usually take: one of them may write a checkpoint or end a test meanwhile.
_USUAL_SECONDS = 60.0


class Loader(Protocol):
    """The methods of a loader that a trainer calls; `data.TrainLoader` has them."""

    def __len__(self) -> int:
        """The number of batches in an epoch."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Sequence[np.ndarray]]:
        """The batches of an epoch, counted from 0, from batch `start` on."""

    # A loader may also have `images_of(epoch, number)`, which names the images of a batch for messages.


class Trainer:
    """Trains a network for a number of epochs.

    Args:
        net: a block of losses such as `gluon_models.DetectorLosses`, or an `Objective`.
        loader: gives the batches, see `Loader`. A batch is a tuple of NumPy arrays, the images first, in the order in
            which `net` takes them.
        optimizer: gluon.Trainer of the parameters to train. The gradient that it applies is the mean over devices.
        schedule: function from the number of a step, counted from 1, to its learning rate.
        hooks: objects that are called, in this order, after each step and epoch, and in the reverse order after each
            test; see `hook.Hook`.
        epochs: number of epochs after which the training ends.
        contexts: devices, which share each batch in equal parts; by default the CPU.
        seed: seed of all random numbers of the steps. Each step is seeded by it and by the step's number, so that a
            resumed training draws the same numbers as an unbroken one.
        step: number of completed steps of an earlier run that this one continues.
        group: the processes that train together. The loader gives this one's part of each batch, and the optimizer is
            the group's. All make and end the same steps; the metrics are the means over them, and each draws random
            numbers of its own.
        on_nan: what is done about a step whose losses or gradients are not finite; by default it ends the training.

    Attributes:
        step: completed steps.
        group: as given.
        exit_status: of the command that trains, where `stop` was given one.
        is_interruptible: whether a signal may raise `SignalReceived` now, see `interruptible`.
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
                 group: Group = ALONE, on_nan: Optional[NanPolicy] = None):
        self.objective = net if isinstance(net, Objective) else LossesObjective(net)
        self.loader, self.optimizer, self.schedule, self.hooks = loader, optimizer, schedule, list(hooks)
        self.contexts, self.seed, self.step = list(contexts or [mx.cpu()]), seed, step
        self.steps_per_epoch = len(loader)
        self.total = self.steps_per_epoch * epochs
        self.group = group
        self.exit_status = 0
        self.is_interruptible = False
        self.on_nan = on_nan or NanPolicy()
        self._statistics: Optional[Statistics] = None
        self._stop_reason: Optional[str] = None
        self._stops_agreed = False
        self._agreed_status = 0  # exit status of all processes, unlike one that a signal has just given to this one

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return self.step // self.steps_per_epoch

    def stop(self, reason: str, exit_status: int = 0) -> None:
        """Ends the training after the current step or epoch; hooks and signals call it.

        Where several processes train together, all of them end after the same step, which may be the next one.
        """
        if self.exit_status and not exit_status:
            return  # a signal came before
        self._stop_reason, self.exit_status = reason, exit_status

    @property
    def stop_reason(self) -> Optional[str]:
        """Why a hook ended the training early, or None."""
        return self._stop_reason

    def run(self) -> None:
        """Trains to the end; hooks are called after each step and epoch, and closed at the end and after an error.

        Raises:
            TrainingError: the losses or the gradients of a step are not finite, and `on_nan` ends the training then.
        """
        with contextlib.ExitStack() as stack:
            for method in ("after_close", "close"):  # what is pushed last is called first
                for hook in reversed(self.hooks):
                    stack.callback(getattr(hook, method), self)  # each is called, whatever another one raises
            try:
                for hook in self.hooks:
                    hook.before_training(self)
                self._ask_all()
                while self.step < self.total and not self._stops_agreed:
                    self._run_epoch()
                if self.group.size > 1 and not self._stops_agreed:
                    # A signal that came when the others had no more to agree on: the training is at its end anyway.
                    self._stop_reason, self.exit_status = None, 0
            except BaseException as error:
                if not (isinstance(error, SignalReceived) and self.exit_status):
                    self._stop_reason = None  # an error stops it: there is nothing more to save
                    raise

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Context manager of a block between steps, such as a test, that a signal that ends the training gives up.

        With several processes a block that has begun goes on to its end, because the others wait for this one.
        """
        try:
            self.is_interruptible = self.group.size == 1
            status = self.exit_status if self.is_interruptible else self._agreed_status
            if status:
                raise SignalReceived(status)
            yield
        finally:
            self.is_interruptible = False

    def report_test(self, metrics: Dict[str, float]) -> None:
        """Tells all hooks the metrics of a test of the current network, the last one first; hooks that test call it.

        So the line of losses.jsonl, by which a resumed training knows that the test was made, is written when the best
        checkpoint is whole.
        """
        for hook in reversed(self.hooks):
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
        """Makes one update; returns its metrics and its learning rate.

        Where the step is not finite and `on_nan` skips it, there is no update, and the metrics have "skipped", how many
        steps have been skipped so far.
        """
        self._set_seed()
        learning_rate = self.schedule(self.step + 1)
        metrics = self._update(batch, learning_rate)
        self.step += 1
        return metrics, learning_rate

    def _set_seed(self) -> None:
        # Multiples of this number lie far from each other, so that no two processes are close to the same seed.
        own_seed = self.group.rank * 1327217885
        self.objective.set_seed((self.seed * 1000003 + self.step + own_seed) % 2 ** 31)

    def _run_epoch(self) -> None:
        epoch, start = divmod(self.step, self.steps_per_epoch)
        began = time.monotonic()
        batches = iter(self.loader.epoch(epoch, start))
        for _ in range(start, self.steps_per_epoch):
            with self.interruptible():
                batch = next(batches)
            with self.group.watchdog.watch_step(self.step + 1):
                metrics, learning_rate = self.train_step(batch)
            # The time is taken from one step to the next, because MXNet still computes the gradients of a step when
            # its losses are known.
            now = time.monotonic()
            report = StepReport(self.step, epoch, metrics, learning_rate,
                                len(batch[0]) * self.group.size, now - began)
            began = now
            for hook in self.hooks:
                hook.after_step(self, report)
            if self.group.size == 1 or not self.group.lockstep and self.group.meets_after(self.step):
                self._ask_all()
            if self._stops_agreed:
                break
        if self.step % self.steps_per_epoch == 0:  # a signal in its last step does not undo an epoch
            for hook in self.hooks:
                hook.after_epoch(self)
            self._ask_all()

    def _ask_all(self) -> None:
        votes = np.zeros(self.group.size, np.float32)
        votes[self.group.rank] = self._own_vote()
        with self.group.watchdog.watch("the agreement of all processes on going on", _USUAL_SECONDS):
            votes = self.group.sum(votes)
        self._agree(votes)

    def _over_group(self, metrics: Dict[str, float], is_finite: bool) -> Tuple[Dict[str, float], bool]:
        """Averages metrics over the processes, and lets these agree on whether the training ends after this step.

        Returns:
            The metrics, and whether the step is finite in all processes.
        """
        if self.group.size == 1 or not self.group.lockstep:
            return metrics, is_finite
        values = np.zeros(len(metrics) + 1 + self.group.size, np.float32)
        values[:len(metrics)] = list(metrics.values())
        values[len(metrics)] = not is_finite
        values[len(metrics) + 1 + self.group.rank] = self._own_vote()
        values = self.group.sum(values)
        self._agree(values[len(metrics) + 1:])
        return dict(zip(metrics, (values[:len(metrics)] / self.group.size).tolist())), not values[len(metrics)]

    def _leave_out(self, batch: Sequence[np.ndarray], inputs: Sequence[Sequence[mx.nd.NDArray]],
                   metrics: Dict[str, float]) -> None:
        """Leaves out a step that is not finite; TrainingError where that ends the training."""
        images_of = getattr(self.loader, "images_of", None)
        images = images_of(*divmod(self.step, self.steps_per_epoch)) if images_of else []
        what = describe_step(self.step + 1, metrics, images)
        if self.on_nan.may_skip():
            self._statistics.restore()
            _LOGGER.warning("%s. The batch is skipped, the %d. of at most %d", what, self.on_nan.skipped,
                            self.on_nan.most)
            return

        def first_layer() -> Optional[str]:
            self._set_seed()
            return next(filter(None, map(self.objective.first_layer, inputs)), None)
        cause = find_cause(batch, self.objective.batch_names, self.objective.named_parameters(), first_layer)
        raise stop_error(what, cause, self.objective.advice, self.on_nan)

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
        if self._stops_agreed:  # all processes end with the same status
            self.exit_status = self._agreed_status = max(int(vote) - 1 for vote in votes if vote)

    def _update(self, batch: Sequence[np.ndarray], learning_rate: float) -> Dict[str, float]:
        if self.on_nan.skips:
            if self._statistics is None:
                self._statistics = Statistics(self.objective.named_parameters())
            self._statistics.keep()
        parts = [gluon.utils.split_and_load(mx.nd.array(array), self.contexts) for array in batch]
        inputs = list(zip(*parts))
        with autograd.record():
            outputs = [self.objective(*of_device) for of_device in inputs]
            heads = [head for of_device in outputs for head in self.objective.heads(of_device)]
        autograd.backward(heads)
        metrics = self.objective.metrics(outputs, inputs)
        is_finite = math.isfinite(metrics["loss"])
        # Several processes add up gradients while the backward pass goes on, which looking at them would end.
        if is_finite and (self.group.size == 1 or self.on_nan.skips):
            is_finite = gradients_are_finite(self.optimizer)
        metrics, is_finite = self._over_group(metrics, is_finite)
        if not is_finite:
            self._leave_out(batch, inputs, metrics)
            return {**metrics, SKIPPED: self.on_nan.skipped}
        self.optimizer.set_learning_rate(learning_rate)
        self.optimizer.step(self.group.step_divisor(len(self.contexts)))
        if self.objective.average is not None:
            self.objective.average.update()
        return metrics
