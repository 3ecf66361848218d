"""The training that a configuration describes, from the start or from a checkpoint."""
import json
import logging
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import mxnet as mx
from mxnet.gluon import HybridBlock
from yacs.config import CfgNode

from ... import data
from ...data.proposals import ProposalSet
from ...errors import DataError, TrainingError, UsageError
from ..building.box_normalization import with_computed_normalization, with_numbers_of
from ..building.datasets import build_dataset, build_test_set
from ..building.pretrained import pretrained_file
from ..building.proposals import build_proposals, proposals_checksum
from ..checkpoints.checkpoint_files import read_checkpoint
from ..config import checkpoint_prefix, saved_config
from ..evaluation.run import test_network
from ..files import atomic_write
from ..parallel.group import ALONE, Group
from ..reporting.scalars import read_scalars
from . import advice
from .checkpoint_hooks import BestHook, CheckpointHook
from .hook import Hook
from .hooks import (LOSSES_FILE, EarlyStoppingHook, LogHook, ScalarsHook, TestHook, UnreadableHook,
                    is_test_figure)
from .not_finite import SKIPPED, NanPolicy
from .objectives import GraphObjective
from .resuming import check_resumable, has_parameters_only, images_left_out, requested_checkpoint
from .run_record import RunRecord
from .schedule import build_optimizer, learning_rates
from .stopping import SignalHook
from .surroundings import data_summary, describe_process
from .trainables import Start, Trainable, given_rois_trainable, gluon_trainable, graph_trainable
from .trainer import Trainer


