"""`train`: trains a detector by one call."""
import logging
from pathlib import Path
from typing import Any, Sequence, Union

import mxnet as mx
from yacs.config import CfgNode

from ...errors import UsageError
from ..building.datasets import write_reports
from ..config import load_config, with_overrides
from ..folder_lock import lock_folder
from ..inference.detector import Detector
from ..parallel.group import ALONE, Group
from ..reporting.logger import HeldLogFile, open_logger
from ..signals import SignalReceived
from .run import TrainingRun
from .stopping import tells_of_resume


def train(cfg: Union[str, Path, CfgNode], ctx: Union[None, mx.Context, Sequence[mx.Context]] = None,
          resume: bool = False, extend: bool = False, allow_partial: bool = False, resume_if_any: bool = False,
          **overrides: Any) -> Detector:
    """Trains a detector end to end as a configuration says; the files are written to its `output_path`.

    Args:
        cfg: a configuration, the path of its file, or the name of one that comes with the package.
        ctx: the device, or several that share each batch; by default the CPU.
        resume: go on from the last checkpoint in `output_path`.
        extend: go on from the last checkpoint with another schedule (learning rates, warm-up, decay, averaging). More
            epochs need `resume` only, unless `TRAIN.lr_schedule` is "cosine".
        allow_partial: accept a file `network.pretrained` that lacks a part of the backbone; that part starts at random.
        resume_if_any: go on as with `resume` where there is a checkpoint, and start anew otherwise.
        overrides: values to change, by key (`**{"TRAIN.end_epoch": 2}`) or by section (`TRAIN={"end_epoch": 2}`).

    Returns:
        The trained detector, as it is after the last step; with averaged weights where `TRAIN.EMA_DECAY` is set.

    Raises:
        ConfigError: the configuration cannot be used.
        TrainingError: there is an earlier run in `output_path` that is not to be resumed, or training cannot go on.
        UsageError: another process works in `output_path`.
        StorageError: a file cannot be written there; the checkpoints that are whole stay.
        SignalReceived: SIGTERM or Ctrl-C, which raises it as a KeyboardInterrupt, ended the training after a step; a
            checkpoint has been saved.

    Example::

        detector = lh.train("shapes_s", TRAIN={"end_epoch": 2}, output_path="output/short")
        ids, scores, boxes = detector("output/shapes/val/000001.png")
    """
    cfg = with_overrides(cfg, overrides) if isinstance(cfg, CfgNode) else load_config(cfg, overrides)
    contexts = [ctx or mx.cpu()] if ctx is None or isinstance(ctx, mx.Context) else list(ctx)
    run = run_training(cfg, contexts, open_logger(), resume, extend, allow_partial, resume_if_any)
    if run.trainer.exit_status:
        raise SignalReceived(run.trainer.exit_status)
    return Detector.of(cfg, run.net, contexts, cfg.output_path)


def run_training(cfg: CfgNode, contexts: Sequence[mx.Context], logger: logging.Logger, resume: bool = False,
                 extend: bool = False, allow_partial: bool = False, resume_if_any: bool = False,
                 group: Group = ALONE) -> TrainingRun:
    """Trains a detector end to end, alone in its folder; no file is left there unless all checks have passed.

    Args:
        cfg, contexts, logger, resume, extend, allow_partial, resume_if_any, group: see `TrainingRun`.

    Returns:
        The training; its trainer's `exit_status` is not 0 where a signal ended it.

    Raises:
        UsageError: the configuration describes alternate training, or another process works in its `output_path`. See
            also `TrainingRun`.
    """
    if not cfg.TRAIN.END2END:
        raise UsageError("TRAIN.END2END is false: experiments/train_alternate.py trains in stages")
    if not group.is_first:
        run = TrainingRun(cfg, contexts, logger, resume, extend, allow_partial, resume_if_any=resume_if_any,
                          group=group)
        run.run()
        return run
    with lock_folder(cfg.output_path) as lock, HeldLogFile(logger) as log_file:
        run = TrainingRun(cfg, contexts, logger, resume, extend, allow_partial, resume_if_any=resume_if_any,
                          group=group)
        run.before_checkpoint = lock.check
        log_file.begin(cfg.output_path)
        write_reports(cfg.output_path, run.dataset, run.test_set)
        with tells_of_resume(logger):
            run.run()
        if run.failures:
            write_reports(cfg.output_path, run.dataset, run.test_set)
    return run
