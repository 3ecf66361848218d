"""Hooks that write the checkpoints of a training, keep the best one, and remove those that are no longer needed."""
import contextlib
import logging
import math
import time
from typing import Any, Callable, Dict, Iterator, Mapping, Optional

import numpy as np

from ...errors import StorageError, TrainingError
from ..checkpoints.checkpoint_files import (BEST, copy_checkpoint, epoch_tag, list_checkpoints, read_checkpoint,
                                            remove_checkpoint, remove_leftovers, step_tag, write_checkpoint)
from ..checkpoints.choosing import latest_checkpoint
from .hook import Hook, RunningTrainer, StepReport


class CheckpointHook(Hook):
    """Writes a checkpoint after each epoch and, on request, inside epochs.

    Args:
        prefix: path that the files' names start with.
        logger: is told of each checkpoint.
        facts: entries of the JSON files, such as {"config": saved_config(cfg)}.
        every_steps: steps between two checkpoints inside an epoch; 0 writes none there.
        keep: how many of the last epochs keep their checkpoints; 0 keeps all. A checkpoint inside an epoch goes when a
            later one is whole, and PREFIX-best stays.
        before_write: is called before each checkpoint, to write what else belongs to it.
        every_minutes: minutes between two checkpoints inside an epoch, by a clock that no one sets; 0 writes none.

    Where several processes train together, each has this hook, and the first one writes.
    """

    def __init__(self, prefix: str, logger: logging.Logger, facts: Optional[Mapping[str, Any]] = None,
                 every_steps: int = 0, keep: int = 0, before_write: Optional[Callable[[], None]] = None,
                 every_minutes: float = 0):
        self._prefix, self._logger, self._facts = prefix, logger, dict(facts or {})
        self._every_steps, self._keep, self._before_write = every_steps, keep, before_write
        self._every_seconds, self._written_at = 60 * every_minutes, time.monotonic()
        self._written_step: Optional[int] = None

    def before_training(self, trainer: RunningTrainer) -> None:
        if trainer.group.is_first:
            remove_leftovers(self._prefix)
        self._written_step, self._written_at = trainer.step, time.monotonic()

    def after_step(self, trainer: RunningTrainer, report: StepReport) -> None:
        is_due = (self._every_steps and report.step % self._every_steps == 0
                  or self._every_seconds and trainer.group.meets_after(report.step) and trainer.group.any(
                      time.monotonic() - self._written_at >= self._every_seconds))
        if is_due and report.step % trainer.steps_per_epoch:
            self._write(trainer, step_tag(report.step))

    def after_epoch(self, trainer: RunningTrainer) -> None:
        self._write(trainer, epoch_tag(trainer.epoch))

    def close(self, trainer: RunningTrainer) -> None:
        # A signal or a hook that ended the training must not cost the steps since the last checkpoint.
        if trainer.stop_reason is not None and trainer.step != self._written_step:
            self._write(trainer, step_tag(trainer.step) if trainer.step % trainer.steps_per_epoch
                        else epoch_tag(trainer.epoch))

    def _write(self, trainer: RunningTrainer, tag: str) -> None:
        with _advice_where_full(self._prefix):
            self._write_whole(trainer, tag)
        self._written_step, self._written_at = trainer.step, time.monotonic()

    def _write_whole(self, trainer: RunningTrainer, tag: str) -> None:
        trainer.group.align(trainer.optimizer)
        trainer.objective.share_statistics(trainer.group)
        if not trainer.group.is_first:
            return
        if self._before_write is not None:
            self._before_write()
        content = trainer.objective.content(trainer.optimizer)
        broken = [name for name, array in content.arrays.items() if not np.isfinite(array.asnumpy()).all()]
        if broken:
            raise TrainingError(
                f"after step {trainer.step} parameters are not finite numbers: {broken[0]}"
                + (f" and {len(broken) - 1} more arrays" if broken[1:] else "") + ". No checkpoint was written; go on "
                "from the last one by --extend, with a lower TRAIN.lr, a longer TRAIN.warmup_step or "
                "TRAIN.CLIP_GRADIENT")
        base = write_checkpoint(self._prefix, tag, content, trainer.epoch, trainer.step, self._facts)
        self._logger.info("saved %s", base)
        self._remove_old(tag, trainer.step)

    def _remove_old(self, tag: str, step: int) -> None:
        others = [checkpoint for checkpoint in list_checkpoints(self._prefix)
                  if checkpoint.tag not in (BEST, tag) and checkpoint.step <= step]
        epochs = [checkpoint for checkpoint in others if checkpoint.ends_epoch]
        # The checkpoint that has just been written counts too where it ends an epoch.
        keep = self._keep - tag.isdecimal() if self._keep else len(epochs)
        kept = epochs[max(len(epochs) - keep, 0):]
        for checkpoint in others:
            if checkpoint not in kept:
                remove_checkpoint(checkpoint.base)


class BestHook(Hook):
    """Copies the checkpoint with the best test so far to PREFIX-best; must stand behind the `CheckpointHook`.

    Args:
        prefix: the same as that of the `CheckpointHook`.
        metric: the metric of the tests that decides, such as "AP"; the highest value is the best.
        logger: is told of each copy.
    """

    def __init__(self, prefix: str, metric: str, logger: logging.Logger):
        self._prefix, self._metric, self._logger = prefix, metric, logger

    def after_test(self, trainer: RunningTrainer, metrics: Dict[str, float]) -> None:
        value = metrics.get(self._metric)
        # Not the latest checkpoint: a training that goes on from an early epoch may have later ones beside it.
        tested = [checkpoint.base for checkpoint in list_checkpoints(self._prefix)
                  if checkpoint.tag == epoch_tag(trainer.epoch) and checkpoint.step == trainer.step]
        if value is None or math.isnan(value) or not tested:
            return
        best = [checkpoint.base for checkpoint in list_checkpoints(self._prefix) if checkpoint.tag == BEST]
        state = read_checkpoint(best[0]) if best else {}
        # The best one may have been chosen by another metric, of an earlier configuration.
        known = {**state.get("other_metrics", {}), **state.get("test", {})}.get(self._metric)
        if known is None or value > known:
            others = {name: other for name, other in metrics.items()
                      if name != self._metric and isinstance(other, (int, float)) and math.isfinite(other)}
            facts = {"test": {self._metric: value}, "other_metrics": others}
            with _advice_where_full(self._prefix):
                copy_checkpoint(tested[0], self._prefix, BEST, facts)
            self._logger.info("%s-%s is the checkpoint with the best %s so far, %.4f", self._prefix, BEST,
                              self._metric, value)


@contextlib.contextmanager
def _advice_where_full(prefix: str) -> Iterator[None]:
    """Adds to the error of a disk that is full how to go on."""
    try:
        yield
    except StorageError as error:
        found = latest_checkpoint(prefix)
        if found is None:
            raise
        raise StorageError(f"{error}. The same command with --resume goes on from {found}") from error
