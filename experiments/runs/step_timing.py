"""How long a training will take, from a few of its steps, measured in a process of its own.

The process runs `python -m light_head_rcnn.experiments.runs.step_timing FILE.yaml DEVICE...` and prints seconds.
"""
import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Optional, Sequence

import mxnet as mx
import numpy as np
from yacs.config import CfgNode

from ...engine.config import load_config, with_values
from ...engine.files import atomic_write
from ...engine.reporting.logger import open_logger
from ...engine.training.run import TrainingRun
from ...errors import LightHeadError, UsageError

WARM_UP, STEPS = 2, 4
# Seconds that the process of a run takes for its imports and to read the data set.
START_SECONDS = 8.0
# A test of one image takes this share of the time that a training step takes for one image.
TEST_SHARE = 0.5


def predict_in_process(name: str, text: str, folder: Path, device: Sequence[str], threads: Optional[int] = None,
                       test_only: bool = False) -> float:
    """Times a few training steps in a process of its own; returns the seconds that the whole run will take.

    Args:
        name: of the run, for the error.
        text: of the configuration's YAML file.
        folder: takes that file meanwhile.
        device: words such as ["--cpu"].
        threads: of MXNet's CPU operators; default: as in this process.
        test_only: whether the run only tests.

    Raises:
        UsageError: the training cannot begin; the message is that of the process.
    """
    path = Path(folder) / f"budget_{name}.yaml"
    with atomic_write(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
    words = [str(path), *device] + (["--test-only"] if test_only else [])
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads)) if threads else None
    try:
        done = subprocess.run([sys.executable, "-m", __name__, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True, env=environment)
    finally:
        path.unlink()
    if done.returncode:
        said = re.search("^error: (.*)", done.stderr, re.MULTILINE | re.DOTALL)
        raise UsageError(f"{name}: " + (said.group(1) if said else done.stderr[-1000:]).strip())
    return float(done.stdout.splitlines()[-1])


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Prints the seconds of a run, or an error that `predict_in_process` passes on; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--test-only", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--gpus")
    args = parser.parse_args(argv)
    contexts = [mx.gpu(int(number)) for number in args.gpus.split(",")] if args.gpus else [mx.cpu()]
    try:
        print(predict_seconds(load_config(args.file), contexts, args.test_only))
    except LightHeadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def predict_seconds(cfg: CfgNode, contexts: Sequence[mx.Context], test_only: bool) -> float:
    """Times a few training steps in this process.

    Args:
        cfg: the configuration of a run.
        contexts: the devices to train on.
        test_only: whether the run only tests.

    Returns:
        The seconds that the whole run will take.
    """
    # Nothing can be in that folder, and nothing can be written to it.
    training = TrainingRun(with_values(cfg, {"output_path": os.devnull}), contexts, open_logger())
    # The time from one step to the next is that of loading, too.
    ends = [time.monotonic() for _ in training.trainer.time_steps(WARM_UP + STEPS + 1)]
    step = float(np.median(np.diff(ends)[WARM_UP:]))
    images = 0 if training.test_set is None else len(training.test_set.records)
    passes = max(len(cfg.TEST.SCALES), 1) * (2 if cfg.TEST.FLIP else 1)
    testing = passes * images * TEST_SHARE * step / cfg.TRAIN.BATCH_IMAGES
    if test_only:
        return START_SECONDS + testing
    every = cfg.TRAIN.TEST_EVERY
    tests = 1 + ((cfg.TRAIN.end_epoch - 1) // every if every else 0)
    return START_SECONDS + tests * testing + training.trainer.total * step


if __name__ == "__main__":
    sys.exit(main())
