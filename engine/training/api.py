"""`train`: trains a detector by one call."""
import logging
from pathlib import Path
from typing import Any, Sequence, Union

import mxnet as mx
from yacs.config import CfgNode

from ...errors import UsageError
from ..building.datasets import write_reports
from ..config import load_config, with_overrides
from ..inference.detector import Detector
from ..reporting.logger import HeldLogFile, open_logger
from .run import TrainingRun


def train(cfg: Union[str, Path, CfgNode], ctx: Union[None, mx.Context, Sequence[mx.Context]] = None,
          resume: bool = False, extend: bool = False, allow_partial: bool = False, **overrides: Any) -> Detector:
    """Trains a detector end to end as a configuration says; the files are written to its `output_path`.

    Args:
        cfg: a configuration, the path of its file, or the name of one that comes with the package.
        ctx: the device, or several that share each batch; by default the CPU.
        resume: go on from the last checkpoint in `output_path`; start anew where there is none.
        extend: go on from the last checkpoint with another schedule (learning rates, warm-up, decay, averaging). More
            epochs need `resume` only, unless `TRAIN.lr_schedule` is "cosine".
        allow_partial: accept a file `network.pretrained` that lacks a part of the backbone; that part starts at random.
        overrides: values to change, by key (`**{"TRAIN.end_epoch": 2}`) or by section (`TRAIN={"end_epoch": 2}`).

    Returns:
        The trained detector, as it is after the last step; with averaged weights where `TRAIN.EMA_DECAY` is set.

    Raises:
        ConfigError: the configuration cannot be used.
        TrainingError: there is an earlier run in `output_path` that is not to be resumed, or training cannot go on.

    Example::

        detector = lh.train("shapes_s", TRAIN={"end_epoch": 2}, output_path="output/short")
        ids, scores, boxes = detector("output/shapes/val/000001.png")
    """
    cfg = with_overrides(cfg, overrides) if isinstance(cfg, CfgNode) else load_config(cfg, overrides)
    contexts = [ctx or mx.cpu()] if ctx is None or isinstance(ctx, mx.Context) else list(ctx)
    run = run_training(cfg, contexts, open_logger(), resume, extend, allow_partial)
    return Detector.of(cfg, run.net, contexts, cfg.output_path)


def run_training(cfg: CfgNode, contexts: Sequence[mx.Context], logger: logging.Logger, resume: bool = False,
                 extend: bool = False, allow_partial: bool = False) -> TrainingRun:
    """Trains a detector end to end; no file is written before all checks have passed.

    Args:
        cfg, contexts, logger, resume, extend, allow_partial: see `TrainingRun`.

    Returns:
        The finished training.

    Raises:
        UsageError: the configuration describes alternate training. See also `TrainingRun`.
    """
    if not cfg.TRAIN.END2END:
        raise UsageError("TRAIN.END2END is false: experiments/train_alternate.py trains in stages")
    log_file = HeldLogFile(logger)
    try:
        run = TrainingRun(cfg, contexts, logger, resume, extend, allow_partial)
    except Exception:
        log_file.discard()
        raise
    log_file.begin(cfg.output_path)
    write_reports(cfg.output_path, run.dataset, run.test_set)
    run.run()
    if run.failures:
        write_reports(cfg.output_path, run.dataset, run.test_set)
    return run
