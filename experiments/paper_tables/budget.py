"""How long the runs of a plan will take, from a few training steps of each row, taken as the runs will go.

A row is timed in a process of its own, `python -m light_head_rcnn.experiments.paper_tables.budget FILE.yaml DEVICE...`,
which prints the seconds of its run. As many of them go side by side as runs will, with as many threads each.
"""
import argparse
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Optional, Sequence

import mxnet as mx
import numpy as np
from yacs.config import CfgNode

from ...engine.config import load_config, with_values
from ...engine.files import atomic_write
from ...engine.reporting.logger import open_logger
from ...engine.training.run import TrainingRun
from ...errors import LightHeadError, UsageError
from .scales import Run
from .state import State

WARM_UP, STEPS = 2, 4
# Seconds that the process of a run takes for its imports and to read the data set.
START_SECONDS = 8.0
# A test of one image takes this share of the time that a training step takes for one image.
TEST_SHARE = 0.5


def check_budget(runs: Sequence[Run], state: State, folder: Path, hours: float, device: Sequence[str], jobs: int,
                 threads: int, report: Callable[[str], None]) -> None:
    """Reports how long the runs that are left will take, and refuses more than `hours`.

    One run of each row is timed; its other seeds take as long.

    Args:
        runs: from `scales.plan_runs`.
        state: what `running.run_all` keeps.
        folder: takes the configurations while rows are timed.
        hours: the most that they may take.
        device: words, such as ["--cpu"].
        jobs: how many runs go side by side.
        threads: of MXNet's CPU operators in each of them.
        report: takes lines of text.

    Raises:
        UsageError: it would take longer, or a training cannot begin.
    """
    left = [run for run in runs if state.get(run.key) is None]
    if not left:
        return
    began, first_runs = time.time(), {run.row: run for run in reversed(left)}
    with ThreadPoolExecutor(jobs) as pool:
        measured = pool.map(lambda run: measure_run(run, folder, device, threads), first_runs.values())
        seconds = dict(zip(first_runs, measured))
    for row in dict.fromkeys(run.row for run in left):
        report(f"{row:24} {sum(run.row == row for run in left):3d} runs of {seconds[row] / 60:6.1f} min")
    side_by_side = min(jobs, len(left))
    total = sum(seconds[run.row] for run in left) / side_by_side
    order = "one after the other" if side_by_side == 1 else f"{side_by_side} side by side"
    report(f"{len(left)} of {len(runs)} runs are left: about {total / 60:.0f} min, {order} (measured in "
           f"{time.time() - began:.0f} s)")
    if total > hours * 3600:
        raise UsageError(f"that is more than --hours {hours:g} allows: raise it, or take fewer seeds (--seeds), one "
                         "table (--table), or fewer epochs (TRAIN.end_epoch N TRAIN.lr_step N)")


def measure_run(run: Run, folder: Path, device: Sequence[str], threads: int) -> float:
    """Times a few training steps in a process of its own; returns the seconds that the whole run will take.

    Raises:
        UsageError: the training cannot begin; the message is that of the process.
    """
    path = folder / f"budget_{run.row}.yaml"
    with atomic_write(path) as temporary:
        Path(temporary).write_text(run.text, encoding="utf-8")
    words = [str(path), *device] + ([] if run.trains else ["--test-only"])
    done = subprocess.run([sys.executable, "-m", __name__, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, env=dict(os.environ, OMP_NUM_THREADS=str(threads)))
    path.unlink()
    if done.returncode:
        said = re.search("^error: (.*)", done.stderr, re.MULTILINE | re.DOTALL)
        raise UsageError(f"{run.row}: " + (said.group(1) if said else done.stderr[-1000:]).strip())
    return float(done.stdout.splitlines()[-1])


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Prints the seconds that a run will take, or an error that `measure_run` passes on; returns the exit status."""
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
    return START_SECONDS + testing + (0 if test_only else training.trainer.total * step)


if __name__ == "__main__":
    sys.exit(main())
