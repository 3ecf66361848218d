"""What training is, whatever is trained: its steps, their learning rates, logs, checkpoints, and going on from one."""
import itertools
import math
import time
from pathlib import Path

import mxnet as mx
import numpy as np

from ...errors import TrainingError
from ..building import build
from ..checkpoints.checkpoint import latest_checkpoint, read_state
from ..config import changed_keys, checkpoint_prefix, lr_steps, training_keys
from ..reporting.curves import plot_losses
from ..reporting.progress import Progress
from ..reporting.scalars import ScalarLog


def learning_rates(cfg, images, steps_per_epoch):
    """Function from the number of the step, from 1, to its learning rate.

    `TRAIN.lr` is for one image: the gradient is the mean over the batch, so that it is multiplied by `images`. Warm-up
    stays at `warmup_lr` ("constant", the port) or rises from it ("linear", the TensorFlow original). MXNet's own
    schedulers refuse a warm-up from above and two drops in one step, which short runs have.
    """
    train = cfg.TRAIN
    drops = [int(epoch * steps_per_epoch) for epoch in lr_steps(cfg)]

    def rate(step):
        if train.warmup and step < train.warmup_step:
            risen = step / train.warmup_step if train.warmup_method == "linear" else 0
            return images * (train.warmup_lr + risen * (train.lr - train.warmup_lr))
        return images * train.lr * train.lr_factor ** sum(step > drop for drop in drops)

    return rate


def optimizer_options(cfg):
    """Arguments of the optimizer that `TRAIN` describes; its learning rate is set at every step."""
    options = {"wd": cfg.TRAIN.wd, "learning_rate": cfg.TRAIN.lr}
    if cfg.TRAIN.optimizer == "sgd":
        options["momentum"] = cfg.TRAIN.momentum
    if cfg.TRAIN.CLIP_GRADIENT:
        options["clip_gradient"] = cfg.TRAIN.CLIP_GRADIENT
    return options