class TrainingRun:
    """Trains as a configuration says.

    Args:
        cfg: from `load_config`.
        contexts: devices; each takes `TRAIN.BATCH_IMAGES` images a step.
        logger: takes the log lines.
        resume: go on from the last checkpoint under the output path that is whole, with the losses of an unbroken run.
            Without it `TRAIN.RESUME` decides, which goes on from the end of epoch `TRAIN.begin_epoch`, or from the last
            checkpoint where that is 0.
        extend: go on as with `resume`, and allow another schedule (learning rates, warm-up, decay, averaging).
        allow_partial: accept a file `network.pretrained` that lacks a part of the backbone; that part starts at random.
        dataset: the records to train on; by default those of `dataset.image_set`.
        make_trainable: function (cfg, dataset, start) that makes what is trained; by default the Gluon model
            `network.model`, or the graph `symbol` where the configuration names one.
        resume_if_any: go on as with `resume` where there is a checkpoint, and start anew otherwise.
        group: the processes that train together. All see the same folder, to which the first one writes.

    Attributes:
        dataset: the records trained on.
        test_set: the records tested on, or None.
        trainer: `Trainer`.
        before_checkpoint: is called before each checkpoint, and may raise an error that ends the training; by default
            nothing is called.

    Raises:
        TrainingError: there are checkpoints of an earlier run and none is to be resumed, or they are of another
            configuration; or one is to be resumed and there is none. Nothing has been written then.
    """

    def __init__(self, cfg: CfgNode, contexts: Sequence[mx.Context], logger: logging.Logger, resume: bool = False,
                 extend: bool = False, allow_partial: bool = False, dataset: Optional[data.Dataset] = None,
                 make_trainable: Optional[Callable[[CfgNode, data.Dataset, Start], Trainable]] = None,
                 resume_if_any: bool = False, group: Group = ALONE):
        self._cfg, self._contexts, self._logger, self._group = cfg, list(contexts), logger, group
        self._last_test: Optional[Dict[str, Any]] = None
        self._unread_in_tests: List[str] = []
        self._test_proposals: Optional[ProposalSet] = None
        self._facts: Dict[str, Any] = {}
        self.before_checkpoint: Callable[[], None] = lambda: None
        self._prefix = checkpoint_prefix(cfg)
        found = requested_checkpoint(cfg, self._prefix, logger, resume or extend, resume_if_any)
        self._check_alike(found)
        if cfg.network.pretrained and not found:
            pretrained_file(cfg)  # where it is not there, that is said before the data sets are read
        mx.random.seed(cfg.seed)
        self._is_part = dataset is not None
        self._read_sets(dataset)
        if cfg.dataset.proposal == "file":
            cfg, make_trainable = self._on_given_proposals(found)
        make_trainable = make_trainable or (graph_trainable if cfg.symbol else gluon_trainable)
        start = Start(self._contexts, logger, fresh=not found, allow_partial=allow_partial, group=group)
        self.trainer = self._make_trainer(make_trainable(cfg, self.dataset, start))
        tests: List[Dict[str, Any]] = []
        self._test_is_owed = False
        if found:
            self._go_on(found, extend)
            if group.size > 1:
                group.check_equal(self.trainer.objective.parameters(), "the weights of the checkpoint")
            self.trainer.on_nan.skipped = self._earlier_skipped()
            tests = self._earlier_tests()
            self._test_is_owed = not has_parameters_only(found) and self._is_test_owed(tests)
        # An extended training has another schedule, with which the tests are counted anew.
        extended_at = self._facts.get("extended_at", 0)
        self.trainer.hooks = self._hooks([line for line in tests if line["step"] > extended_at])

    @property
    def failures(self) -> List[str]:
        """What is wrong with each image that the training or its tests could not read."""
        return list(dict.fromkeys([*self.trainer.loader.unreadable.values(), *self._unread_in_tests]))

    @property
    def all_images_were_read(self) -> bool:
        """False where an image could not be read, be it when the data sets were read or later."""
        sets = [one for one in (self.dataset, self.test_set) if one is not None]
        return not (self.failures or any(one.log.unreadable_images for one in sets))

    @property
    def net(self) -> HybridBlock:
        """A detector with the current parameters, averaged where `TRAIN.EMA_DECAY` is set."""
        return self.trainer.objective.detector()

    def run(self) -> Optional[Dict[str, Any]]:
        """Trains to the end, with tests between epochs as `TRAIN.TEST_EVERY` says and one after the last.

        The file run.json in the output path tells of it, see `RunRecord`.

        Returns:
            The metrics of the last test, see `evaluation.compute_metrics`; None where there is no test set. Where a
            signal ended the training, the attribute `exit_status` of the trainer is not 0, and no more is tested.

        Raises:
            DataError: an image cannot be read, and the policy of the data set makes that an error.
        """
        if not self._group.is_first:
            return self._run()
        sets = {"train": self.dataset, "test": self.test_set}
        record = RunRecord(
            Path(self._cfg.output_path), saved_config(self._cfg),
            {**describe_process(), "devices": list(map(str, self._contexts)), "processes": self._group.size},
            {name: data_summary(one) for name, one in sets.items() if one is not None})
        # A disk that has no room for it must not cost the checkpoint of an epoch.
        hooks = self.trainer.hooks
        savers = [place for place, hook in enumerate(hooks) if isinstance(hook, CheckpointHook)]
        hooks.insert(max(savers, default=-1) + 1, record)
        with record:
            return self._run()

    def _run(self) -> Optional[Dict[str, Any]]:
        if self.trainer.step >= self.trainer.total:
            self._logger.info("%d steps are trained already, and the configuration asks for %d; to train longer, raise "
                              "TRAIN.end_epoch", self.trainer.step, self.trainer.total)
        if self.trainer.step >= self.trainer.total and not self._test_is_owed:
            self._test("test")
        else:
            try:
                self.trainer.run()
            except DataError as error:
                raise DataError(f"{error}. The training can go on from its last checkpoint with --resume",
                                error.kind) from error
            if self.trainer.exit_status:
                return self._last_test
            if self.trainer.stop_reason is not None:
                # A training that a hook ended had no test after its last epoch.
                self._test("test")
        if not self._is_part:
            for line in advice.on_checkpoints(self._cfg):
                self._logger.info("%s", line)
        return self._last_test

    def _check_alike(self, found: Optional[str]) -> None:
        """Checks that all processes begin in the same way."""
        if self._group.size == 1:
            return
        others = self._group.different(repr((found, len(self._contexts), saved_config(self._cfg))).encode())
        if others:
            raise TrainingError(
                f"the processes {', '.join(map(str, others))} begin differently from process 0: all need the same "
                "configuration, the same number of devices and the same output_path, in a folder that all machines "
                f"share. This is process {self._group.rank}, with {len(self._contexts)} devices, "
                + (f"going on from {found}" if found else "beginning anew"))

    def _read_sets(self, dataset: Optional[data.Dataset]) -> None:
        """Reads the records to train on, unless they are given, and then those to test on."""
        cfg, logger = self._cfg, self._logger
        # What is drawn, converted or cached when a data set is first read is made once.
        with self._group.first_one_first():
            self.dataset = dataset or build_dataset(cfg, cfg.dataset.image_set)
            self.test_set = None if self._is_part else build_test_set(cfg, self.dataset.classes)
        logger.info("%s", self.dataset.summary())
        if self.test_set is not None:
            logger.info("%s", self.test_set.summary())
        if not self._is_part:
            for line in advice.on_tests(cfg, self.test_set is not None):
                logger.info("%s", line)

    def _make_trainer(self, trainable: Trainable) -> Trainer:
        """Puts what is trained, its batches and its parameters together with an optimizer and a schedule."""
        cfg, logger, group = self._cfg, self._logger, self._group
        objective, loader, parameters = trainable
        if group.size > 1 and group.share_parameters(objective.block.collect_params()):
            logger.warning("the processes began with different weights; all have those of process 0 now")
        optimizer = build_optimizer(cfg, parameters, group)
        if cfg.TRAIN.EMA_DECAY:
            objective.start_average(cfg.TRAIN.EMA_DECAY, cfg.network.NORM == "batch")
        if cfg.TRAIN.lr_schedule == "cosine":
            logger.info("the learning rate falls along half a cosine to 0 at the end of epoch %d; TRAIN.lr_step and "
                        "TRAIN.lr_factor are not read", cfg.TRAIN.end_epoch)
        devices = len(self._contexts) * group.size
        images = cfg.TRAIN.BATCH_IMAGES * devices
        if not group.lockstep:
            if cfg.TRAIN.EMA_DECAY:
                raise UsageError("TRAIN.EMA_DECAY averages the weights of steps that all processes make together: with "
                                 "default.kvstore=dist_async it must be 0")
            images //= group.size  # each update is of one process's images
            logger.info("what the optimizer remembers stays on the servers: checkpoints hold the weights alone")
        if devices > 1:
            logger.info("%d images an update: %d devices with %d each (%s, process %d of %d). The learning rate is "
                        "TRAIN.lr %g for each image, %g for an update after the warm-up", images,
                        images // cfg.TRAIN.BATCH_IMAGES, cfg.TRAIN.BATCH_IMAGES, group.description, group.rank,
                        group.size, cfg.TRAIN.lr, cfg.TRAIN.lr * images)
        self._facts.update(devices=devices, steps_per_epoch=len(loader))
        return Trainer(
            objective, loader, optimizer, learning_rates(cfg, images, len(loader)), epochs=cfg.TRAIN.end_epoch,
            contexts=self._contexts, seed=cfg.seed, step=len(loader) * cfg.TRAIN.begin_epoch, group=group,
            on_nan=NanPolicy(cfg.TRAIN.ON_NAN, cfg.TRAIN.MAX_SKIPPED_BATCHES))

    def _on_given_proposals(self, found: Optional[str]) -> Tuple[CfgNode, Callable[..., Trainable]]:
        """Reads the proposals of both sets; returns the configuration with the numbers that are computed from them.

        Args:
            found: the checkpoint to go on from, which has these numbers; None for none.
        """
        cfg = self._cfg
        given = build_proposals(cfg, self.dataset, cfg.TRAIN.PROPOSALS)
        self._facts["proposals"] = proposals_checksum(self.dataset.records, given)
        if self.test_set is not None:
            self._test_proposals = build_proposals(cfg, self.test_set, cfg.TEST.PROPOSALS)
        if found and not has_parameters_only(found):
            cfg = with_numbers_of(cfg, read_checkpoint(found)["config"])
        else:
            cfg = with_computed_normalization(cfg, self.dataset, given.of, self._logger)
        self._cfg = cfg
        return cfg, partial(given_rois_trainable, proposals_of=given.of)

    def _go_on(self, checkpoint: str, extend: bool) -> None:
        trainer = self.trainer
        if has_parameters_only(checkpoint):
            trainer.objective.load_parameters(checkpoint + ".params")
            self._logger.info("resuming from the parameters of %s.params at step %d of %d; what the optimizer "
                              "remembered is not there and begins anew", checkpoint, trainer.step, trainer.total)
            return
        facts = dict(self._facts, classes=list(self.dataset.classes))
        if images_left_out(self.dataset.log):
            # A training that a broken image has stopped goes on without it, and its epochs may be shorter.
            del facts["steps_per_epoch"]
            facts.pop("proposals", None)
            self._logger.warning("images were left out because they cannot be read: where they were there before, "
                                 "the losses are not those of an unbroken run")
        trainer.step = check_resumable(checkpoint, self._cfg, facts, extend)
        state = trainer.objective.load_checkpoint(checkpoint, trainer.optimizer)
        self._facts["extended_at"] = trainer.step if extend else state.get("extended_at", 0)
        self._logger.info("resuming from %s, step %d of %d", checkpoint, trainer.step, trainer.total)
        if state["devices"] != self._facts["devices"]:
            self._logger.info("the checkpoint was trained on %d devices, and this training is on %d: the batches are "
                              "the same, the losses nearly so, because each device takes the statistics of its own "
                              "images and draws its own random numbers", state["devices"], self._facts["devices"])
        if trainer.objective.average is not None and "average_updates" not in state:
            self._logger.info("the checkpoint holds no averaged weights: their average (TRAIN.EMA_DECAY) begins with "
                              "its weights")
        elif trainer.objective.average is None and "average_updates" in state:
            self._logger.info("TRAIN.EMA_DECAY is 0: the training goes on from the checkpoint's weights without their "
                              "average, and the next checkpoints hold no average")

    def _hooks(self, earlier_tests: Sequence[Dict[str, Any]]) -> List[Hook]:
        cfg, logger = self._cfg, self._logger
        figures = [line.get(f"test_{cfg.TRAIN.BEST_METRIC}") for line in earlier_tests]
        hooks: List[Hook] = [SignalHook()]
        if self._group.is_first:
            hooks += [ScalarsHook(Path(cfg.output_path)), LogHook(logger, cfg.default.frequent)]
        hooks += [
            UnreadableHook(self.trainer.loader, logger),
            CheckpointHook(self._prefix, logger, dict(self._facts, config=saved_config(cfg)),
                           cfg.TRAIN.CHECKPOINT_STEPS, cfg.TRAIN.KEEP_CHECKPOINTS, self._prepare_checkpoint,
                           cfg.TRAIN.SAVE_EVERY_MINUTES)]
        if self.test_set is not None:
            hooks.append(TestHook(self._test, cfg.TRAIN.TEST_EVERY, self._test_is_owed))
            if cfg.TRAIN.TEST_EVERY and self._group.is_first:
                hooks.append(BestHook(self._prefix, cfg.TRAIN.BEST_METRIC, logger))
            if cfg.TRAIN.EARLY_STOP_TESTS:
                hooks.append(EarlyStoppingHook(cfg.TRAIN.BEST_METRIC, cfg.TRAIN.EARLY_STOP_TESTS, figures))
        return hooks

    def _earlier_skipped(self) -> int:
        """How many batches were skipped up to the step that this training goes on from; all processes say the same."""
        path = Path(self._cfg.output_path) / LOSSES_FILE
        lines = read_scalars(path) if self._group.is_first and path.is_file() else []
        counts = [line[SKIPPED] for line in lines if SKIPPED in line and line["step"] <= self.trainer.step]
        return int(self._group.broadcast(str(max(counts, default=0)).encode()))

    def _earlier_tests(self) -> List[Dict[str, Any]]:
        """The lines of the tests up to the step that this training goes on from; all processes say the same."""
        path = Path(self._cfg.output_path) / LOSSES_FILE
        lines = read_scalars(path) if self._group.is_first and path.is_file() else []
        lines = [line for line in lines if line["step"] <= self.trainer.step and any(map(is_test_figure, line))]
        return json.loads(self._group.broadcast(json.dumps(lines).encode()))

    def _is_test_owed(self, tests: Sequence[Dict[str, Any]]) -> bool:
        """True where the training that is gone on with was stopped in the test after its last epoch."""
        trainer, every = self.trainer, self._cfg.TRAIN.TEST_EVERY
        if self.test_set is None or not trainer.step or trainer.step % trainer.steps_per_epoch:
            return False
        is_due = trainer.step >= trainer.total or every > 0 and trainer.epoch % every == 0
        return is_due and not any(line["step"] == trainer.step for line in tests)

    def _prepare_checkpoint(self) -> None:
        """Writes the graph beside its parameters, as the MXNet original does."""
        self.before_checkpoint()
        if isinstance(self.trainer.objective, GraphObjective):
            with atomic_write(self._prefix + "-symbol.json") as temporary:
                self.trainer.objective.symbol.save(temporary)

    def _test(self, folder: str) -> Optional[Dict[str, float]]:
        """Tests the network `net` as it is now; returns COCO's metrics, or None where there is nothing to test on."""
        if self.test_set is None:
            return None
        self._group.align(self.trainer.optimizer)
        self.trainer.objective.share_statistics(self._group)
        self._last_test, unread = test_network(self._cfg, self.net, self.test_set, self._contexts,
                                               Path(self._cfg.output_path) / folder, self._logger,
                                               self._test_proposals, self._group)
        self._unread_in_tests += unread
        return None if self._last_test is None else self._last_test["coco"]
