"""End-to-end training of a Gluon detector."""
import math
import time
from pathlib import Path

import mxnet as mx
from mxnet import autograd, gluon

from ...gluon_models.training import LOSSES, METRICS
from . import build
from .checkpoint import latest_checkpoint, load_checkpoint, read_state, save_checkpoint
from .config import changed_keys, checkpoint_prefix, lr_steps, training_keys
from .logs import Progress, ScalarLog
from .plots import plot_losses


class TrainingError(RuntimeError):
    """Training cannot start or go on; the message says what to change."""


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


def gluon_trainer(cfg, net):
    """The optimizer over the parameters that are not fixed; biases and shifts do not decay, as in MXNet's Module."""
    parameters = {name: p for name, p in net.collect_params().items() if p.grad_req != "null"}
    for parameter in net.neck.collect_params().values():
        parameter.lr_mult = cfg.TRAIN.LIGHT_HEAD_LR_MULT
    for name, parameter in parameters.items():
        parameter.wd_mult = 1.0 if name.endswith(("_weight", "_gamma")) else 0.0
    options = {"wd": cfg.TRAIN.wd, "learning_rate": cfg.TRAIN.lr}
    if cfg.TRAIN.optimizer == "sgd":
        options["momentum"] = cfg.TRAIN.momentum
    if cfg.TRAIN.CLIP_GRADIENT:
        options["clip_gradient"] = cfg.TRAIN.CLIP_GRADIENT
    return gluon.Trainer(parameters, cfg.TRAIN.optimizer, options, kvstore=cfg.default.kvstore, update_on_kvstore=False)


class EndToEndTrainer:
    """Trains a detector as a configuration says, from the start or from its last checkpoint.

    Args:
        cfg: from `load_config`.
        contexts: devices; each takes `TRAIN.BATCH_IMAGES` images a step.
        logger: from `logs.open_logger`.
        resume: go on from the last checkpoint under the output path; its losses continue as if nothing had happened.

    Raises:
        TrainingError: checkpoints of an earlier run are there and `resume` is False, or they are of another
            configuration.
    """

    def __init__(self, cfg, contexts, logger, resume=False):
        self._cfg, self._contexts, self._logger = cfg, contexts, logger
        self._prefix = checkpoint_prefix(cfg)
        self.step = 0
        found = latest_checkpoint(self._prefix)
        if found and not resume:
            raise TrainingError("there are checkpoints of an earlier run, the last one %s: pass --resume to go on from "
                                "it, or choose another folder: output_path PATH" % found)
        mx.random.seed(cfg.seed)
        self.dataset = build.build_dataset(cfg, cfg.dataset.image_set)
        logger.info("%s", self.dataset.summary())
        self.net = build.build_net(cfg, self.dataset.classes)
        images = cfg.TRAIN.BATCH_IMAGES * len(contexts)
        self._loader = build.build_train_loader(cfg, self.net, self.dataset, images)
        self._steps_per_epoch = len(self._loader)
        self._total = self._steps_per_epoch * cfg.TRAIN.end_epoch
        self._learning_rate = learning_rates(cfg, images, self._steps_per_epoch)
        build.initialize(cfg, self.net, contexts, pretrained=not found)
        fixed = build.fix_parameters(self.net, cfg.network.FIXED_PARAMS)
        if fixed and not cfg.network.pretrained:
            logger.info("warning: network.pretrained is empty, so that network.FIXED_PARAMS fixes random weights; "
                        "to train from scratch: network.FIXED_PARAMS [] network.NORM batch")
        logger.info("%s: %.2fM parameters, %d arrays fixed", cfg.network.model,
                    sum(math.prod(p.shape) for p in self.net.collect_params().values()) / 1e6, len(fixed))
        self._trainer = gluon_trainer(cfg, self.net)
        if found:
            self._resume(found)
        self._graph = build.build_training_graph(cfg, self.net)
        self._graph.hybridize()

    def _resume(self, checkpoint):
        state = read_state(checkpoint)
        changed = changed_keys(state["config"], self._cfg)
        now = dict(self._run_facts(), classes=list(self.dataset.classes))
        changed += ["%s: %s in the checkpoint, %s now" % (name, state[name], value) for name, value in now.items()
                    if state[name] != value]
        if changed:
            raise TrainingError("the checkpoint %s was trained with another configuration or other data:\n  %s"
                                % (checkpoint, "\n  ".join(changed)))
        load_checkpoint(checkpoint, self.net, self._trainer)
        self.step = state["step"]
        self._logger.info("resuming from %s, step %d of %d", checkpoint, self.step, self._total)

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
                Progress(self._total, self.step, self._logger, self._cfg.default.frequent) as progress:
            while self.step < self._total:
                epoch, start = divmod(self.step, self._steps_per_epoch)
                for batch in self._loader.epoch(epoch, start):
                    self._report(scalars, progress, epoch, *self._train_step(batch))
                    self._save_inside_epoch()
                self._save(epoch + 1)
                plot_losses(folder / "losses.jsonl", folder / "losses.png")
                if after_epoch is not None:
                    after_epoch(epoch + 1)

    def _train_step(self, batch):
        """One update; returns the metrics as floats, the learning rate and the seconds it took."""
        began = time.monotonic()
        # Seeded a step, so that a resumed run draws what an unbroken one draws.
        mx.random.seed((self._cfg.seed * 1000003 + self.step) % 2 ** 31)
        shards = [gluon.utils.split_and_load(mx.nd.array(array), self._contexts) for array in batch]
        with autograd.record():
            outputs = [self._graph(*shard) for shard in zip(*shards)]
            losses = [sum(output[:len(LOSSES)]) for output in outputs]
        autograd.backward(losses)
        learning_rate = self._learning_rate(self.step + 1)
        self._trainer.set_learning_rate(learning_rate)
        self._trainer.step(len(self._contexts))
        metrics = {name: sum(float(output[i].asscalar()) for output in outputs) / len(outputs)
                   for i, name in enumerate(METRICS)}
        loss = sum(metrics[name] for name in LOSSES)
        if not math.isfinite(loss):
            raise TrainingError("the loss is %s at step %d; lower TRAIN.lr, lengthen TRAIN.warmup_step, or set "
                                "TRAIN.CLIP_GRADIENT" % (loss, self.step + 1))
        self.step += 1
        return dict(metrics, loss=loss), learning_rate, time.monotonic() - began

    def _report(self, scalars, progress, epoch, metrics, learning_rate, seconds):
        images = self._cfg.TRAIN.BATCH_IMAGES * len(self._contexts)
        scalars.write(self.step, epoch=epoch, lr=learning_rate, images_per_second=images / seconds, **metrics)
        progress.update(self.step, epoch=epoch, **metrics)

    def _save_inside_epoch(self):
        every = self._cfg.TRAIN.CHECKPOINT_STEPS
        if every and self.step % every == 0 and self.step % self._steps_per_epoch:
            self._save(self.step // self._steps_per_epoch, whole_epoch=False)

    def _save(self, epoch, whole_epoch=True):
        path = save_checkpoint(self._prefix, self.net, self._trainer, epoch, self.step,
                               dict(self._run_facts(), config=training_keys(self._cfg)), whole_epoch)
        self._logger.info("saved %s", path)