class TrainingLoop:
    """Trains as a configuration says, from the start or from a checkpoint.

    A subclass says what is trained, in `_prepare`, `_update`, `_load` and `_write`.

    Args:
        cfg: from `load_config`.
        contexts: devices; each takes `TRAIN.BATCH_IMAGES` images a step.
        logger: from `open_logger`.
        resume: go on from the last checkpoint under the output path; its losses continue as if nothing had happened.
            Without it `TRAIN.RESUME` decides, which goes on from the end of epoch `TRAIN.begin_epoch` where that is
            not 0.
        allow_partial: begin with what there is of the backbone of `network.pretrained`, and say what there is not.

    Attributes:
        dataset: the records trained on.
        step, total: completed steps, and those of the whole training.

    Raises:
        TrainingError: checkpoints of an earlier run are there and none is to be resumed, or they are of another
            configuration.
    """

    def __init__(self, cfg, contexts, logger, resume=False, allow_partial=False):
        self._cfg, self._contexts, self._logger, self._allow_partial = cfg, contexts, logger, allow_partial
        self._prefix = checkpoint_prefix(cfg)
        found = self._find_checkpoint(resume)
        mx.random.seed(cfg.seed)
        self.dataset = build.build_dataset(cfg, cfg.dataset.image_set)
        logger.info("%s", self.dataset.summary())
        self._images = cfg.TRAIN.BATCH_IMAGES * len(contexts)
        self._loader = None
        self._prepare(fresh=not found)
        self._steps_per_epoch = len(self._loader)
        self.total = self._steps_per_epoch * cfg.TRAIN.end_epoch
        self.step = self._steps_per_epoch * cfg.TRAIN.begin_epoch
        self._learning_rate = learning_rates(cfg, self._images, self._steps_per_epoch)
        if found:
            self._resume(found)

    def _prepare(self, fresh):
        """Makes what is trained, its loader `self._loader`, and its optimizer.

        Args:
            fresh: give it its first weights; else a checkpoint is loaded next.
        """
        raise NotImplementedError

    def _update(self, batch, learning_rate):
        """One step; returns its metrics, a dict of floats, "loss" among them."""
        raise NotImplementedError

    def _load(self, checkpoint, states):
        """Puts in the parameters of the checkpoint PREFIX-TAG and, if `states`, what its optimizer remembered."""
        raise NotImplementedError

    def _write(self, epoch, state, whole_epoch):
        """Writes a checkpoint after `self.step` steps, and returns its PREFIX-TAG."""
        raise NotImplementedError

    def _find_checkpoint(self, resume):
        """PREFIX-TAG to go on from, or None."""
        train = self._cfg.TRAIN
        if train.RESUME and train.begin_epoch and not resume:
            return f"{self._prefix}-{train.begin_epoch:04d}"
        found = latest_checkpoint(self._prefix)
        if found and not (resume or train.RESUME):
            raise TrainingError("there are checkpoints of an earlier run, the last one %s: pass --resume to go on from "
                                "it, or choose another folder: output_path PATH" % found)
        return found

    def _resume(self, checkpoint):
        if not Path(checkpoint + ".json").is_file() and Path(checkpoint + ".params").is_file():
            self._load(checkpoint, states=False)
            self._logger.info("resuming from the parameters of %s.params at step %d of %d; what the optimizer "
                              "remembered is not there and begins anew", checkpoint, self.step, self.total)
            return
        state = read_state(checkpoint)
        changed = changed_keys(state["config"], self._cfg)
        now = dict(self._run_facts(), classes=list(self.dataset.classes))
        changed += ["%s: %s in the checkpoint, %s now" % (name, state[name], value) for name, value in now.items()
                    if state[name] != value]
        if changed:
            raise TrainingError("the checkpoint %s was trained with another configuration or other data:\n  %s"
                                % (checkpoint, "\n  ".join(changed)))
        self._load(checkpoint, states=True)
        self.step = state["step"]
        self._logger.info("resuming from %s, step %d of %d", checkpoint, self.step, self.total)

    def _run_facts(self):
        """What the sequence of losses depends on beside the configuration."""
        return {"devices": len(self._contexts), "steps_per_epoch": self._steps_per_epoch}

    def run(self, after_epoch=None):
        """Trains to the last epoch.

        Args:
            after_epoch: called with the number of completed epochs after each one's checkpoint.
        """
        folder = Path(self._cfg.output_path)
        with ScalarLog(folder / "losses.jsonl", self.step, folder / "tensorboard") as scalars, \
                Progress(self.total, self.step, self._logger, self._cfg.default.frequent) as progress:
            while self.step < self.total:
                epoch, start = divmod(self.step, self._steps_per_epoch)
                began = time.monotonic()
                for batch in self._loader.epoch(epoch, start):
                    metrics, learning_rate = self._train_step(batch)
                    # From one step to the next: MXNet still computes a step's gradients when its losses are known.
                    now = time.monotonic()
                    self._report(scalars, progress, epoch, metrics, learning_rate, now - began)
                    began = now
                    self._save_inside_epoch()
                self._save(epoch + 1)
                plot_losses(folder / "losses.jsonl", folder / "losses.png")
                if after_epoch is not None:
                    after_epoch(epoch + 1)

    def time_steps(self, count):
        """Trains on batch after batch, without logs and checkpoints, for benchmarks; loading is not timed.

        Yields:
            (seconds, processor seconds of all threads) of each of `count` steps.
        """
        batches = itertools.chain.from_iterable(map(self._loader.epoch, itertools.count()))
        for batch in itertools.islice(batches, count):
            began = time.monotonic(), time.process_time()
            self._train_step(batch)
            mx.nd.waitall()
            yield time.monotonic() - began[0], time.process_time() - began[1]

    def _train_step(self, batch):
        """One update; returns the metrics as floats and the learning rate."""
        # Seeded a step, so that a resumed run draws what an unbroken one draws. The custom operators draw from NumPy.
        seed = (self._cfg.seed * 1000003 + self.step) % 2 ** 31
        mx.random.seed(seed)
        np.random.seed(seed)
        learning_rate = self._learning_rate(self.step + 1)
        metrics = self._update(batch, learning_rate)
        if not math.isfinite(metrics["loss"]):
            raise TrainingError("the loss is %s at step %d; lower TRAIN.lr, lengthen TRAIN.warmup_step, or set "
                                "TRAIN.CLIP_GRADIENT" % (metrics["loss"], self.step + 1))
        self.step += 1
        return metrics, learning_rate

    def _report(self, scalars, progress, epoch, metrics, learning_rate, seconds):
        speed = self._images / seconds
        scalars.write(self.step, epoch=epoch, lr=learning_rate, images_per_second=speed, **metrics)
        progress.update(self.step, epoch=epoch, **metrics, **{"images/s": speed})

    def _save_inside_epoch(self):
        every = self._cfg.TRAIN.CHECKPOINT_STEPS
        if every and self.step % every == 0 and self.step % self._steps_per_epoch:
            self._save(self.step // self._steps_per_epoch, whole_epoch=False)

    def _save(self, epoch, whole_epoch=True):
        path = self._write(epoch, dict(self._run_facts(), config=training_keys(self._cfg)), whole_epoch)
        self._logger.info("saved %s", path)
