"""The training that a configuration describes, from the start or from a checkpoint."""
import logging
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import mxnet as mx
from mxnet.gluon import HybridBlock
from yacs.config import CfgNode

from ... import data
from ...data.proposals import ProposalSet
from ...errors import DataError
from ..building.box_normalization import with_computed_normalization, with_numbers_of
from ..building.datasets import build_dataset, build_test_set
from ..building.pretrained import pretrained_file
from ..building.proposals import build_proposals
from ..checkpoints.checkpoint_files import damage_messages, read_checkpoint
from ..config import checkpoint_prefix, saved_config
from ..evaluation.run import test_network
from ..files import atomic_write
from ..reporting.scalars import read_scalars
from . import advice
from .checkpoint_hooks import BestHook, CheckpointHook
from .hook import Hook
from .hooks import LOSSES_FILE, EarlyStoppingHook, LogHook, ScalarsHook, TestHook, UnreadableHook
from .objectives import GraphObjective
from .resuming import check_resumable, has_parameters_only, images_left_out, requested_checkpoint
from .schedule import build_optimizer, learning_rates
from .trainables import Start, Trainable, given_rois_trainable, gluon_trainable, graph_trainable
from .trainer import Trainer


class TrainingRun:
    """Trains as a configuration says.

    Args:
        cfg: from `load_config`.
        contexts: devices; each takes `TRAIN.BATCH_IMAGES` images a step.
        logger: takes the log lines.
        resume: go on from the last checkpoint under the output path, with the losses of an unbroken run; start anew
            where there is none. Without it `TRAIN.RESUME` decides, which goes on from the end of epoch
            `TRAIN.begin_epoch`, or from the last checkpoint where that is 0.
        extend: go on as with `resume`, and allow another schedule (learning rates, warm-up, decay, averaging).
        allow_partial: accept a file `network.pretrained` that lacks a part of the backbone; that part starts at random.
        dataset: the records to train on; by default those of `dataset.image_set`.
        make_trainable: function (cfg, dataset, start) that makes what is trained; by default the Gluon model
            `network.model`, or the graph `symbol` where the configuration names one.

    Attributes:
        dataset: the records trained on.
        test_set: the records tested on, or None.
        trainer: `Trainer`.

    Raises:
        TrainingError: there are checkpoints of an earlier run and none is to be resumed, or they are of another
            configuration. Nothing has been written then.
    """

    def __init__(self, cfg: CfgNode, contexts: Sequence[mx.Context], logger: logging.Logger, resume: bool = False,
                 extend: bool = False, allow_partial: bool = False, dataset: Optional[data.Dataset] = None,
                 make_trainable: Optional[Callable[[CfgNode, data.Dataset, Start], Trainable]] = None):
        self._cfg, self._contexts, self._logger = cfg, list(contexts), logger
        self._last_test: Optional[Dict[str, Any]] = None
        self._unread_in_tests: List[str] = []
        self._test_proposals: Optional[ProposalSet] = None
        self._prefix = checkpoint_prefix(cfg)
        found = requested_checkpoint(cfg, self._prefix, resume or extend)
        if (resume or extend) and not found:
            logger.info("there is no checkpoint %s-*: the training starts from the beginning", self._prefix)
        if cfg.network.pretrained and not found:
            pretrained_file(cfg)  # where it is not there, that is said before the data sets are read
        mx.random.seed(cfg.seed)
        is_part = self._is_part = dataset is not None
        self.dataset = dataset or build_dataset(cfg, cfg.dataset.image_set)
        logger.info("%s", self.dataset.summary())
        self.test_set = None if is_part else build_test_set(cfg, self.dataset.classes)
        if self.test_set is not None:
            logger.info("%s", self.test_set.summary())
        if not is_part:
            for line in advice.on_tests(cfg, self.test_set is not None):
                logger.info("%s", line)
        if cfg.dataset.proposal == "file":
            cfg, make_trainable = self._on_given_proposals(found)
        make_trainable = make_trainable or (graph_trainable if cfg.symbol else gluon_trainable)
        start = Start(self._contexts, logger, fresh=not found, allow_partial=allow_partial)
        objective, loader, parameters = make_trainable(cfg, self.dataset, start)
        optimizer = build_optimizer(cfg, parameters)
        if cfg.TRAIN.EMA_DECAY:
            objective.start_average(cfg.TRAIN.EMA_DECAY, cfg.network.NORM == "batch")
        if cfg.TRAIN.lr_schedule == "cosine":
            logger.info("the learning rate falls along half a cosine to 0 at the end of epoch %d; TRAIN.lr_step and "
                        "TRAIN.lr_factor are not read", cfg.TRAIN.end_epoch)
        images = cfg.TRAIN.BATCH_IMAGES * len(self._contexts)
        self._facts = {"devices": len(self._contexts), "steps_per_epoch": len(loader)}
        self.trainer = Trainer(
            objective, loader, optimizer, learning_rates(cfg, images, len(loader)), epochs=cfg.TRAIN.end_epoch,
            contexts=self._contexts, seed=cfg.seed, step=len(loader) * cfg.TRAIN.begin_epoch)
        if found:
            self._go_on(found, extend)
        # An extended training has another schedule, with which the tests are counted anew.
        self.trainer.hooks = self._hooks(self._earlier_tests() if found and not extend else ())

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

        Returns:
            The metrics of the last test, see `evaluation.compute_metrics`; None where there is no test set.

        Raises:
            DataError: an image cannot be read, and the policy of the data set makes that an error.
        """
        if self.trainer.step >= self.trainer.total:
            self._logger.info("%d steps are trained already, and the configuration asks for %d; to train longer, raise "
                              "TRAIN.end_epoch", self.trainer.step, self.trainer.total)
            self._test("test")
        else:
            try:
                self.trainer.run()
            except DataError as error:
                raise DataError(f"{error}. The training can go on from its last checkpoint with --resume",
                                error.kind) from error
            if self.trainer.stop_reason is not None:
                # A training that a hook ended had no test after its last epoch.
                self._test("test")
        if not self._is_part:
            for line in advice.on_checkpoints(self._cfg):
                self._logger.info("%s", line)
        return self._last_test

    def _on_given_proposals(self, found: Optional[str]) -> Tuple[CfgNode, Callable[..., Trainable]]:
        """Reads the proposals of both sets; returns the configuration with the numbers that are computed from them.

        Args:
            found: the checkpoint to go on from, which has these numbers; None for none.
        """
        cfg = self._cfg
        given = build_proposals(cfg, self.dataset, cfg.TRAIN.PROPOSALS)
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
            self._logger.warning("images were left out because they cannot be read: where they were there before, "
                                 "the losses are not those of an unbroken run")
        for message in damage_messages(self._prefix):
            self._logger.warning("a checkpoint is passed over: %s", message)
        trainer.step = check_resumable(checkpoint, self._cfg, facts, extend)
        state = trainer.objective.load_checkpoint(checkpoint, trainer.optimizer)
        self._logger.info("resuming from %s, step %d of %d", checkpoint, trainer.step, trainer.total)
        if trainer.objective.average is not None and "average_updates" not in state:
            self._logger.info("the checkpoint holds no averaged weights: their average (TRAIN.EMA_DECAY) begins with "
                              "its weights")
        elif trainer.objective.average is None and "average_updates" in state:
            self._logger.info("TRAIN.EMA_DECAY is 0: the training goes on from the checkpoint's weights without their "
                              "average, and the next checkpoints hold no average")

    def _hooks(self, earlier_tests: Sequence[Optional[float]]) -> List[Hook]:
        cfg, logger = self._cfg, self._logger
        hooks: List[Hook] = [
            ScalarsHook(Path(cfg.output_path)), LogHook(logger, cfg.default.frequent),
            UnreadableHook(self.trainer.loader, logger),
            CheckpointHook(self._prefix, logger, dict(self._facts, config=saved_config(cfg)),
                           cfg.TRAIN.CHECKPOINT_STEPS, cfg.TRAIN.KEEP_CHECKPOINTS, self._save_graph)]
        if self.test_set is not None:
            hooks.append(TestHook(self._test, cfg.TRAIN.TEST_EVERY))
            if cfg.TRAIN.TEST_EVERY:
                hooks.append(BestHook(self._prefix, cfg.TRAIN.BEST_METRIC, logger))
            if cfg.TRAIN.EARLY_STOP_TESTS:
                hooks.append(EarlyStoppingHook(cfg.TRAIN.BEST_METRIC, cfg.TRAIN.EARLY_STOP_TESTS, earlier_tests))
        return hooks

    def _earlier_tests(self) -> List[Optional[float]]:
        """The metric `TRAIN.BEST_METRIC` of the tests before the step that this training goes on from."""
        path, name = Path(self._cfg.output_path) / LOSSES_FILE, f"test_{self._cfg.TRAIN.BEST_METRIC}"
        lines = read_scalars(path) if path.is_file() else []
        return [line[name] for line in lines if name in line and line["step"] <= self.trainer.step]

    def _save_graph(self) -> None:
        """Writes the graph beside its parameters, as the MXNet original does."""
        if isinstance(self.trainer.objective, GraphObjective):
            with atomic_write(self._prefix + "-symbol.json") as temporary:
                self.trainer.objective.symbol.save(temporary)

    def _test(self, folder: str) -> Optional[Dict[str, float]]:
        """Tests the network `net` as it is now; returns COCO's metrics, or None where there is nothing to test on."""
        if self.test_set is None:
            return None
        self._last_test, unread = test_network(self._cfg, self.net, self.test_set, self._contexts,
                                               Path(self._cfg.output_path) / folder, self._logger,
                                               self._test_proposals)
        self._unread_in_tests += unread
        return None if self._last_test is None else self._last_test["coco"]
